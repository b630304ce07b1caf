#include "tests/regions/command_world.hpp"

#include <algorithm>
#include <stdexcept>

#include "regions/resp/inline_words.hpp"
#include "regions/resp/reply.hpp"

namespace turnstone::test {
namespace {

// Reads replies strictly: what it cannot read is a defect of the writer.
class PictureReader {
 public:
  PictureReader(std::string_view bytes, bool sorted) : bytes_(bytes), sorted_(sorted) {}

  bool at_end() const { return at_ == bytes_.size(); }

  std::string reply() {
    const char type = bytes_.at(at_++);
    switch (type) {
      case '+':
        return line();
      case '-':
        return "!" + line();
      case ':':
        return std::to_string(std::stoll(line()));
      case '$':
        return bulk();
      case '=':
        return "text " + bulk();
      case '_':
        return require(line().empty(), "nil");
      case '*':
        return list("[", "]");
      case '~':
        return list("{", "}");
      case '%':
        return map();
      default:
        throw std::runtime_error("not a reply: " + std::string(bytes_.substr(at_ - 1)));
    }
  }

 private:
  static std::string require(bool condition, std::string value) {
    if (!condition) throw std::runtime_error("malformed reply");
    return value;
  }

  std::string line() {
    const std::size_t end = bytes_.find("\r\n", at_);
    if (end == std::string_view::npos) throw std::runtime_error("a line without an end");
    std::string text(bytes_.substr(at_, end - at_));
    at_ = end + 2;
    return text;
  }

  std::string bulk() {
    const long long size = std::stoll(line());
    if (size == -1) return "nil";
    const std::string text(bytes_.substr(at_, static_cast<std::size_t>(size)));
    at_ += text.size();
    return require(line().empty(), "\"" + text + "\"");
  }

  static std::string join(const std::vector<std::string>& elements, const char* open, const char* close) {
    std::string text = open;
    for (const std::string& element : elements) text += (text.size() > 1 ? ", " : "") + element;
    return text + close;
  }

  std::vector<std::string> elements(bool pairs) {
    const bool sort = sorted_;
    sorted_ = false;
    std::vector<std::string> elements;
    for (long long left = std::stoll(line()); left > 0; --left) {
      std::string element = reply();
      if (pairs) element += ": " + reply();
      elements.push_back(std::move(element));
    }
    if (sort) std::sort(elements.begin(), elements.end());
    return elements;
  }

  std::string list(const char* open, const char* close) {
    if (bytes_.substr(at_, 2) == "-1") {
      at_ += 4;
      return "nil array";
    }
    return join(elements(false), open, close);
  }

  std::string map() { return join(elements(true), "{", "}"); }

