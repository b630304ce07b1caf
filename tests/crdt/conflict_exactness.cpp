// What is recorded against what the history says, computed from the authors' contexts alone.
#include <algorithm>
#include <deque>
#include <map>
#include <random>
#include <set>
#include <vector>

#include "crdt/keyspace.hpp"
#include "tests/catch.hpp"

using namespace turnstone;
using namespace turnstone::crdt;

namespace {

constexpr std::size_t regions = 3;
constexpr std::size_t keys = 700;

struct Write {
  Stamp stamp;
  Hlc hlc = 0;
  VersionVector context;  // without the author's own
  std::string key;
  std::string value;
};

bool had_seen(const Write& author, const Write& other) {
  return author.stamp.origin == other.stamp.origin ? other.stamp.seq < author.stamp.seq
                                                   : author.context.covers(other.stamp);
}

bool concurrent(const Write& a, const Write& b) { return !had_seen(a, b) && !had_seen(b, a); }

class Region final : public KeyspaceObserver {
 public:
  explicit Region(std::size_t number) : origin_{100 + number}, keyspace_(4) {}

  Write write(std::string key, std::string value, Hlc hlc) {
    Write made{{origin_, applied_.get(origin_) + 1}, hlc, applied_, std::move(key), std::move(value)};
    made.context.set(origin_, 0);
    apply(made, nullptr);
    return made;
  }
  // False: what it depends on has yet to come.
  bool hear(const Write& write) {
    if (write.stamp.seq != applied_.get(write.stamp.origin) + 1 || !applied_.covers(write.context))
      return false;
    apply(write, &write.context);
    return true;
  }

  void key_changed(std::string_view) override {}
  void conflict_settled(const Settlement&) override {}
  void conflict_found(const Conflict& conflict) override {
    doubled_ = !found_.emplace(conflict.id, conflict).second || doubled_;
  }

  const std::map<Hash128, Conflict>& found() const { return found_; }
  bool doubled() const { return doubled_; }
  const Cell* cell(const std::string& key) const { return keyspace_.find_cell(key, Kind::string, ""); }

 private:
  void apply(const Write& write, const VersionVector* context) {
    const Author author{write.stamp, write.hlc, write.stamp.seq, context};
    keyspace_.apply(Put{write.key, Kind::string, "", write.value}, author, 0, *this);
    applied_.set(write.stamp.origin, write.stamp.seq);
  }

  Origin origin_;
  Keyspace keyspace_;
  VersionVector applied_;
  std::map<Hash128, Conflict> found_;
  bool doubled_ = false;
};

}  // namespace

TEST_CASE("conflicts: ten thousand are recorded, each is one, and none that survives is missing") {
  std::mt19937_64 random(4);
  std::deque<Region> all;
  for (std::size_t i = 0; i < regions; ++i) all.emplace_back(i);
  std::map<Stamp, Write> history;
  // What each region has yet to hear, in the order of writing.
  std::vector<std::vector<const Write*>> unheard(regions);
  const auto hear_some = [&](std::size_t region, double chance) {
    std::vector<const Write*> left;
    for (const Write* write : unheard[region]) {
      const bool now = std::uniform_real_distribution()(random) < chance;
      if (!now || !all[region].hear(*write)) left.push_back(write);
    }
    unheard[region] = std::move(left);
  };
  Hlc clock = 1000;
  for (int i = 0; i < 25'000; ++i) {
    const std::size_t region = random() % regions;
    // Clocks are wrong, and some values are equal.
    const Write made = all[region].write("k" + std::to_string(random() % keys), std::to_string(random() % 50),
                                         ++clock + random() % 500);
    const Write* kept = &history.emplace(made.stamp, made).first->second;
    for (std::size_t other = 0; other < regions; ++other) {
      if (other != region) unheard[other].push_back(kept);
    }
    // Long silences, then a little.
    if (i % 400 == 0) hear_some(random() % regions, 0.8);
  }
  for (std::size_t region = 0; region < regions; ++region) {
    while (!unheard[region].empty()) hear_some(region, 0.9);
  }

  for (const Region& region : all) {
    CHECK(region.found().size() > 10'000);
    CHECK_FALSE(region.doubled());
    std::size_t wrong = 0;
    for (const auto& [id, conflict] : region.found()) {
      const Write& a = history.at(conflict.first.id.operation);
      const Write& b = history.at(conflict.second.id.operation);
      const bool right = concurrent(a, b) && a.key == b.key && a.key == conflict.key && a.value != b.value &&
                         conflict.first.value == a.value && conflict.second.value == b.value;
      if (!right) ++wrong;
    }
    CHECK(wrong == 0);
    // By the history: what no later write had seen.
    std::map<std::string, std::vector<const Write*>> by_key;
    for (const auto& [stamp, write] : history) by_key[write.key].push_back(&write);
    std::size_t missing = 0;
    std::size_t surviving = 0;
    for (const auto& [key, writes] : by_key) {
      std::vector<const Write*> living;
      for (const Write* write : writes) {
        const bool is_seen = std::any_of(writes.begin(), writes.end(), [&](const Write* later) {
          return later != write && had_seen(*later, *write);
        });
        if (!is_seen) living.push_back(write);
      }
      CHECK(region.cell(key)->siblings().size() == living.size());
      for (std::size_t i = 0; i < living.size(); ++i) {
        for (std::size_t j = i + 1; j < living.size(); ++j) {
          if (living[i]->value == living[j]->value) continue;
          ++surviving;
          const Conflict expected = make_conflict(
              ConflictType::concurrent_write, key, "",
              {{living[i]->stamp, 0}, living[i]->hlc, Kind::string, false, false, living[i]->value},
              {{living[j]->stamp, 0}, living[j]->hlc, Kind::string, false, false, living[j]->value});
          const auto found = region.found().find(expected.id);
          if (found == region.found().end() || !(found->second == expected)) ++missing;
        }
      }
    }
    CHECK(surviving > 0);
    CHECK(missing == 0);
  }
}
