#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/storage/log_db.hpp"
#include "regions/durability/checkpointer.hpp"
#include "regions/durability/log_reading.hpp"
#include "tests/catch.hpp"
#include "tests/core/temp_directory.hpp"

using namespace turnstone;
using namespace turnstone::durability;
using test::TempDirectory;

namespace {

const storage::Identity paris{"turnstone", "paris"};

storage::StateDb open_state(const std::filesystem::path& file) {
  auto state = storage::StateDb::open(file, paris);
  if (!state) FAIL(state.error().message);
  return std::move(*state);
}

AuditFile open_audit(const std::filesystem::path& file) {
  auto audit = storage::AuditDb::open(file, paris);
  if (!audit) FAIL(audit.error().message);
  return {std::move(*audit)};
}

CheckpointWork work(sync::Lsn lsn, const std::string& value) {
  crdt::Cell cell;
  cell.add({{{Origin{1}, lsn}, 0}, 5, value});
  CheckpointWork checkpoint;
  checkpoint.checkpoint = {lsn, lsn * 2, {{Origin{1}, {"paris", lsn, 77, {}}}}, {{Origin{1}, 1}}, {}, {}, {}};
  checkpoint.cells = {crdt::image_of({"key", "", crdt::Kind::string}, &cell)};
  return checkpoint;
}

// Hands out what another thread puts in.
template <class T>
class Mailbox {
 public:
  void put(T item) {
    const std::lock_guard lock(mutex_);
    items_.push_back(std::move(item));
    changed_.notify_all();
  }
  T take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !items_.empty(); });
    T item = std::move(items_.front());
    items_.erase(items_.begin());
    return item;
  }
  bool empty() {
    const std::lock_guard lock(mutex_);
    return items_.empty();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<T> items_;
};

}  // namespace

TEST_CASE("checkpointer: a checkpoint is in the state file when it is reported") {
  const TempDirectory temp;
  {
    Mailbox<Result<sync::Lsn>> reports;
    Checkpointer checkpointer(open_state(temp / "state.db"), open_audit(temp / "audit.db"),
                              [&](Result<sync::Lsn> stored) { reports.put(std::move(stored)); });
    CHECK_FALSE(checkpointer.busy());
    for (const sync::Lsn lsn : {3u, 8u}) {
      checkpointer.submit(work(lsn, "value " + std::to_string(lsn)));
      const auto stored = reports.take();
      REQUIRE(stored);
      CHECK(*stored == lsn);
      CHECK_FALSE(checkpointer.busy());
    }
  }
  const storage::StateDb state = open_state(temp / "state.db");
  CHECK(state.position() == storage::StatePosition{8, 16, encode_protocol(work(8, "").checkpoint)});
  std::size_t cells = 0;
  REQUIRE(state.for_each_cell([&](const storage::StoredCell& stored) -> Result<void> {
    ++cells;
    const auto cell = crdt::decode_image(from_stored(stored));
    REQUIRE(cell);
    CHECK(cell->winner()->value == "value 8");
    return {};
  }));
  CHECK(cells == 1);
  REQUIRE(state.origins()->size() == 1);
  CHECK(decode_origin(state.origins()->front().image)->chain == 77);
}

TEST_CASE("checkpointer: stop finishes the checkpoint under way") {
  const TempDirectory temp;
  Mailbox<Result<sync::Lsn>> reports;
  Checkpointer checkpointer(open_state(temp / "state.db"), open_audit(temp / "audit.db"),
                            [&](Result<sync::Lsn> stored) { reports.put(std::move(stored)); });
  checkpointer.submit(work(5, "value"));
  checkpointer.stop();
  CHECK(*reports.take() == 5);
}

