// damage_row DIR CLUSTER REGION KEY NEW-VALUE: gives the string at KEY another value in the
// state file of a leader that is stopped, with checksums that are right, as a bug or memory
// that rots would leave it. Without NEW-VALUE the row goes.
#include <fmt/format.h>

#include <filesystem>

#include "core/storage/state_db.hpp"
#include "regions/durability/open_store.hpp"
#include "regions/durability/stored_forms.hpp"

namespace {

using namespace turnstone;

Result<void> damage(const std::filesystem::path& file, const storage::Identity& identity,
                    const std::string& key, const char* value) {
  auto state = storage::StateDb::open(file, identity);
  if (!state) return tl::make_unexpected(state.error());
  crdt::Cell damaged;
  auto found = state->for_each_cell([&](const storage::StoredCell& stored) -> Result<void> {
    const crdt::CellImage image = durability::from_stored(stored);
    if (image.name != crdt::CellName{key, {}, crdt::Kind::string}) return {};
    const auto cell = decode_image(image);
    if (!cell) return tl::make_unexpected(cell.error());
    crdt::Row row = cell->siblings().front();
    if (value != nullptr) row.value = value;
    damaged.add(row);
    return {};
  });
  if (!found) return found;
  if (damaged.empty()) return fail(Errc::config, "the state file has no such key");
  auto origins = state->origins();
  if (!origins) return tl::make_unexpected(origins.error());
  const crdt::CellImage image =
      image_of({key, {}, crdt::Kind::string}, value == nullptr ? nullptr : &damaged);
  return state->apply({state->position(), {durability::to_stored(image)}, *std::move(origins)});
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5 && argc != 6) {
    fmt::print(stderr, "usage: {} DIR CLUSTER REGION KEY [NEW-VALUE]\n", argv[0]);
    return 64;
  }
  const auto done = damage(std::filesystem::path(argv[1]) / durability::state_file, {argv[2], argv[3]},
                           argv[4], argc == 6 ? argv[5] : nullptr);
  if (!done) fmt::print(stderr, "{}\n", done.error().message);
  return done ? 0 : 1;
}
