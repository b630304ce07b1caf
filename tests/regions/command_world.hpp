#pragma once
// Leaders without a network, a disk or a clock: real replicas, a leader port made of plain
// values, and clients whose replies read as pictures.
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "regions/commands/execute.hpp"
#include "regions/commands/leader_port.hpp"
#include "regions/commands/session.hpp"
#include "sync/replica.hpp"

namespace turnstone::test {

// A reply as text: OK, !ERR no such key, 3, "bulk", nil, [1, 2], {member}, {key: value}.
// Several replies are separated by blanks; bytes that are no reply end the test.
std::string picture(std::string_view bytes);
// The same with the elements of an outermost array, set or map in order.
std::string sorted_picture(std::string_view bytes);

class FakeLeader final : public commands::LeaderPort {
 public:
  FakeLeader();

  const commands::ServerInfo& server_info() const override { return info; }
  commands::Stats stats() const override { return numbers; }
  void reset_stats() override { numbers = {}; }
  Bounds bounds() const override { return {{"clients_max", connected.size(), 10, 0}}; }
  std::vector<std::pair<std::string, std::string>> settings() const override { return config; }
  std::size_t value_bytes_max() const override { return value_bytes; }
  const std::optional<std::string>& password() const override { return secret; }
  std::optional<std::string> writes_refused() const override { return refusal; }
  std::optional<std::string> loading() const override { return still_loading; }
  commands::MirrorView mirror() const override { return mirrored; }
  void each_session(const std::function<void(const commands::Session&)>& visit) const override;
  std::size_t sessions() const override { return connected.size(); }
  Result<std::vector<commands::MemberRecord>> records_for(const std::string& region,
                                                          const std::string& address,
                                                          const std::string& keys) const override;
  std::string address_of(const std::string&) const override { return "127.0.0.1:7101,127.0.0.1:7102"; }
  const crdt::Merging& merging() const override { return *merges; }
  commands::LinkState link_state(std::string_view region) const override;
  Result<void> control_link(std::string_view region, commands::LinkAction action) override;
  std::uint64_t repaired(std::size_t, const std::vector<crdt::CellImage>& replaced) override {
    rows_replaced += replaced.size();
    return 1;
  }
  std::uint64_t checkpoints_stored() const override { return 0; }
  std::vector<audit::Entry> newest_conflicts(std::size_t count) const override;
  std::optional<std::uint64_t> ask_audit(commands::AuditInquiry) override { return std::nullopt; }
  std::uint64_t random() override;
  void watch(commands::Session& session, std::string_view key) override;
  void unwatch(commands::Session& session) override;
  void key_changed(std::string_view key);

  commands::ServerInfo info;
  commands::Stats numbers;
  std::vector<std::pair<std::string, std::string>> config;
  std::size_t value_bytes = 1024 * 1024;
  std::optional<std::string> secret;
  std::optional<std::string> refusal;
  std::optional<std::string> still_loading;
  commands::MirrorView mirrored;
  bool link_control = true;
  std::size_t rows_replaced = 0;
  std::optional<crdt::Merging> merges;  // of the region's keyspace
  std::set<std::string> cut_links;
  std::vector<audit::Entry> conflicts;
  std::map<std::uint64_t, const commands::Session*> connected;
  std::map<std::string, std::set<commands::Session*>, std::less<>> watches;

 private:
  std::uint64_t random_state_ = 1;
};

class Client;

// One leader. Regions that are given each other's frames by exchange() replicate.
class Region {
 public:
  explicit Region(const std::string& name = "paris", std::uint64_t origin = 0xa1);

  // Everything written here so far reaches the other leader, and the reverse.
  static void exchange(Region& a, Region& b);
  // The frames of everything written here so far, durable at once.
  std::vector<std::string> publish();

  FakeLeader leader;
  sync::Replica replica;
  std::uint64_t now_ms = 1'700'000'000'000;
};

class Client {
 public:
  explicit Client(Region& region, std::uint64_t id = 7);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // The picture of the reply to a command line, quoted like an inline command.
  std::string run(std::string_view line);
  std::string run_words(const std::vector<std::string>& words);
  std::string run_sorted(std::string_view line);
  // The bytes of the reply.
  std::string raw(const std::vector<std::string>& words);

  // Of the last command.
  commands::Outcome outcome;
  commands::Session session;
  // The largest reply.
  std::size_t reply_bytes_max = resp::ReplyWriter::reply_bytes_max;

 private:
  Region& region_;
};

}  // namespace turnstone::test
