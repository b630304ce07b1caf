// What the audit costs: of a write that meets no other, and of one conflict.
//
//   audit_cost [WRITES]
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "crdt/keyspace.hpp"
#include "regions/audit/entry.hpp"
#include "sync/context_trail.hpp"

using namespace turnstone;

namespace {

class Sink final : public crdt::KeyspaceObserver {
 public:
  void key_changed(std::string_view) override {}
  void conflict_settled(const crdt::Settlement&) override {}
  void conflict_found(const crdt::Conflict& conflict) override { found.push_back(conflict); }
  std::vector<crdt::Conflict> found;
};

double nanoseconds_each(std::size_t times, const auto& body) {
  const auto start = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < times; ++i) body(i);
  const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
  return took.count() / static_cast<double>(times);
}

void show(std::string_view what, double nanoseconds) { fmt::print("{:<62}{:>9.0f} ns\n", what, nanoseconds); }

}  // namespace

int main(int argc, char** argv) {
  const std::size_t writes = argc > 1 ? static_cast<std::size_t>(std::atoi(argv[1])) : 200'000;
  const Origin paris{1};
  const Origin tokyo{2};
  const std::string value(64, 'v');
  const std::string other(64, 'w');
  crdt::Keyspace keyspace;
  Sink sink;
  sync::ContextTrail trail(500'000);
  const auto put = [&](Origin origin, std::size_t i, const std::string& text, const VersionVector* context) {
    const crdt::Author author{{origin, i + 1}, hlc_from_ms(i), i + 1, context};
    keyspace.apply(crdt::Put{"key:" + std::to_string(i), crdt::Kind::string, "", text}, author, 0, sink);
  };
  const VersionVector nothing;
  show("a write of another region, no conflict, applied in memory",
       nanoseconds_each(writes, [&](std::size_t i) { put(tokyo, i, value, &nothing); }));
  show("  of that, where it is a batch of its own: what its author saw",
       nanoseconds_each(writes, [&](std::size_t i) {
         trail.add(tokyo, i + 1, {{paris, i + 1}, {Origin{3}, 7}}, {{paris, i + 1}});
       }));
  show("a write that meets a concurrent one: found, with both values",
       nanoseconds_each(writes, [&](std::size_t i) { put(paris, i, other, &nothing); }));
  std::vector<storage::AuditRow> rows;
  show("  and made a record, with what both authors saw",
       nanoseconds_each(sink.found.size(), [&](std::size_t i) {
         audit::Entry entry = audit::entry_of(sink.found[i], i);
         entry.rule = "lww";
         entry.authors[0].region = "paris";
         entry.authors[1].region = "tokyo";
         for (audit::Author& author : entry.authors) author.context = trail.at({tokyo, i + 1});
         rows.push_back(audit::to_row(entry));
       }));
  const auto directory = std::filesystem::temp_directory_path() / fmt::format("audit_cost.{}", std::rand());
  std::filesystem::create_directory(directory);
  {
    auto audit = storage::AuditDb::open(directory / "audit.db", {"bench", "paris"});
    if (!audit) return 1;
    constexpr std::size_t at_once = 10'000;
    const double each = nanoseconds_each(rows.size() / at_once, [&](std::size_t i) {
      const auto from = rows.begin() + static_cast<std::ptrdiff_t>(i * at_once);
      if (!audit->add({from, from + static_cast<std::ptrdiff_t>(at_once)})) std::abort();
    });
    show("  and stored in audit.db, by another thread, 10,000 at once", each / at_once);
  }
  const auto bytes = std::filesystem::file_size(directory / "audit.db");
  fmt::print("{} conflicts on disk take {} bytes each\n", rows.size(), bytes / rows.size());
  std::filesystem::remove_all(directory);
}
