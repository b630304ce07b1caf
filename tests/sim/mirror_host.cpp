#include "tests/sim/mirror_host.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/hash.hpp"
#include "tests/sim/leader.hpp"
#include "tests/sim/world.hpp"

namespace turnstone::sim {
namespace {

std::uint64_t chain_of(std::uint64_t name, std::uint64_t bytes) {
  std::uint64_t chain = 0;
  for (std::uint64_t at = 0; at < bytes; at += sync::mirror_page_bytes)
    chain = hash64(copy_bytes(name, at, std::min(sync::mirror_page_bytes, bytes - at)), chain);
  return chain;
}

}  // namespace

std::string copy_bytes(std::uint64_t name, std::uint64_t offset, std::uint64_t size) {
  std::string bytes(size, '\0');
  for (std::uint64_t at = 0; at < size; at += sizeof name) {
    const std::uint64_t word = name ^ ((offset + at) * 0x9e3779b97f4a7c15u);
    std::memcpy(bytes.data() + at, &word, std::min<std::uint64_t>(sizeof word, size - at));
  }
  return bytes;
}

MirrorHost::MirrorHost(World& world, Leader& leader, Disk& disk, sync::Replica& replica)
    : world_(world),
      leader_(leader),
      disk_(disk),
      mirror_(replica, world.swarm().mirror, world.random().next() | 1) {}

void MirrorHost::start(bool join) {
  std::optional<sync::StagedCopy> found;
  if (disk_.joining && disk_.staging) found = disk_.staging->found();
  carry_out(mirror_.start({disk_.joining, disk_.quiet}, join, std::move(found)));
}

bool MirrorHost::receive(const std::string& peer, const std::string& frame) {
  if (!sync::is_mirror_frame(frame)) return false;
  const auto message = sync::decode_mirror(leader_.replica().config().cluster, frame);
  require(message && message->region == peer, "a frame of a mirror cannot be read");
  carry_out(mirror_.receive(peer, message->body, std::nullopt));
  return true;
}

void MirrorHost::tick() { carry_out(mirror_.tick()); }

void MirrorHost::carry_out(sync::MirrorEffects effects) {
  const sync::ReplicaConfig& config = leader_.replica().config();
  for (const sync::MirrorEffect& effect : effects) {
    if (const auto* send = std::get_if<sync::MirrorSend>(&effect)) {
      world_.send(leader_, send->peer, sync::encode_mirror(config.cluster, config.region, send->body));
    } else if (const auto* make = std::get_if<sync::MakeCopy>(&effect)) {
      make_copy(make->copy);
    } else if (const auto* read = std::get_if<sync::ReadCopyPage>(&effect)) {
      read_page(*read);
    } else if (const auto* gone = std::get_if<sync::DeleteCopy>(&effect)) {
      given_.erase(gone->copy);
    } else if (const auto* begin = std::get_if<sync::BeginStaging>(&effect)) {
      world_.trace("{} takes a copy of {} bytes from {}", config.region, begin->copy.bytes,
                   begin->copy.source);
      disk_.staging = Staging{begin->copy, {}};
      world_.copy_began(leader_, begin->copy.source);
    } else if (const auto* page = std::get_if<sync::StagePage>(&effect)) {
      stage(*page);
    } else if (const auto* staged = std::get_if<sync::CheckStaged>(&effect)) {
      check(*staged);
    } else if (std::holds_alternative<sync::InstallStaged>(effect)) {
      // Nothing of this process may touch it any more.
      return leader_.reopen();
    } else if (std::holds_alternative<sync::NoteJoining>(effect)) {
      disk_.joining = true;
    } else if (std::holds_alternative<sync::EndJoining>(effect)) {
      world_.trace("{} has caught up", config.region);
      disk_.joining = false;
      disk_.staging.reset();
    } else if (std::holds_alternative<sync::NoteQuiet>(effect)) {
      disk_.quiet = true;
    } else if (std::holds_alternative<sync::EndQuiet>(effect)) {
      world_.trace("{} is quiet no more", config.region);
      disk_.quiet = false;
    } else if (const auto* alarm = std::get_if<sync::Alarm>(&effect)) {
      leader_.raise(*alarm);
    } else {
      disk_.staging.reset();
    }
  }
}

void MirrorHost::make_copy(std::uint64_t copy) {
  leader_.later(world_.random().between(1, 100), [this, copy] {
    if (world_.faulty() && world_.random().chance(0.1)) {
      return carry_out(mirror_.copy_made(fail(Errc::io, "the disk is full")));
    }
    const GivenCopy given{world_.keep(disk_.state()),
                          world_.random().between(1, 6 * sync::mirror_page_bytes)};
    given_[copy] = given;
    world_.trace("{} has a copy of its state at {}", leader_.region(), to_string(disk_.stored_vector()));
    carry_out(mirror_.copy_made(
        sync::MadeCopy{given.bytes, chain_of(given.name, given.bytes), disk_.stored_vector()}));
  });
}

void MirrorHost::read_page(const sync::ReadCopyPage& read) {
  leader_.later(world_.random().below(3), [this, read] {
    mirror_.page_read();
    const auto given = given_.find(read.copy);
    if (given == given_.end()) return;
    const std::uint64_t size = std::min(sync::mirror_page_bytes, given->second.bytes - read.offset);
    const sync::CopyPage page{read.copy, read.offset, copy_bytes(given->second.name, read.offset, size)};
    const sync::ReplicaConfig& config = leader_.replica().config();
    world_.send(leader_, read.peer, sync::encode_mirror(config.cluster, config.region, page));
  });
}

// One page after the other, as they came.
void MirrorHost::stage(const sync::StagePage& page) {
  staged_at_ms_ = std::max(staged_at_ms_, world_.now_ms() + world_.random().below(5));
  leader_.later(staged_at_ms_ - world_.now_ms(), [this, page] {
    if (world_.faulty() && world_.random().chance(0.02)) {
      return carry_out(mirror_.staging_failed("the disk is full"));
    }
    if (!disk_.staging || disk_.staging->copy.copy != page.copy) return;
    std::string& bytes = disk_.staging->bytes;
    bytes.resize(std::max<std::size_t>(bytes.size(), page.offset + page.bytes.size()));
    bytes.replace(page.offset, page.bytes.size(), page.bytes);
    carry_out(mirror_.staged(page.copy, page.offset + page.bytes.size()));
  });
}

void MirrorHost::check(const sync::CheckStaged& wanted) {
  const std::string bytes = disk_.staging->bytes;
  disk_.staging.reset();
  std::uint64_t name = 0;
  std::memcpy(&name, bytes.data(), std::min(bytes.size(), sizeof name));
  require(bytes == copy_bytes(name, 0, wanted.copy.bytes),
          leader_.region() + " takes for a whole copy what is none");
  leader_.later(world_.random().between(1, 50), [this, name, wanted] {
    const StateImage& image = world_.kept(name);
    Result<void> good;
    if (!image.vector().covers(wanted.have))
      good = fail(Errc::corrupt, "it lacks writes that this leader has");
    if (good) {
      disk_.checked = image;
      disk_.own = wanted.own;
      Hlc& hlc = disk_.checked->checkpoint.hlc;
      hlc = std::min(hlc, wanted.hlc_max);
    }
    carry_out(mirror_.checked(wanted.copy.copy, good));
  });
}

}  // namespace turnstone::sim
