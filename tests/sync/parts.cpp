// Pending batches, the index of the log and its prefix, and stability, each by itself.
#include "sync/log_index.hpp"
#include "sync/log_prefix.hpp"
#include "sync/pending.hpp"
#include "sync/stability.hpp"
#include "tests/catch.hpp"

using namespace turnstone;
using namespace turnstone::sync;

namespace {

const Origin paris{1};
const Origin tokyo{2};
const Origin dallas{3};
constexpr std::size_t overhead = Pending::overhead_bytes;

}  // namespace

TEST_CASE("pending: the newest batches of an origin give way when there is no room") {
  Pending pending(30 + 3 * overhead, 10);
  CHECK(pending.add(paris, 5, std::string(10, 'a')) == 0);
  CHECK(pending.add(paris, 9, std::string(10, 'b')) == 0);
  CHECK(pending.add(tokyo, 2, std::string(10, 'c')) == 0);
  CHECK(pending.add(paris, 7, std::string(10, 'd')) == 1);
  CHECK(pending.find(paris, 9) == nullptr);
  REQUIRE(pending.find(paris, 7) != nullptr);
  CHECK(*pending.find(paris, 5) == std::string(10, 'a'));
  CHECK(pending.bytes() == 30 + 3 * overhead);
  CHECK(pending.add(dallas, 1, std::string(31, 'e')) == 1);
  CHECK(pending.find(dallas, 1) == nullptr);
  CHECK(pending.bytes() == 30 + 3 * overhead);
}

