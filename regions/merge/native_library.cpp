#include "regions/merge/native_library.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include "core/hybrid_clock.hpp"
#include "regions/merge/turnstone_merge.h"

namespace turnstone::merging {
namespace {

constexpr const char* symbol = "turnstone_merge_functions";

// What set_result() finds behind the call that it is handed.
struct Call : turnstone_merge_call {
  std::string result;
};

turnstone_bytes bytes_of(std::string_view text) { return {text.data(), text.size()}; }

void set_result(const turnstone_merge_call* call, const char* data, std::size_t size) {
  // The function has it as a const pointer to what is ours.
  auto* own = const_cast<Call*>(static_cast<const Call*>(call));
  own->result.assign(data, size);
}

Result<std::string> call_native(const turnstone_merge_entry& entry, const crdt::Siblings& siblings) {
  std::vector<std::string> authors;
  authors.reserve(siblings.all.size());
  for (const crdt::Sibling& each : siblings.all) authors.push_back(to_string(each.id.operation));
  std::vector<turnstone_sibling> all;
  all.reserve(siblings.all.size());
  for (std::size_t i = 0; i < siblings.all.size(); ++i)
    all.push_back({bytes_of(siblings.all[i].value), hlc_ms(siblings.all[i].hlc), bytes_of(authors[i])});
  Call call{};
  call.siblings = all.data();
  call.count = all.size();
  call.has_base = entry.wants_base != 0 && siblings.base ? 1 : 0;
  if (call.has_base != 0) call.base = bytes_of(*siblings.base);
  call.set_result = set_result;
  if (entry.merge(&call, entry.context) == 0) return std::move(call.result);
  return fail(Errc::merge_failed,
              fmt::format("{}: {}", entry.name, call.result.empty() ? "it gives no reason" : call.result));
}

crdt::ValueFormat format_of(int format) {
  if (format == TURNSTONE_JSON) return crdt::ValueFormat::json;
  return format == TURNSTONE_MSGPACK ? crdt::ValueFormat::msgpack : crdt::ValueFormat::text;
}

}  // namespace

Result<std::vector<crdt::NativeName>> load_native_library(const std::string& path) {
  const auto refuse = [&](std::string_view why) {
    return fail(Errc::config, fmt::format("the merge functions of {} cannot be used: {}", path, why));
  };
  void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return refuse(dlerror());  // NOLINT(concurrency-mt-unsafe): nothing runs beside
  using Entry = const turnstone_merge_library* (*)();
  const auto functions = reinterpret_cast<Entry>(dlsym(library, symbol));
  if (functions == nullptr) return refuse(fmt::format("it has no function {}", symbol));
  const turnstone_merge_library* const offered = functions();
  if (offered == nullptr) return refuse(fmt::format("{} returns nothing", symbol));
  if (offered->abi != TURNSTONE_MERGE_ABI)
    return refuse(fmt::format("it is made for version {} of the interface, and this is version {}",
                              offered->abi, TURNSTONE_MERGE_ABI));
  std::vector<crdt::NativeName> names;
  for (std::size_t i = 0; i < offered->count; ++i) {
    const turnstone_merge_entry& entry = offered->entries[i];
    if (entry.name == nullptr || entry.version == nullptr || entry.merge == nullptr)
      return refuse(fmt::format("its entry {} has no name, no version or no function", i + 1));
    const crdt::NativeOptions options{entry.wants_base != 0, format_of(entry.format)};
    auto added = crdt::add_native(
        entry.name, entry.version,
        [&entry](const crdt::Siblings& siblings) { return call_native(entry, siblings); }, options);
    if (!added) return refuse(added.error().message);
    names.push_back({entry.name, entry.version});
  }
  return names;
}

}  // namespace turnstone::merging
