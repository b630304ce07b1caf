#include "regions/durability/open_store.hpp"

#include <algorithm>
#include <fstream>
#include <map>

#include "core/record.hpp"
#include "core/storage/log_reader.hpp"
#include "tests/core/temp_directory.hpp"
#include "tests/regions/durability_leader.hpp"

using namespace turnstone;
using namespace turnstone::durability;
using Catch::Matchers::Contains;
using test::TempDirectory;

namespace {

std::size_t files_like(const std::filesystem::path& directory, const std::string& start) {
  const std::filesystem::directory_iterator entries(directory);
  return static_cast<std::size_t>(std::count_if(begin(entries), end(entries), [&](const auto& entry) {
    return entry.path().filename().string().starts_with(start);
  }));
}

// A run with writes before and after a checkpoint; its digest.
Hash128 some_history(const std::filesystem::path& directory, std::uint64_t origin = 1) {
  TestLeader leader = start_leader(directory, origin);
  leader.put("blue", "before the checkpoint");
  leader.put("green", "before the checkpoint too");
  leader.checkpoint();
  leader.put("blue", "after the checkpoint");
  leader.put("red", "after the checkpoint too");
  return leader.digest();
}

Error refused(const std::filesystem::path& directory) {
  const auto leader = TestLeader::start(directory, 99);
  if (leader) FAIL("the start was not refused");
  return leader.error();
}

// Writes of tokyo that it made without having seen anything, as frames for its peers.
std::vector<std::string> frames_of_tokyo(const std::vector<std::pair<std::string, std::string>>& writes) {
  const auto tokyo = make_replica("tokyo", 1000);
  std::vector<std::string> frames;
  for (const auto& [key, value] : writes) {
    tokyo->begin(5'000'000);
    tokyo->apply(crdt::Put{key, crdt::Kind::string, "", value});
    const sync::Lsn ticket = *tokyo->commit();
    tokyo->step(5'000'000, sync::Flush{});
    for (const sync::Effect& effect : tokyo->step(5'000'000, sync::Committed{ticket})) {
      if (const auto* publish = std::get_if<sync::Publish>(&effect)) frames.push_back(publish->frame);
    }
  }
  return frames;
}

}  // namespace

TEST_CASE("store: a new directory starts empty") {
  const TempDirectory temp;
  TestLeader leader = start_leader(temp / "data", 1);
  CHECK(leader.report().log_lsn == 0);
  CHECK(leader.report().alarms.empty());
  CHECK(leader.replica().keyspace().size() == 0);
}

TEST_CASE("store: the state is what was stored, and the log behind it is replayed") {
  const TempDirectory temp;
  const Hash128 before = some_history(temp.path());
  TestLeader leader = start_leader(temp.path(), 2);
  CHECK(leader.digest() == before);
  CHECK(leader.report().state_lsn == 2);
  CHECK(leader.report().log_lsn == 4);
  CHECK(leader.report().cells_loaded == 2);
  CHECK(leader.report().batches_replayed == 2);
  CHECK(leader.report().alarms.empty());
  CHECK(leader.replica().durable_lsn() == 4);
  CHECK(leader.replica().durable() == VersionVector{{Origin{1}, 4}});
}

TEST_CASE("store: run after run goes on, each with its own origin") {
  const TempDirectory temp;
  Hash128 digest = some_history(temp.path(), 1);
  for (const std::uint64_t origin : {2u, 3u}) {
    TestLeader leader = start_leader(temp.path(), origin);
    CHECK(leader.digest() == digest);
    leader.put("origin", std::to_string(origin));
    if (origin == 2) leader.checkpoint();
    digest = leader.digest();
  }
  TestLeader leader = start_leader(temp.path(), 4);
  CHECK(leader.digest() == digest);
  CHECK(leader.report().state_lsn == 5);
  CHECK(leader.report().batches_replayed == 1);
  CHECK(leader.replica().vector() == VersionVector{{Origin{1}, 4}, {Origin{2}, 1}, {Origin{3}, 1}});
  CHECK(leader.replica().origins().at(Origin{3}).deps == VersionVector{{Origin{1}, 4}, {Origin{2}, 1}});
}

TEST_CASE("store: a process that is killed has everything that was durable, with or without a checkpoint") {
  const TempDirectory temp;
  TestLeader leader = start_leader(temp / "live", 1);
  for (int i = 0; i < 6; ++i) {
    leader.put("key " + std::to_string(i % 3), "value " + std::to_string(i));
    if (i % 2 == 1) leader.checkpoint();
    const std::string copy = "copy " + std::to_string(i);
    test::copy_files(temp / "live", temp / copy);
    TestLeader next = start_leader(temp / copy, 50);
    CHECK(next.digest() == leader.digest());
    CHECK(next.report().alarms.empty());
  }
}

