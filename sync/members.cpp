#include "sync/members.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "core/record.hpp"

namespace turnstone::sync {

void Members::restore(Members stored) {
  recorded_ = std::move(stored.recorded_);
  removals_ = std::move(stored.removals_);
  ++changes_;
}

Result<void> Members::add(const crdt::AddMember& member, Stamp stamp) {
  const std::string region(member.region);
  if (region.empty() || region.find(',') != std::string::npos)
    return fail(Errc::config, fmt::format("'{}' is no name of a region", region));
  if (recorded_.size() >= members_max && find(region) == nullptr) {
    return fail(
        Errc::limit_exceeded,
        fmt::format("region '{}' is one too many: {} are on record (members_max)", region, recorded_.size()));
  }
  const Member record{stamp, std::string(member.address), std::string(member.keys), member.founding};
  const auto [entry, is_new] = recorded_.try_emplace(region, record);
  if (is_new) ++changes_;
  // A peer must not be able to replace another region's keys by its own.
  const Member& known = entry->second;
  if (known.keys != record.keys)
    return fail(Errc::config, fmt::format("region '{}' is on record with other keys", region));
  // Where founding members are is what the settings of each leader say.
  if (known.address != record.address && !(known.founding && record.founding)) {
    return fail(Errc::config, fmt::format("region '{}' is on record with the address {}, not {}", region,
                                          known.address, record.address));
  }
  return {};
}

void Members::remove(const crdt::RemoveMember& removed, Stamp stamp) {
  Regions required = split_regions(removed.regions);
  const auto [known, is_new] =
      removals_.try_emplace(std::string(removed.region), Removal{stamp, required, {}});
  ++changes_;
  if (is_new) return;
  keep_common(known->second.required, required);
  known->second.stamp = std::min(known->second.stamp, stamp);
}

void Members::acknowledge_removal(const std::string& removed, const std::string& by) {
  const auto removal = removals_.find(removed);
  if (removal == removals_.end()) return;
  if (removal->second.acknowledged.insert(by).second) ++changes_;
}

const Member* Members::find(const std::string& region) const {
  const auto member = recorded_.find(region);
  return member == recorded_.end() ? nullptr : &member->second;
}

Regions Members::everyone() const {
  Regions names = configured_;
  for (const auto& [region, member] : recorded_) names.insert(region);
  for (const auto& [region, removal] : removals_) names.insert(region);
  return names;
}

bool Members::has_let_go(const std::string& by, const std::string& removed) const {
  const auto removal = removals_.find(removed);
  return removal != removals_.end() && removal->second.acknowledged.contains(by);
}

// [members] [region address keys founding origin seq] ...
// then for each removal [region origin seq regions acknowledged].
std::string Members::encode() const {
  const auto number = [](Origin origin) { return static_cast<std::uint64_t>(origin); };
  std::string bytes;
  RecordWriter out(bytes);
  out.record(1).uint(recorded_.size());
  for (const auto& [region, member] : recorded_) {
    out.record(6).bytes(region).bytes(member.address).bytes(member.keys).uint(member.founding ? 1 : 0);
    out.uint(number(member.added.origin)).uint(member.added.seq);
  }
  for (const auto& [region, removal] : removals_) {
    out.record(5).bytes(region).uint(number(removal.stamp.origin)).uint(removal.stamp.seq);
    out.bytes(join_regions(removal.required)).bytes(join_regions(removal.acknowledged));
  }
  return bytes;
}

Result<Members> Members::decode(std::string_view bytes) {
  Members members;
  RecordReader in(bytes);
  in.next();
  for (std::uint64_t left = in.uint(0); left > 0 && !in.malformed(); --left) {
    if (!in.next()) in.mark_malformed();
    members.recorded_[std::string(in.bytes(0))] = {{Origin{in.uint(4)}, in.uint(5)},
                                                   std::string(in.bytes(1)),
                                                   std::string(in.bytes(2)),
                                                   in.uint(3) != 0};
  }
  while (!in.malformed() && in.next()) {
    members.removals_[std::string(in.bytes(0))] = {
        {Origin{in.uint(1)}, in.uint(2)}, split_regions(in.bytes(3)), split_regions(in.bytes(4))};
  }
  if (in.malformed()) return fail(Errc::malformed, "the stored record of members cannot be read");
  return members;
}

Regions split_regions(std::string_view text) {
  Regions names;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(','), text.size());
    names.emplace(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return names;
}

std::string join_regions(const Regions& regions) { return fmt::to_string(fmt::join(regions, ",")); }

void keep_common(Regions& required, const Regions& other) {
  std::erase_if(required, [&](const std::string& region) { return !other.contains(region); });
}

}  // namespace turnstone::sync
