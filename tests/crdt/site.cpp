#include "tests/crdt/site.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace turnstone::crdt {
namespace {

using Verb = sim::OwnedEffect::Verb;

std::string joined(std::vector<std::string> parts) {
  std::sort(parts.begin(), parts.end());
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ",") + part;
  return text;
}

std::string shown(const Cell* cell) {
  std::string scratch;
  return cell == nullptr ? "(none)" : std::string(cell->shown(scratch));
}

const Fields* fields_of(const Keyspace& keyspace, const std::string& key, Kind kind) {
  const Entry* entry = keyspace.find(key);
  return entry == nullptr ? nullptr : entry->fields(kind);
}

}  // namespace

const sim::Operation& Site::write(std::vector<sim::OwnedEffect> effects) {
  const Seq seq = vector_.get(origin_) + 1;
  sim::Operation operation{{origin_, seq}, ++clock_, vector_, std::move(effects)};
  const Author author{operation.stamp, operation.hlc, seq, nullptr};
  vector_.set(origin_, seq);
  std::uint32_t index = 0;
  for (const auto& effect : operation.effects) keyspace_.apply(effect.view(), author, index++, *this);
  log_.push_back(std::move(operation));
  return log_.back();
}

void Site::receive(const sim::Operation& operation) {
  const Author author{operation.stamp, operation.hlc, operation.stamp.seq, &operation.context};
  vector_.set(operation.stamp.origin, operation.stamp.seq);
  std::uint32_t index = 0;
  for (const auto& effect : operation.effects) keyspace_.apply(effect.view(), author, index++, *this);
  log_.push_back(operation);
}

void Site::learn(const Site& other) {
  for (const sim::Operation& operation : other.log_) {
    if (!vector_.covers(operation.stamp)) receive(operation);
  }
}

const sim::Operation& Site::set(const std::string& key, const std::string& value) {
  return write({{Verb::put, key, Kind::string, {}, value, {}}});
}
const sim::Operation& Site::hset(const std::string& key, const std::string& field, const std::string& value) {
  return write({{Verb::put, key, Kind::hash, field, value, {}}});
}
const sim::Operation& Site::sadd(const std::string& key, const std::string& member) {
  return write({{Verb::put, key, Kind::set, member, {}, {}}});
}
const sim::Operation& Site::srem(const std::string& key, const std::string& member) {
  return write({{Verb::remove, key, Kind::set, member, {}, {}}});
}
const sim::Operation& Site::hdel(const std::string& key, const std::string& field) {
  return write({{Verb::remove, key, Kind::hash, field, {}, {}}});
}
const sim::Operation& Site::del(const std::string& key) {
  return write({{Verb::clear, key, Kind::string, {}, {}, {}}});
}
const sim::Operation& Site::flush() { return write({{Verb::clear_all, {}, Kind::string, {}, {}, {}}}); }
const sim::Operation& Site::incr(const std::string& key, const std::string& amount) {
  return write({{Verb::increment, key, Kind::string, {}, {}, *FixedDecimal::parse(amount)}});
}
const sim::Operation& Site::hincr(const std::string& key, const std::string& field,
                                  const std::string& amount) {
  return write({{Verb::increment, key, Kind::hash, field, {}, *FixedDecimal::parse(amount)}});
}

std::string Site::get(const std::string& key) const {
  const Entry* entry = keyspace_.find(key);
  return shown(entry == nullptr ? nullptr : entry->string());
}

std::string Site::hget(const std::string& key, const std::string& field) const {
  const Fields* fields = fields_of(keyspace_, key, Kind::hash);
  return shown(fields == nullptr ? nullptr : fields->find(field));
}

std::string Site::members(const std::string& key) const {
  std::vector<std::string> parts;
  if (const Fields* fields = fields_of(keyspace_, key, Kind::set)) {
    for (const auto& [name, cell] : fields->map()) parts.push_back(name.field);
  }
  return joined(std::move(parts));
}

std::string Site::pairs(const std::string& key) const {
  std::vector<std::string> parts;
  if (const Fields* fields = fields_of(keyspace_, key, Kind::hash)) {
    for (const auto& [name, cell] : fields->map()) parts.push_back(name.field + "=" + shown(&cell));
  }
  return joined(std::move(parts));
}

std::string Site::type(const std::string& key) const {
  const Entry* entry = keyspace_.find(key);
  return entry == nullptr ? "none" : std::string(name(entry->shown_kind()));
}

std::vector<std::string> Site::conflicts() const {
  std::vector<std::string> lines;
  std::set<Hash128> seen;
  for (const Conflict& conflict : found_) {
    if (!seen.insert(conflict.id).second) continue;
    const auto side = [](const ConflictSide& s) { return s.is_delete ? std::string("-") : s.value; };
    lines.push_back(std::string(name(conflict.type)) + " " + side(conflict.first) + " " +
                    side(conflict.second));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

void meet(Site& a, Site& b) {
  a.learn(b);
  b.learn(a);
}

}  // namespace turnstone::crdt
