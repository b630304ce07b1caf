#include "regions/verify/comparison.hpp"

#include <algorithm>
#include <memory>
#include <set>
#include <thread>

namespace turnstone::verify {
namespace {

constexpr std::size_t buckets_at_once = 512;

// A digest and the moment it was told at.
struct Told {
  std::shared_ptr<const Moment> moment;
  std::optional<Hash128> digest;
};

// Of neighbouring buckets, all of them; a large one takes several questions. Stops early
// when a large bucket takes too long.
Result<std::vector<Told>> ask(LeaderView& leader, std::size_t first, std::size_t count,
                              const Patience& patience) {
  std::vector<Told> told;
  Patience walking = patience.anew();
  while (told.size() < count) {
    auto answer = leader.digests(first + told.size(), count - told.size());
    if (!answer) return tl::make_unexpected(answer.error());
    const auto moment = std::make_shared<const Moment>(std::move(answer->moment));
    if (!answer->digests.empty()) walking = patience.anew();
    for (const auto& digest : answer->digests) told.push_back({moment, digest});
    if (answer->digests.empty() && !walking.is_left()) break;
  }
  told.resize(count);
  return told;
}

enum class Verdict { equal, differing, unknown };

Verdict judge(const std::vector<std::vector<Told>>& told, std::size_t at) {
  bool equal = true;
  for (std::size_t i = 0; i < told.size(); ++i) {
    const Told& a = told[i][at];
    if (!a.digest) return Verdict::unknown;
    for (std::size_t j = 0; j < i; ++j) {
      const Told& b = told[j][at];
      if (!comparable(*a.moment, *b.moment)) return Verdict::unknown;
      equal = equal && *a.digest == *b.digest;
    }
  }
  return equal ? Verdict::equal : Verdict::differing;
}

// Neighbours together, up to buckets_at_once.
std::vector<std::pair<std::size_t, std::size_t>> runs_of(const std::vector<std::size_t>& buckets) {
  std::vector<std::pair<std::size_t, std::size_t>> runs;
  for (const std::size_t bucket : buckets) {
    const bool follows = !runs.empty() && runs.back().first + runs.back().second == bucket &&
                         runs.back().second < buckets_at_once;
    if (follows) {
      ++runs.back().second;
    } else {
      runs.emplace_back(bucket, 1);
    }
  }
  return runs;
}

}  // namespace

bool Patience::rest() const {
  if (!is_left()) return false;
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  return true;
}

Result<Compared> compare(std::vector<LeaderView>& leaders, const Patience& patience) {
  Compared result;
  for (LeaderView& leader : leaders) {
    const auto first = leader.digests(0, 1);
    if (!first) return tl::make_unexpected(first.error());
    if (result.buckets != 0 && result.buckets != first->buckets)
      return fail(Errc::config, "the leaders have different numbers of buckets");
    result.buckets = first->buckets;
  }
  for (std::size_t bucket = 0; bucket < result.buckets; ++bucket) result.not_compared.push_back(bucket);
  do {
    std::vector<std::size_t> left;
    for (const auto& [first, count] : runs_of(result.not_compared)) {
      std::vector<std::vector<Told>> told;
      for (LeaderView& leader : leaders) {
        auto answers = ask(leader, first, count, patience);
        if (!answers) return tl::make_unexpected(answers.error());
        told.push_back(*std::move(answers));
      }
      for (std::size_t i = 0; i < count; ++i) {
        const Verdict verdict = judge(told, i);
        if (verdict == Verdict::differing) result.differing.push_back(first + i);
        if (verdict == Verdict::unknown) left.push_back(first + i);
      }
    }
    result.not_compared = std::move(left);
  } while (!result.not_compared.empty() && patience.rest());
  std::sort(result.differing.begin(), result.differing.end());
  return result;
}

Result<std::optional<std::vector<Bucket>>> read_bucket(std::vector<LeaderView>& leaders, std::size_t bucket,
                                                       const Patience& patience) {
  do {
    std::vector<Bucket> buckets;
    for (LeaderView& leader : leaders) {
      auto rows = leader.bucket(bucket);
      if (!rows && rows.error().code == Errc::in_use) break;
      if (!rows) return tl::make_unexpected(rows.error());
      const bool same = std::all_of(buckets.begin(), buckets.end(), [&](const Bucket& other) {
        return comparable(other.moment, rows->moment);
      });
      if (!same) break;
      buckets.push_back(*std::move(rows));
    }
    if (buckets.size() == leaders.size()) return buckets;
  } while (patience.rest());
  return std::nullopt;
}

std::vector<crdt::CellName> differing_rows(const std::vector<Bucket>& buckets) {
  std::set<crdt::CellName> names;
  for (const Bucket& bucket : buckets) {
    for (const auto& [name, bytes] : bucket.rows) names.insert(name);
  }
  const auto same_everywhere = [&](const crdt::CellName& name) {
    return std::all_of(buckets.begin(), buckets.end(), [&](const Bucket& bucket) {
      const auto here = bucket.rows.find(name);
      const auto first = buckets.front().rows.find(name);
      return here != bucket.rows.end() && first != buckets.front().rows.end() &&
             here->second == first->second;
    });
  };
  std::erase_if(names, same_everywhere);
  return {names.begin(), names.end()};
}

Rows rows_to_replace(const Rows& from, const Rows& to) {
  Rows rows;
  for (const auto& [name, bytes] : from) {
    const auto there = to.find(name);
    if (there == to.end() || there->second != bytes) rows[name] = bytes;
  }
  for (const auto& [name, bytes] : to) {
    if (!from.contains(name)) rows[name] = {};
  }
  return rows;
}

Result<std::optional<std::size_t>> majority(const std::vector<Bucket>& buckets, std::size_t regions) {
  std::map<Hash128, std::vector<std::size_t>> holders;
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    const auto digest = digest_of(buckets[i].rows);
    if (!digest) return tl::make_unexpected(digest.error());
    holders[*digest].push_back(i);
  }
  for (const auto& [digest, who] : holders) {
    if (who.size() >= 2 && 2 * who.size() > regions) return who.front();
  }
  return std::nullopt;
}

}  // namespace turnstone::verify