  std::string_view bytes_;
  bool sorted_;
  std::size_t at_ = 0;
};

std::string pictures(std::string_view bytes, bool sorted) {
  PictureReader reader(bytes, sorted);
  std::string text;
  while (!reader.at_end()) text += (text.empty() ? "" : " ") + reader.reply();
  return text;
}

sync::ReplicaConfig replica_config(const std::string& name, std::uint64_t origin) {
  sync::ReplicaConfig config;
  config.cluster = 1;
  config.region = name;
  config.origin = Origin{origin};
  for (const char* region : {"paris", "tokyo", "dallas"}) {
    if (region != name) config.peers.emplace_back(region);
  }
  return config;
}

}  // namespace

std::string picture(std::string_view bytes) { return pictures(bytes, false); }
std::string sorted_picture(std::string_view bytes) { return pictures(bytes, true); }

FakeLeader::FakeLeader() {
  info.version = "0.1.0";
  info.cluster = "turnstone";
  info.resp_port = 7001;
  info.started_ms = 1'699'999'990'000;
  info.data_directory = "/data";
  config = {{"save", ""}, {"appendonly", "yes"}, {"port", "7001"}, {"maxclients", "10000"}};
}

void FakeLeader::each_session(const std::function<void(const commands::Session&)>& visit) const {
  for (const auto& [id, session] : connected) visit(*session);
}

Result<std::vector<commands::MemberRecord>> FakeLeader::records_for(const std::string& region,
                                                                    const std::string& address,
                                                                    const std::string& keys) const {
  if (address.empty()) return fail(Errc::config, "its address is not known");
  return std::vector<commands::MemberRecord>{{"paris", "127.0.0.1:7101", "", true},
                                             {region, address, keys, false}};
}

commands::LinkState FakeLeader::link_state(std::string_view region) const {
  return cut_links.contains(std::string(region)) ? commands::LinkState::cut : commands::LinkState::up;
}

Result<void> FakeLeader::control_link(std::string_view region, commands::LinkAction action) {
  if (!link_control) return fail(Errc::config, "link control is not enabled");
  if (region != "tokyo" && region != "dallas") return fail(Errc::config, "no such peer");
  if (action == commands::LinkAction::cut) {
    cut_links.emplace(region);
  } else {
    cut_links.erase(std::string(region));
  }
  return {};
}

std::vector<audit::Entry> FakeLeader::newest_conflicts(std::size_t count) const {
  std::vector<audit::Entry> newest(conflicts.rbegin(), conflicts.rend());
  newest.resize(std::min(count, newest.size()));
  return newest;
}

// splitmix64
std::uint64_t FakeLeader::random() {
  std::uint64_t z = random_state_ += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

void FakeLeader::watch(commands::Session& session, std::string_view key) {
  watches[std::string(key)].insert(&session);
}

void FakeLeader::unwatch(commands::Session& session) {
  for (auto& [key, sessions] : watches) sessions.erase(&session);
}

void FakeLeader::key_changed(std::string_view key) {
  const auto at = watches.find(key);
  if (at == watches.end()) return;
  for (commands::Session* session : at->second) session->transaction.watched_key_changed = true;
}

Region::Region(const std::string& name, std::uint64_t origin) : replica(replica_config(name, origin)) {
  leader.merges.emplace(replica.keyspace());
  replica.on_key_change([this](std::string_view key) { leader.key_changed(key); });
  replica.on_conflict([this](const crdt::Conflict& conflict) {
    leader.conflicts.push_back(audit::entry_of(conflict, now_ms));
  });
}

std::vector<std::string> Region::publish() {
  std::vector<std::string> frames;
  sync::Effects effects = replica.step(now_ms, sync::Flush{});
  for (std::size_t i = 0; i < effects.size(); ++i) {
    if (const auto* publish = std::get_if<sync::Publish>(&effects[i])) frames.push_back(publish->frame);
    const auto* append = std::get_if<sync::Append>(&effects[i]);
    if (append == nullptr) continue;
    const auto more = replica.step(now_ms, sync::Committed{append->lsn});
    effects.insert(effects.end(), more.begin(), more.end());
  }
  return frames;
}

void Region::exchange(Region& a, Region& b) {
  const auto from_a = a.publish();
  const auto from_b = b.publish();
  for (const std::string& frame : from_a)
    b.replica.step(b.now_ms, sync::FrameReceived{a.replica.config().region, frame});
  for (const std::string& frame : from_b)
    a.replica.step(a.now_ms, sync::FrameReceived{b.replica.config().region, frame});
}

Client::Client(Region& region, std::uint64_t id) : region_(region) {
  session.id = id;
  session.address = "127.0.0.1:50000";
  session.local_address = "127.0.0.1:7001";
  session.created_ms = session.active_ms = region.now_ms;
  region.leader.connected[id] = &session;
}

Client::~Client() {
  region_.leader.unwatch(session);
  region_.leader.connected.erase(session.id);
}

std::string Client::raw(const std::vector<std::string>& words) {
  const std::vector<std::string_view> args(words.begin(), words.end());
  std::string out;
  resp::ReplyWriter reply(out, session.protocol, reply_bytes_max);
  commands::Call call{region_.replica, session, region_.leader, reply, region_.now_ms};
  outcome = commands::execute(call, args);
  return out;
}

std::string Client::run_words(const std::vector<std::string>& words) { return picture(raw(words)); }

std::string Client::run(std::string_view line) {
  std::string bytes;
  std::vector<std::string_view> words;
  if (!resp::split_inline_words(line, bytes, words)) throw std::runtime_error("unbalanced quotes in a test");
  return run_words(std::vector<std::string>(words.begin(), words.end()));
}

std::string Client::run_sorted(std::string_view line) {
  std::string bytes;
  std::vector<std::string_view> words;
  if (!resp::split_inline_words(line, bytes, words)) throw std::runtime_error("unbalanced quotes in a test");
  return sorted_picture(raw({words.begin(), words.end()}));
}

}  // namespace turnstone::test