TEST_CASE("pending: for batches of one origin too many there is no room, for those of the others there is") {
  Pending pending(100'000, 2);
  CHECK(pending.add(paris, 5, "a") == 0);
  CHECK(pending.add(tokyo, 5, "b") == 0);
  CHECK_FALSE(pending.has_room_for(dallas));
  CHECK(pending.has_room_for(paris));
  pending.drop_origin(tokyo);
  CHECK(pending.has_room_for(dallas));
}

TEST_CASE("pending: a batch received twice is kept and counted once") {
  Pending pending(1000, 10);
  pending.add(paris, 5, "first");
  CHECK(pending.add(paris, 5, "again") == 0);
  CHECK(pending.bytes() == 5 + overhead);
  CHECK(pending.take(paris, 5) == "first");
  CHECK(pending.empty());
  CHECK(pending.bytes() == 0);
}

TEST_CASE("pending: what was applied, and what a quarantined origin sent, is dropped") {
  Pending pending(1000, 10);
  for (const Seq seq : {3, 5, 8}) pending.add(paris, seq, "batch");
  pending.add(tokyo, 4, "batch");
  CHECK(pending.origins() == std::vector<Origin>{paris, tokyo});
  pending.drop_applied(paris, 5);
  CHECK(pending.find(paris, 5) == nullptr);
  CHECK(pending.find(paris, 8) != nullptr);
  pending.drop_origin(paris);
  CHECK(pending.origins() == std::vector<Origin>{tokyo});
  CHECK(pending.bytes() == 5 + overhead);
}

TEST_CASE("log index: a page holds what is missing, in the order applied, up to its size") {
  LogIndex index;
  index.add(1, paris, 1, 4, 100);
  index.add(2, tokyo, 1, 1, 100);
  index.add(3, paris, 5, 5, 100);
  index.add(4, tokyo, 2, 9, 100);
  CHECK(index.size() == 4);
  CHECK(index.beyond({}, 1000).lsns == std::vector<Lsn>{1, 2, 3, 4});
  CHECK(!index.beyond({}, 1000).more);
  const auto page = index.beyond({}, 250);
  CHECK(page.lsns == std::vector<Lsn>{1, 2});
  CHECK(page.more);
  CHECK(index.beyond({{paris, 4}, {tokyo, 1}}, 1000).lsns == std::vector<Lsn>{3, 4});
  // Somebody within a batch gets all of it.
  CHECK(index.beyond({{paris, 2}, {tokyo, 9}}, 1000).lsns == std::vector<Lsn>{1, 3});
  CHECK(index.beyond({{paris, 5}, {tokyo, 9}}, 1000).lsns.empty());
}

TEST_CASE("log index: a page has at least one batch, however large") {
  LogIndex index;
  index.add(1, paris, 1, 1, 5000);
  index.add(2, paris, 2, 2, 5000);
  const auto page = index.beyond({}, 1);
  CHECK(page.lsns == std::vector<Lsn>{1});
  CHECK(page.more);
}

TEST_CASE("log index: what is stable and stored is cut, up to what is retained") {
  LogIndex index;
  index.add(1, paris, 1, 4, 100);
  index.add(2, tokyo, 1, 1, 100);
  index.add(3, paris, 5, 5, 100);
  index.add(4, tokyo, 2, 9, 100);
  const VersionVector stable{{paris, 5}, {tokyo, 1}};
  CHECK(!index.cut({{tokyo, 9}}, 4, 0, {}));  // the oldest is not stable
  CHECK(!index.cut(stable, 0, 0, {}));        // nothing is stored
  CHECK(!index.cut(stable, 4, 400, {}));      // all of it is retained
  CHECK(index.cut(stable, 4, 250, {}));
  CHECK(index.floor_lsn() == 1);
  CHECK(index.cut(stable, 2, 0, {}));
  CHECK(index.floor() == VersionVector{{paris, 4}, {tokyo, 1}});
  CHECK(index.cut(stable, 4, 0, {}));
  CHECK(index.floor_lsn() == 3);
  CHECK(index.size() == 1);
  CHECK(index.bytes() == 100);
  CHECK(index.beyond(index.floor(), 1000).lsns == std::vector<Lsn>{4});
  index.add(5, paris, 6, 6, 100);
  CHECK(index.beyond({{paris, 5}, {tokyo, 9}}, 1000).lsns == std::vector<Lsn>{5});
}

TEST_CASE("log index: what is wanted is cut however little stays") {
  LogIndex index;
  index.add(1, paris, 1, 1, 100);
  index.add(2, tokyo, 1, 1, 100);
  index.add(3, paris, 2, 2, 100);
  CHECK(index.cut({{paris, 2}, {tokyo, 1}}, 3, 1000, {{tokyo, 1}}));
  CHECK(index.floor_lsn() == 2);
}

TEST_CASE("log index: a log that begins behind a floor goes on from there") {
  LogIndex index;
  index.restore_floor(7, {{paris, 5}});
  index.add(8, paris, 6, 6, 100);
  index.add(9, tokyo, 1, 1, 100);
  CHECK(index.beyond({{paris, 5}}, 1000).lsns == std::vector<Lsn>{8, 9});
  CHECK(index.floor_lsn() == 7);
}

TEST_CASE("stability: nothing is stable before every member has reported") {
  Stability stability;
  stability.add_member("tokyo");
  stability.add_member("dallas");
  const VersionVector applied{{paris, 5}};
  stability.report("tokyo", tokyo, applied, applied);
  CHECK(!stability.advance(applied, applied));
  CHECK(stability.stable().empty());
  stability.report("dallas", dallas, {{paris, 3}}, applied);
  CHECK(stability.advance(applied, applied));
  CHECK(stability.stable() == VersionVector{{paris, 3}});
  CHECK(!stability.advance(applied, applied));
}

TEST_CASE("stability: a report that overtakes what its sender had stamped does not count yet") {
  // Tokyo stamped its fifth without having seen paris's first, applied that, and reported.
  Stability stability;
  stability.add_member("tokyo");
  const VersionVector before{{paris, 1}, {tokyo, 4}};
  stability.report("tokyo", tokyo, {{paris, 1}, {tokyo, 5}}, before);
  CHECK(!stability.advance(before, before));
  const VersionVector after{{paris, 1}, {tokyo, 5}};
  CHECK(stability.advance(after, after));
  CHECK(stability.stable() == after);
}

TEST_CASE("stability: what a region stamped in an earlier run holds its report back, too") {
  // Tokyo's fifth of its last run has not arrived; the report is of the new run.
  Stability stability;
  stability.add_member("tokyo");
  const Origin new_run{9};
  const VersionVector before{{paris, 1}, {tokyo, 4}};
  stability.report("tokyo", new_run, {{paris, 1}, {tokyo, 5}}, before);
  CHECK(!stability.advance(before, before));
  const VersionVector after{{paris, 1}, {tokyo, 5}};
  CHECK(stability.advance(after, after));
}

TEST_CASE("stability: a report of a run that ended does not hold back those of the next for ever") {
  // Tokyo reported its ninth, and was restored to an old copy without it.
  Stability stability;
  stability.add_member("tokyo");
  const VersionVector applied{{paris, 2}, {tokyo, 4}};
  const Origin new_run{9};
  stability.report("tokyo", tokyo, {{paris, 1}, {tokyo, 9}}, applied);
  stability.report("tokyo", new_run, {{paris, 2}, {tokyo, 4}, {new_run, 1}}, applied);
  VersionVector later = applied;
  later.set(new_run, 1);
  CHECK(stability.advance(applied, later));
  CHECK(stability.stable() == applied);
}

TEST_CASE("stability: a leader that turns out to be behind takes its report back") {
  Stability stability;
  stability.add_member("tokyo");
  const VersionVector applied{{paris, 5}};
  stability.report("tokyo", tokyo, applied, applied);
  REQUIRE(stability.advance(applied, applied));
  stability.lower("tokyo", {{paris, 2}});
  CHECK(stability.stable() == VersionVector{{paris, 2}});
  CHECK(!stability.advance(applied, applied));
  stability.report("tokyo", tokyo, applied, applied);
  CHECK(stability.advance(applied, applied));
}

TEST_CASE("log prefix: it ends before the first batch that is not covered, in the order of the log") {
  LogPrefix prefix(10);
  prefix.add(1, paris, 4);
  prefix.advance({});
  prefix.add(2, tokyo, 2);
  prefix.advance({});
  prefix.add(3, paris, 9);
  CHECK(prefix.lsn() == 0);
  prefix.advance({{paris, 9}});
  CHECK(prefix.lsn() == 1);
  CHECK(prefix.vector() == VersionVector{{paris, 4}});
  prefix.advance({{paris, 9}, {tokyo, 3}});
  CHECK(prefix.lsn() == 3);
  CHECK(prefix.vector() == VersionVector{{paris, 9}, {tokyo, 2}});
  CHECK(prefix.groups() == 0);
}

TEST_CASE("log prefix: what a stored state holds is covered as a whole") {
  LogPrefix prefix(10);
  prefix.restore(7, {{paris, 4}, {tokyo, 2}});
  prefix.advance({{paris, 4}});
  CHECK(prefix.lsn() == 0);
  prefix.advance({{paris, 4}, {tokyo, 2}});
  CHECK(prefix.lsn() == 7);
}

TEST_CASE("log prefix: it takes batches together rather than growing without bound, and ends early then") {
  LogPrefix prefix(4);
  for (Seq seq = 1; seq <= 100; ++seq) {
    prefix.add(seq, paris, seq);
    prefix.advance({});
    CHECK(prefix.groups() <= 4);
  }
  prefix.advance({{paris, 99}});
  CHECK(prefix.lsn() < 100);
  prefix.advance({{paris, 100}});
  CHECK(prefix.lsn() == 100);
}
