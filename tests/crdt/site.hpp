#pragma once
// A place that writes and learns: a keyspace with a vector and a log of operations, without
// any protocol. Tests call their sites paris, tokyo and dallas.
#include <string>
#include <vector>

#include "crdt/keyspace.hpp"
#include "tests/sim/operation.hpp"

namespace turnstone::crdt {

class Site final : private KeyspaceObserver {
 public:
  // `clock` is where its hybrid clock begins; each operation is one above the one before.
  Site(std::uint64_t origin, Hlc clock) : origin_{origin}, clock_(clock), keyspace_(2) {}

  // One operation. Returns it, for other sites to receive.
  const sim::Operation& write(std::vector<sim::OwnedEffect> effects);
  void receive(const sim::Operation& operation);
  // Receives all that the other has and this one lacks, in the order it has it.
  void learn(const Site& other);

  const sim::Operation& set(const std::string& key, const std::string& value);
  const sim::Operation& hset(const std::string& key, const std::string& field, const std::string& value);
  const sim::Operation& sadd(const std::string& key, const std::string& member);
  const sim::Operation& srem(const std::string& key, const std::string& member);
  const sim::Operation& hdel(const std::string& key, const std::string& field);
  const sim::Operation& del(const std::string& key);
  const sim::Operation& flush();
  const sim::Operation& incr(const std::string& key, const std::string& amount);
  const sim::Operation& hincr(const std::string& key, const std::string& field, const std::string& amount);

  // What GET shows; "(none)" when the key holds no string.
  std::string get(const std::string& key) const;
  std::string hget(const std::string& key, const std::string& field) const;
  // Sorted, separated by commas: "a,b". "field=value" for a hash.
  std::string members(const std::string& key) const;
  std::string pairs(const std::string& key) const;
  std::string type(const std::string& key) const;

  // "type first-value second-value" of the conflicts found, a delete shown as "-"; each once.
  std::vector<std::string> conflicts() const;
  const std::vector<Conflict>& found() const { return found_; }

  const VersionVector& vector() const { return vector_; }
  Keyspace& keyspace() { return keyspace_; }
  const Keyspace& keyspace() const { return keyspace_; }

 private:
  void key_changed(std::string_view) override {}
  void conflict_settled(const Settlement&) override {}
  void conflict_found(const Conflict& conflict) override { found_.push_back(conflict); }

  Origin origin_;
  Hlc clock_;
  Keyspace keyspace_;
  VersionVector vector_;
  std::vector<sim::Operation> log_;
  std::vector<Conflict> found_;
};

// Each learns what the other has.
void meet(Site& a, Site& b);

}  // namespace turnstone::crdt
