#pragma once
// A replica with its store and no threads: what it asks for is carried out at once.
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/hash.hpp"
#include "regions/durability/open_store.hpp"
#include "tests/catch.hpp"

namespace turnstone::durability {

inline const storage::Identity paris_identity{"turnstone", "paris"};

inline std::unique_ptr<sync::Replica> make_replica(const std::string& region, std::uint64_t origin) {
  sync::ReplicaConfig config;
  config.cluster = hash64("turnstone");
  config.region = region;
  config.origin = Origin{origin};
  config.peers = {region == "paris" ? "tokyo" : "paris"};
  return std::make_unique<sync::Replica>(config);
}

// One run of the leader of paris; `origin` has to differ from run to run.
class TestLeader {
 public:
  static constexpr std::size_t conflicts_wanted = 100;

  static Result<TestLeader> start(const std::filesystem::path& directory, std::uint64_t origin,
                                  DamagedLog damaged = DamagedLog::refuse) {
    auto store = open_store(
        directory, paris_identity, [origin] { return make_replica("paris", origin); }, conflicts_wanted,
        damaged);
    if (!store) return tl::make_unexpected(store.error());
    return TestLeader(std::move(*store));
  }

  Store& store() { return store_; }
  const RecoveryReport& report() const { return store_.report; }
  sync::Replica& replica() { return *store_.replica; }
  Hash128 digest() { return replica().keyspace().digest(); }
  const std::vector<std::string>& published() const { return published_; }
  std::vector<crdt::Conflict>& conflicts() { return *conflicts_; }

  // A write of its own, durable on return.
  void put(std::string_view key, std::string_view value) {
    replica().begin(++now_ms_);
    replica().apply(crdt::Put{key, crdt::Kind::string, "", value});
    replica().commit();
    step(sync::Flush{});
  }

  void receive(const std::string& peer, const std::string& frame) { step(sync::FrameReceived{peer, frame}); }

  void reconsider(std::string batch) { step(sync::Reconsider{std::move(batch)}); }

  // Of a string.
  std::string value(std::string_view key) {
    const crdt::Entry* entry = replica().keyspace().find(key);
    if (entry == nullptr || entry->string() == nullptr) return "(none)";
    std::string scratch;
    return std::string(entry->string()->shown(scratch));
  }

  void checkpoint() {
    sync::Effects effects;
    CheckpointWork work{replica().freeze(effects), {}, {}, {}};
    std::vector<storage::AuditRow> rows;
    for (const crdt::Conflict& conflict : std::exchange(*conflicts_, {}))
      rows.push_back(audit::to_row(audit::entry_of(conflict, 1234)));
    const auto recorded = store_.audit.add(rows);
    REQUIRE(recorded);
    carry_out(std::move(effects));
    replica().keyspace().encode_frozen(SIZE_MAX);
    work.cells = replica().keyspace().dirty().take();
    const auto applied = store_.state.apply(to_stored(work));
    INFO((applied ? "" : applied.error().message));
    REQUIRE(applied);
  }

 private:
  explicit TestLeader(Store store) : store_(std::move(store)) {
    *conflicts_ = store_.replayed_conflicts;
    replica().on_conflict(
        [found = conflicts_.get()](const crdt::Conflict& conflict) { found->push_back(conflict); });
  }

  void step(sync::Event event) { carry_out(replica().step(++now_ms_, std::move(event))); }

  void carry_out(sync::Effects effects) {
    for (const sync::Effect& effect : effects) {
      if (const auto* append = std::get_if<sync::Append>(&effect)) {
        const storage::LogEntry entry{append->lsn, append->origin, append->first_seq, append->last_seq,
                                      *append->bytes};
        const auto appended = store_.log.append({&entry, 1});
        INFO((appended ? "" : appended.error().message));
        REQUIRE(appended);
        step(sync::Committed{append->lsn});
      } else if (const auto* publish = std::get_if<sync::Publish>(&effect)) {
        published_.push_back(publish->frame);
      }
    }
  }

  Store store_;
  std::unique_ptr<std::vector<crdt::Conflict>> conflicts_ = std::make_unique<std::vector<crdt::Conflict>>();
  std::vector<std::string> published_;
  std::uint64_t now_ms_ = 1'000'000;
};

inline TestLeader start_leader(const std::filesystem::path& directory, std::uint64_t origin) {
  auto leader = TestLeader::start(directory, origin);
  if (!leader) FAIL(leader.error().message);
  return std::move(*leader);
}

}  // namespace turnstone::durability
