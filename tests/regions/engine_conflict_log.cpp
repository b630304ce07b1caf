#include "regions/engine/conflict_log.hpp"

#include "tests/catch.hpp"

using namespace turnstone;
using namespace turnstone::regions;

namespace {

crdt::Conflict conflict(std::uint64_t number, std::size_t bytes) {
  crdt::ConflictSide paris{{{Origin{1}, number}, 0}, 10, crdt::Kind::string, false, false,
                           std::string(bytes, 'p')};
  crdt::ConflictSide tokyo{{{Origin{2}, number}, 0}, 20, crdt::Kind::string, false, false, "t"};
  return crdt::make_conflict(crdt::ConflictType::concurrent_write, "k", "", std::move(paris),
                             std::move(tokyo));
}

audit::Entry describe(const crdt::Conflict& conflict) { return audit::entry_of(conflict, 1); }

}  // namespace

TEST_CASE("conflict log: large values push the oldest out of memory, and a checkpoint is hurried") {
  ConflictLog log(describe);
  constexpr std::size_t value = 1024 * 1024;
  constexpr std::size_t most = ConflictLog::conflicts_bytes_max;
  std::uint64_t number = 0;
  while (!log.many_unstored()) log.add(conflict(++number, value));
  CHECK(number == most / 2 / value);
  CHECK(log.lost() == 0);
  while (log.lost() == 0) log.add(conflict(++number, value));
  CHECK(log.unstored_bytes() <= most);
  CHECK(log.bytes() <= most);
  CHECK(log.take_unstored().size() == number - 1);
  CHECK(!log.many_unstored());
  log.add(conflict(++number, value));
  CHECK(log.lost() == 1);
  CHECK(log.newest(1).at(0).conflict.first.id.operation.seq == number);
}

TEST_CASE("conflict log: the newest stay in memory, up to their number") {
  ConflictLog log(describe);
  for (std::uint64_t number = 1; number <= ConflictLog::conflicts_max + 5; ++number)
    log.add(conflict(number, 1));
  CHECK(log.size() == ConflictLog::conflicts_max);
  CHECK(log.recorded() == ConflictLog::conflicts_max + 5);
  CHECK(log.pushed_out() == 5);
}