TEST_CASE("checkpointer: a stop does not wait for a checkpoint that takes long, and leaves what was stored") {
  const TempDirectory temp;
  {
    Mailbox<Result<sync::Lsn>> reports;
    Checkpointer checkpointer(open_state(temp / "state.db"), open_audit(temp / "audit.db"),
                              [&](Result<sync::Lsn> stored) { reports.put(std::move(stored)); });
    checkpointer.submit(work(5, "value"));
    REQUIRE(reports.take());
    CheckpointWork large = work(9, "later");
    const crdt::CellImage one = large.cells.front();
    for (int i = 0; i < 100'000; ++i) {
      crdt::CellImage cell = one;
      cell.name.key = "k" + std::to_string(i);
      large.cells.push_back(std::move(cell));
    }
    checkpointer.submit(std::move(large));
    checkpointer.stop(std::chrono::milliseconds(0));
    CHECK_FALSE(reports.take());
  }
  CHECK(open_state(temp / "state.db").position().lsn == 5);
}

namespace {

struct Answer {
  sync::LogRead read;
  std::optional<Error> error;
};

class ReadingWorld {
 public:
  ReadingWorld() {
    auto log = storage::LogDb::open(temp_ / "log.db", paris);
    REQUIRE(log);
    log_.emplace(std::move(*log));
    for (const char* bytes : {"first", "second", "third"}) {
      const sync::Lsn lsn = log_->last_lsn() + 1;
      const storage::LogEntry entry{lsn, Origin{1}, lsn, lsn, bytes};
      REQUIRE(log_->append({&entry, 1}));
    }
  }
  storage::LogReader reader() {
    auto reader = storage::LogReader::open(temp_ / "log.db");
    REQUIRE(reader);
    return std::move(*reader);
  }

 private:
  TempDirectory temp_;
  std::optional<storage::LogDb> log_;
};

}  // namespace

TEST_CASE("log reading: the batches asked for come back with the request's peer and number") {
  ReadingWorld world;
  Mailbox<Answer> answers;
  LogReading reading(world.reader(), [&](sync::LogRead read, std::optional<Error> error) {
    answers.put({std::move(read), std::move(error)});
  });
  reading.submit({"tokyo", 17, {1, 3}, true});
  const Answer answer = answers.take();
  CHECK(answer.read.peer == "tokyo");
  CHECK(answer.read.request == 17);
  CHECK(answer.read.batches == std::vector<std::string>{"first", "third"});
  CHECK(answer.read.more);
  CHECK_FALSE(answer.error);
}

TEST_CASE("log reading: what cannot be read ends the answer, and is told") {
  ReadingWorld world;
  Mailbox<Answer> answers;
  LogReading reading(world.reader(), [&](sync::LogRead read, std::optional<Error> error) {
    answers.put({std::move(read), std::move(error)});
  });
  reading.submit({"tokyo", 1, {2, 9, 3}, true});
  const Answer answer = answers.take();
  CHECK(answer.read.batches == std::vector<std::string>{"second"});
  CHECK_FALSE(answer.read.more);
  REQUIRE(answer.error);
  CHECK(answer.error->code == Errc::corrupt);
  reading.submit({"tokyo", 2, {3}, false});
  CHECK(answers.take().read.batches == std::vector<std::string>{"third"});
}

TEST_CASE("log reading: a peer's new request takes the place of its older one that still waits") {
  ReadingWorld world;
  Mailbox<Answer> answers;
  Mailbox<int> go_on;
  LogReading reading(world.reader(), [&](sync::LogRead read, std::optional<Error> error) {
    answers.put({std::move(read), std::move(error)});
    go_on.take();
  });
  reading.submit({"tokyo", 1, {1}, false});
  CHECK(answers.take().read.request == 1);
  // The reader is held up in its callback now.
  reading.submit({"tokyo", 2, {1}, false});
  reading.submit({"dallas", 3, {2}, false});
  reading.submit({"tokyo", 4, {3}, false});
  for (int i = 0; i < 3; ++i) go_on.put(i);
  CHECK(answers.take().read.request == 4);
  CHECK(answers.take().read.request == 3);
  reading.stop();
  CHECK(answers.empty());
}