TEST_CASE("store: batches of the stored part and of the replayed part are there for peers") {
  const TempDirectory temp;
  some_history(temp.path());
  TestLeader leader = start_leader(temp.path(), 2);
  auto reader = storage::LogReader::open(leader.store().directory.file(log_file));
  REQUIRE(reader);
  const auto tokyo = make_replica("tokyo", 7);
  const auto read = reader->read(std::vector<storage::Lsn>{1, 2, 3, 4});
  CHECK_FALSE(read.error);
  for (sync::Lsn lsn = 1; lsn <= read.bytes.size(); ++lsn) REQUIRE(tokyo->replay(lsn, read.bytes[lsn - 1]));
  CHECK(tokyo->keyspace().digest() == leader.digest());
}

TEST_CASE("store: a log that ends before its own state is refused, and nothing is moved") {
  const TempDirectory temp;
  const auto data = temp / "data";
  some_history(data);
  test::copy_files(data, temp / "older");
  {
    TestLeader leader = start_leader(data, 2);
    leader.put("blue", "lost with the tail of the log");
    leader.checkpoint();
  }
  std::filesystem::copy_file(temp / "older/log.db", data / "log.db",
                             std::filesystem::copy_options::overwrite_existing);
  std::filesystem::remove(data / "log.db-wal");
  const auto make_replica = [] { return std::make_unique<sync::Replica>(sync::ReplicaConfig{}, 4); };
  const auto refused = open_store(data, {"turnstone", "paris"}, make_replica, 10);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::corrupt);
  CHECK_THAT(refused.error().message, Contains("batch 5") && Contains("batch 4") && Contains("lost"));
  CHECK(files_like(data, "state.db.damaged-") == 0);
}

TEST_CASE("store: a state of another log is set aside") {
  const TempDirectory temp;
  some_history(temp / "data", 1);
  some_history(temp / "other", 2);
  std::filesystem::copy_file(temp / "other/state.db", temp / "data/state.db",
                             std::filesystem::copy_options::overwrite_existing);
  TestLeader leader = start_leader(temp / "data", 3);
  REQUIRE(leader.report().alarms.size() == 1);
  CHECK_THAT(leader.report().alarms[0], Contains("not the state of this log"));
  CHECK(leader.replica().vector() == VersionVector{{Origin{1}, 4}});
}

TEST_CASE("store: a damaged state is computed anew, and nothing of it is left in the replica") {
  const TempDirectory temp;
  Hash128 before;
  {
    TestLeader leader = start_leader(temp.path(), 1);
    leader.put("aaa", "read before the damage is found");
    leader.put("zzz", "damaged");
    leader.checkpoint();
    leader.put("zzz", "newer");
    before = leader.digest();
  }
  test::flip_bit(temp / "state.db", "damaged");
  TestLeader leader = start_leader(temp.path(), 2);
  CHECK(leader.digest() == before);
  CHECK(leader.report().cells_loaded == 0);
  CHECK(leader.report().batches_replayed == 3);
  REQUIRE(leader.report().alarms.size() == 1);
  CHECK_THAT(leader.report().alarms[0], Contains("'zzz'"));
}

TEST_CASE("store: a state file that is no database is set aside, a missing one is made") {
  const TempDirectory temp;
  const Hash128 before = some_history(temp.path());
  std::ofstream(temp / "state.db") << std::string(9000, '?');
  {
    TestLeader leader = start_leader(temp.path(), 2);
    CHECK(leader.digest() == before);
    CHECK(leader.report().alarms.size() == 1);
  }
  std::filesystem::remove(temp / "state.db");
  TestLeader leader = start_leader(temp.path(), 3);
  CHECK(leader.digest() == before);
  CHECK(leader.report().batches_replayed == 4);
}

TEST_CASE("store: a log that is no database any more stops the start, which says what can be done") {
  const TempDirectory temp;
  some_history(temp.path());
  SECTION("its first pages are foreign") { std::ofstream(temp / "log.db") << std::string(9000, '?'); }
  SECTION("only part of the file is there, as after a lost write-ahead log") {
    std::filesystem::resize_file(temp / "log.db", std::filesystem::file_size(temp / "log.db") / 2);
  }
  const Error error = refused(temp.path());
  CHECK(error.code == Errc::corrupt);
  CHECK_THAT(error.message, Contains((temp / "log.db").string()) && Contains("start with an empty one"));
}

TEST_CASE("store: a damaged batch that has to be replayed stops the start, with its number") {
  const TempDirectory temp;
  some_history(temp.path());
  test::flip_bit(temp / "log.db", "after the checkpoint too");
  const Error error = refused(temp.path());
  CHECK(error.code == Errc::corrupt);
  CHECK_THAT(error.message, Contains("batch 4") && Contains((temp / "log.db").string()));
  CHECK(files_like(temp.path(), "state.db.damaged-") == 0);
}

