#pragma once
// What a replica calls in the leader or the simulator that holds it, on its own thread.
#include <functional>
#include <string_view>

#include "crdt/conflict.hpp"

namespace turnstone::sync {

// Told what local people want to know; called while deltas are applied.
using ConflictSink = std::function<void(const crdt::Conflict&)>;
using SettlementSink = std::function<void(const crdt::Settlement&)>;
using KeyChangeSink = std::function<void(std::string_view key)>;
// The members have changed: the keys that batches are checked with, and soon the links, have to.
using MembersSink = std::function<void()>;
// Gives every batch of the durable log, in log order, also while it is replayed. Called only
// when a leader that was restored from an old copy wrote before it had caught up.
using LogScan = std::function<void(const std::function<void(std::string_view batch)>& visit)>;

}  // namespace turnstone::sync
