#include "tests/sync/node.hpp"

#include <algorithm>
#include <utility>

#include "tests/catch.hpp"

namespace turnstone::sync {
namespace {

const std::vector<std::string> regions = {"paris", "tokyo", "dallas"};

}  // namespace

Node::Node(const std::string& region, Limits limits, std::uint64_t origin,
           std::shared_ptr<const Signatures> signatures)
    : region_(region), limits_(limits), signatures_(std::move(signatures)) {
  const auto at = std::find(regions.begin(), regions.end(), region);
  make(origin != 0 ? origin : static_cast<std::uint64_t>(at - regions.begin()) + 1);
}

void Node::make(std::uint64_t origin) {
  const Origin own = signatures_ == nullptr ? Origin{origin} : origin_of(region_, origin);
  ReplicaConfig config{cluster, region_, own, {}, limits_, signatures_};
  std::copy_if(regions.begin(), regions.end(), std::back_inserter(config.peers),
               [this](const std::string& name) { return name != region_; });
  replica_ = std::make_unique<Replica>(config, 2);
  replica_->on_log_scan([this](const std::function<void(std::string_view)>& visit) {
    for (std::size_t i = 0; i < durable; ++i) visit(*log[i].bytes);
  });
}

void Node::gather(const crdt::Effect& effect) {
  replica_->begin(now_ms);
  replica_->apply(effect);
  REQUIRE(replica_->commit() == replica_->last_lsn() + 1);
}

void Node::set(const std::string& key, const std::string& value) {
  gather(crdt::Put{key, crdt::Kind::string, {}, value});
  flush();
}
void Node::incr(const std::string& key, std::int64_t amount) {
  gather(crdt::Increment{key, crdt::Kind::string, {}, FixedDecimal::from_int(amount)});
  flush();
}
void Node::del(const std::string& key) {
  gather(crdt::Clear{key});
  flush();
}

void Node::sync() {
  durable = log.size();
  if (!log.empty()) step(Committed{log.back().lsn});
}

void Node::step(Event event) { carry_out(replica_->step(now_ms, std::move(event))); }

void Node::carry_out(Effects effects) {
  for (sync::Effect& effect : effects) {
    if (auto* append = std::get_if<Append>(&effect)) {
      log.push_back(*append);
    } else if (auto* published = std::get_if<Publish>(&effect)) {
      published_.push_back(published->frame);
    } else if (auto* send = std::get_if<Send>(&effect)) {
      sent_.push_back(*send);
    } else if (auto* read = std::get_if<ReadLog>(&effect)) {
      reads.push_back(*read);
    } else if (auto* done = std::get_if<Acknowledge>(&effect)) {
      acknowledged = done->up_to;
    } else if (const auto* truncate = std::get_if<Truncate>(&effect)) {
      cut_up_to = truncate->up_to;
    } else if (const auto* set_aside = std::get_if<SetAside>(&effect)) {
      aside.push_back(*set_aside);
    } else {
      alarms.push_back(std::get<Alarm>(effect));
    }
  }
}

std::vector<std::string> Node::take_published() { return std::exchange(published_, {}); }

void Node::hear(const std::string& peer, const std::vector<std::string>& frames) {
  for (const std::string& frame : frames) step(FrameReceived{peer, frame});
}

std::vector<std::string> Node::take_sent(const std::string& peer) {
  std::vector<std::string> frames;
  for (const Send& send : sent_) {
    if (send.peer == peer) frames.push_back(send.frame);
  }
  std::erase_if(sent_, [&](const Send& send) { return send.peer == peer; });
  return frames;
}

void Node::answer_reads() {
  for (const ReadLog& read : std::exchange(reads, {})) {
    LogRead answer{read.peer, read.request, {}, read.more};
    for (const Lsn lsn : read.lsns) {
      REQUIRE(lsn <= durable);
      answer.batches.push_back(*log[lsn - 1].bytes);
    }
    step(answer);
  }
}

void Node::restart(std::uint64_t origin) {
  log.resize(durable);
  published_.clear();
  sent_.clear();
  reads.clear();
  acknowledged = 0;
  make(origin);
  replica_->restore_position(0, 0);
  for (const Append& batch : log) REQUIRE(replica_->replay(batch.lsn, *batch.bytes).has_value());
}

std::string Node::get(const std::string& key) const {
  const crdt::Entry* entry = replica_->keyspace().find(key);
  if (entry == nullptr || entry->string() == nullptr) return "(none)";
  std::string scratch;
  return std::string(entry->string()->shown(scratch));
}

bool Node::has_alarm(const std::string& name) const {
  return std::any_of(alarms.begin(), alarms.end(), [&](const Alarm& alarm) { return alarm.name == name; });
}

void publish(Node& from, Node& to) { to.hear(from.region(), from.take_published()); }

void exchange(Node& a, Node& b) {
  for (int round = 0; round < 40; ++round) {
    for (Node* node : {&a, &b}) {
      node->now_ms += 60;
      node->tick();
    }
    const auto from_a = a.take_published();
    const auto from_b = b.take_published();
    b.hear(a.region(), from_a);
    a.hear(b.region(), from_b);
    for (int leg = 0; leg < 2; ++leg) {
      b.hear(a.region(), a.take_sent(b.region()));
      a.hear(b.region(), b.take_sent(a.region()));
      a.answer_reads();
      b.answer_reads();
    }
    a.sync();
    b.sync();
  }
}

void go_round(const std::vector<Node*>& nodes, int rounds) {
  for (int round = 0; round < rounds; ++round) {
    for (Node* node : nodes) {
      node->now_ms += 600;
      node->tick();
      node->sync();
      node->store();
      const auto frames = node->take_published();
      for (Node* other : nodes) {
        if (other != node) other->hear(node->region(), frames);
      }
    }
    for (Node* asking : nodes) {
      for (Node* asked : nodes) {
        asked->hear(asking->region(), asking->take_sent(asked->region()));
        asked->answer_reads();
        asking->hear(asked->region(), asked->take_sent(asking->region()));
      }
    }
  }
}

}  // namespace turnstone::sync