namespace {

// The batches that are kept are offered to the replica, as the leader does at its start.
void reconsider(TestLeader& leader) {
  auto reader = storage::LogReader::open(leader.store().directory.file(log_file));
  REQUIRE(reader);
  for (const storage::AsidePlace& place : leader.store().aside) {
    if (auto bytes = reader->read_aside(place.id)) leader.reconsider(std::move(*bytes));
  }
}

}  // namespace

TEST_CASE(
    "store: a damaged end of the log is set aside when that is asked for, and what is whole is taken again") {
  const TempDirectory temp;
  some_history(temp.path());
  const std::string value = "written by tokyo, before the damage and behind it in the log";
  {
    TestLeader leader = start_leader(temp.path(), 2);
    leader.put("red", "this batch will be damaged");
    for (const std::string& frame : frames_of_tokyo({{"yellow", value}})) leader.receive("tokyo", frame);
    leader.put("black", "behind it, by the same origin");
  }
  test::flip_bit(temp / "log.db", "this batch will be damaged");
  CHECK_THAT(refused(temp.path()).message, Contains("set-damaged-aside"));
  {
    auto started = TestLeader::start(temp.path(), 3, DamagedLog::set_aside);
    REQUIRE(started);
    TestLeader& leader = *started;
    CHECK(leader.report().alarms.size() == 1);
    CHECK(leader.report().log_lsn == 4);
    REQUIRE(leader.store().aside.size() == 3);
    CHECK(leader.value("yellow") == "(none)");
    reconsider(leader);
    CHECK(leader.value("yellow") == value);
    CHECK(leader.value("red") == "after the checkpoint too");
    CHECK(leader.value("black") == "(none)");
    leader.put("green", "the leader goes on");
  }
  // The next start needs no permission, and still waits for what is missing.
  TestLeader leader = start_leader(temp.path(), 4);
  CHECK(leader.store().aside.size() == 3);
  reconsider(leader);
  CHECK(leader.value("yellow") == value);
  CHECK(leader.value("green") == "the leader goes on");
  CHECK(leader.value("black") == "(none)");
}

TEST_CASE("store: a batch of the log that this version cannot apply does not stop the start") {
  const TempDirectory temp;
  some_history(temp.path());
  {
    // As a later version left it: the effect's code and the hashes are right, and mean nothing here.
    auto log = storage::LogDb::open(temp / "log.db", paris_identity);
    REQUIRE(log);
    std::string bytes;
    RecordWriter out(bytes);
    out.record(8).uint(1).uint(hash64("turnstone")).uint(77).uint(1).uint(1).uint(0).uint(5).bytes("paris");
    out.record(0).record(4).uint(60).uint(0).bytes("k").bytes("v");
    const std::uint64_t hash = hash64(bytes);
    bytes.append(reinterpret_cast<const char*>(&hash), sizeof hash);
    const storage::LogEntry entry{log->last_lsn() + 1, Origin{77}, 1, 1, bytes};
    REQUIRE(log->append({&entry, 1}));
  }
  for (const std::uint64_t origin : {3, 4}) {
    TestLeader leader = start_leader(temp.path(), origin);
    CHECK(leader.report().alarms.size() == (origin == 3 ? 1 : 0));
    REQUIRE(leader.store().aside.size() == 1);
    reconsider(leader);
    CHECK(leader.replica().quarantined().contains(Origin{77}));
    CHECK(leader.value("red") == "after the checkpoint too");
    leader.put("green", "the leader goes on");
  }
}

TEST_CASE("store: a damaged batch that is in the state does not stop the start, and is never given out") {
  const TempDirectory temp;
  const Hash128 before = some_history(temp.path());
  test::flip_bit(temp / "log.db", "before the checkpoint too");
  TestLeader leader = start_leader(temp.path(), 2);
  CHECK(leader.digest() == before);
  auto reader = storage::LogReader::open(leader.store().directory.file(log_file));
  REQUIRE(reader);
  const auto read = reader->read(std::vector<storage::Lsn>{1, 2, 3});
  CHECK(read.bytes.size() == 1);
  REQUIRE(read.error);
  CHECK(read.error->code == Errc::corrupt);
}

TEST_CASE("store: a log that is missing beside a state is not taken for an empty one") {
  const TempDirectory temp;
  some_history(temp.path());
  std::filesystem::remove(temp / "log.db");
  std::filesystem::remove(temp / "log.db-wal");
  const Error error = refused(temp.path());
  CHECK(error.code == Errc::corrupt);
  CHECK_THAT(error.message, Contains((temp / "log.db").string()) && Contains("missing"));
  CHECK_FALSE(std::filesystem::exists(temp / "log.db"));
}

TEST_CASE("store: the directory of another region is refused, and nothing is moved") {
  const TempDirectory temp;
  some_history(temp.path());
  const auto as_tokyo = open_store(
      temp.path(), {"turnstone", "tokyo"}, [] { return make_replica("tokyo", 1); }, 1);
  REQUIRE_FALSE(as_tokyo);
  CHECK(as_tokyo.error().code == Errc::wrong_cluster);
  CHECK(files_like(temp.path(), "state.db.damaged-") == 0);
  CHECK(start_leader(temp.path(), 2).report().alarms.empty());
}

TEST_CASE("store: a directory in use is refused") {
  const TempDirectory temp;
  const TestLeader leader = start_leader(temp.path(), 1);
  CHECK(refused(temp.path()).code == Errc::in_use);
}

TEST_CASE("store: other leaders' batches are replayed with the leader's own, conflicts found once each") {
  const TempDirectory temp;
  const auto frames = frames_of_tokyo({{"both", "tokyo"}, {"tokyo", "alone"}, {"late", "tokyo"}});
  REQUIRE(frames.size() == 3);
  Hash128 before;
  std::vector<crdt::Conflict> found;
  {
    TestLeader leader = start_leader(temp.path(), 1);
    leader.put("both", "paris");
    leader.receive("tokyo", frames[0]);
    found = leader.conflicts();
    leader.checkpoint();
    leader.put("late", "paris");
    leader.receive("tokyo", frames[1]);
    leader.receive("tokyo", frames[2]);
    before = leader.digest();
    found.insert(found.end(), leader.conflicts().begin(), leader.conflicts().end());
  }
  REQUIRE(found.size() == 2);
  TestLeader leader = start_leader(temp.path(), 2);
  CHECK(leader.digest() == before);
  CHECK(leader.replica().vector() == VersionVector{{Origin{1}, 2}, {Origin{1000}, 3}});
  CHECK(leader.replica().region_of(Origin{1000}) == "tokyo");
  REQUIRE(leader.store().stored_conflicts.size() == 1);
  CHECK(leader.store().stored_conflicts[0] == audit::entry_of(found[0], 1234));
  CHECK(leader.store().stored_conflicts[0].at_ms == 5'000'000);
  CHECK(leader.store().replayed_conflicts == std::vector<crdt::Conflict>{found[1]});
}

TEST_CASE(
    "store: a record of conflicts that is damaged or gone is begun anew, with those that the state shows") {
  const TempDirectory temp;
  const auto frames = frames_of_tokyo({{"both", "tokyo"}});
  std::vector<crdt::Conflict> found;
  {
    TestLeader leader = start_leader(temp.path(), 1);
    leader.put("both", "paris");
    leader.receive("tokyo", frames[0]);
    found = leader.conflicts();
    leader.checkpoint();
  }
  REQUIRE(found.size() == 1);
  {
    std::ofstream(temp / "audit.db", std::ios::trunc) << "no database";
    TestLeader leader = start_leader(temp.path(), 2);
    CHECK(leader.store().stored_conflicts.empty());
    CHECK(leader.store().replayed_conflicts == found);
    REQUIRE(leader.report().alarms.size() == 1);
    CHECK_THAT(leader.report().alarms[0], Contains("the record of conflicts was set aside"));
    CHECK(files_like(temp.path(), "audit.db.damaged-") > 0);
  }
  std::filesystem::remove(temp / "audit.db");
  CHECK(start_leader(temp.path(), 3).store().replayed_conflicts == found);
}

TEST_CASE("stored forms: what is known of an origin comes back, and other bytes are malformed") {
  const sync::OriginState state{"paris", 12, 0xfeedbeefcafe, {{Origin{3}, 4}, {Origin{UINT64_MAX}, 1}}};
  const std::string bytes = encode_origin(state);
  CHECK(decode_origin(bytes).value() == state);
  CHECK(decode_origin(encode_origin({})).value() == sync::OriginState{});
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CHECK(decode_origin(bytes.substr(0, size)).error().code == Errc::malformed);
  }
  CHECK(decode_origin(bytes + bytes).error().code == Errc::malformed);
}

TEST_CASE("stored forms: a version vector comes back, and other bytes are malformed") {
  const VersionVector vector{{Origin{3}, 4}, {Origin{UINT64_MAX}, 1}};
  const std::string bytes = encode_vector(vector);
  CHECK(decode_vector(bytes).value() == vector);
  CHECK(decode_vector(encode_vector({})).value() == VersionVector{});
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CHECK(decode_vector(bytes.substr(0, size)).error().code == Errc::malformed);
  }
}
