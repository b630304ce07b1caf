#include "regions/mirror/mirroring.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <system_error>
#include <utility>

#include "core/hash.hpp"
#include "regions/durability/install.hpp"
#include "regions/durability/open_store.hpp"
#include "regions/settings/log.hpp"

namespace turnstone::mirror {

namespace log = regions::log;

namespace {

constexpr std::uint64_t look_every_ms = 100;
constexpr std::uint64_t progress_every_ms = 5'000;

sync::MirrorLimits limits_of(const MirroringSettings& settings) {
  sync::MirrorLimits limits;
  limits.bytes_per_second = settings.bytes_per_second;
  return limits;
}

}  // namespace

Mirroring::Mirroring(MirroringHost& host, MirroringSettings settings)
    : host_(host),
      settings_(std::move(settings)),
      source_(settings_.first_copy, limits_of(settings_)),
      sink_(limits_of(settings_)),
      copies_(settings_.data, settings_.identity),
      staging_(settings_.data) {
  std::error_code ignored;
  joining_ = std::filesystem::exists(joining_file(), ignored);
  if (settings_.join && host_.replica().last_lsn() == 0) note_joining();
  if (!joining_) {
    staging_.remove();
  } else if (auto found = staging_.found()) {
    sink_.restore(std::move(*found));
  }
}

bool Mirroring::receive(const std::string& peer, std::string_view frame) {
  if (!sync::is_mirror_frame(frame)) return false;
  const auto& peers = host_.replica().config().peers;
  if (std::find(peers.begin(), peers.end(), peer) == peers.end()) {
    host_.raise({"unknown_region", "a frame names region '" + peer + "', which is no peer here"});
    return true;
  }
  auto message = sync::decode_mirror(host_.replica().config().cluster, frame);
  if (!message || message->region != peer) {
    host_.raise({"frame_refused", message ? "a frame of region '" + peer + "' names another region"
                                          : message.error().message});
    return true;
  }
  const std::uint64_t now = host_.now_ms();
  if (const auto* wanted = std::get_if<sync::CopyWanted>(&message->body)) {
    std::error_code unknown;
    const auto bytes = std::filesystem::file_size(settings_.data / durability::state_file, unknown);
    // A leader that has yet to take the data has none to give.
    if (loading()) return true;
    carry_out(source_.wanted(now, peer, *wanted, host_.replica().durable(), host_.replica().log().floor(),
                             host_.no_room_for(unknown ? 0 : bytes)));
  } else if (const auto* pages = std::get_if<sync::PagesWanted>(&message->body)) {
    carry_out(source_.pages_wanted(now, peer, *pages));
  } else if (const auto* offer = std::get_if<sync::CopyOffer>(&message->body)) {
    carry_out(sink_.offered(now, peer, *offer));
  } else {
    carry_out(sink_.page(now, peer, std::get<sync::CopyPage>(message->body)));
  }
  return true;
}

void Mirroring::tick() {
  const std::uint64_t now = host_.now_ms();
  carry_out(source_.tick(now));
  if (now < next_look_ms_) return;
  next_look_ms_ = now + look_every_ms;
  follow_need();
  if (sink_.state() != sync::MirrorState::idle) {
    carry_out(sink_.tick(now, sources()));
    log_progress();
  } else if (joining_) {
    end_joining_if_caught_up();
  }
}

void Mirroring::stop() {
  giving_.stop();
  taking_.stop();
}

// --- when this leader needs a mirror

void Mirroring::follow_need() {
  sync::Replica& replica = host_.replica();
  const bool needed = replica.needs_state_of().has_value();
  if (sink_.state() == sync::MirrorState::asking && !needed) sink_.cancel();
  if (sink_.state() != sync::MirrorState::idle) return;
  holding_ = needed;
  if (!needed) return;
  note_joining();
  // What was taken before becomes durable first; nothing is added meanwhile.
  if (replica.has_open_batch() || replica.last_lsn() != replica.durable_lsn()) return;
  log::info("a copy of another region's state is needed: what this leader lacks is in no log any more");
  sink_.begin(host_.now_ms(), replica.full_vector());
}

std::filesystem::path Mirroring::joining_file() const { return settings_.data / durability::joining_file; }

// Also the next start has to know it, however this run ends.
void Mirroring::note_joining() {
  if (std::exchange(joining_, true)) return;
  std::ofstream out(joining_file());
  out << "This leader takes writes once it has caught up with another region.\n";
  out.close();
  auto synced = durability::sync_path(joining_file());
  if (synced) synced = durability::sync_path(settings_.data);
  if (!synced) host_.raise({"joining_not_noted", synced.error().message});
}

// Another region's durable writes, as its beacon names them, include all that is stable, so all
// that this region may ever have promised to have.
void Mirroring::end_joining_if_caught_up() {
  const sync::Replica& replica = host_.replica();
  const auto peers = replica.peers();
  // Who has no peers has nobody to wait for.
  const bool caught_up =
      peers.empty() || std::any_of(peers.begin(), peers.end(), [&](const sync::PeerView& peer) {
        return peer.origin != Origin{} && replica.durable().covers(peer.durable);
      });
  if (!caught_up || holding_) return;
  std::error_code error;
  std::filesystem::remove(joining_file(), error);
  if (error) return host_.raise({"joining_not_noted", "cannot remove the file joining: " + error.message()});
  joining_ = false;
  taking_.post([this] { staging_.remove(); });
  log::info("caught up: writes are accepted");
}

std::optional<std::string> Mirroring::loading() const {
  if (sink_.state() != sync::MirrorState::idle) {
    return fmt::format("this leader takes a copy of another region's state first ({}{}{}: {} of {} bytes)",
                       name(sink_.state()), sink_.source().empty() ? "" : " from ", sink_.source(),
                       sink_.bytes(), sink_.total_bytes());
  }
  if (joining_ || holding_) return "this leader has not caught up with another region yet";
  return std::nullopt;
}

// Those that have something for us and are there.
std::vector<std::string> Mirroring::sources() const {
  const sync::Replica& replica = host_.replica();
  std::vector<std::string> regions;
  for (const sync::PeerView& peer : replica.peers()) {
    const bool heard =
        peer.heard_ms != 0 && host_.now_ms() <= peer.heard_ms + replica.config().limits.peer_silence_ms;
    if (heard && !sink_.have().covers(peer.durable)) regions.push_back(peer.region);
  }
  return regions;
}

void Mirroring::log_progress() {
  const std::uint64_t now = host_.now_ms();
  if (now < next_progress_ms_) return;
  next_progress_ms_ = now + progress_every_ms;
  log::info("mirror", {{"state", std::string(name(sink_.state()))},
                       {"source", sink_.source()},
                       {"bytes", sink_.bytes()},
                       {"total_bytes", sink_.total_bytes()}});
}

// --- what the state machines ask

void Mirroring::carry_out(sync::MirrorEffects effects) {
  for (sync::MirrorEffect& effect : effects) {
    if (const auto* send = std::get_if<sync::MirrorSend>(&effect)) {
      const sync::ReplicaConfig& config = host_.replica().config();
      host_.send(send->peer, send->channel, sync::encode_mirror(config.cluster, config.region, send->body));
    } else if (const auto* make = std::get_if<sync::MakeCopy>(&effect)) {
      make_copy(make->copy);
    } else if (const auto* read = std::get_if<sync::ReadCopyPage>(&effect)) {
      read_page(*read);
    } else if (const auto* gone = std::get_if<sync::DeleteCopy>(&effect)) {
      giving_.post([this, copy = gone->copy] { copies_.remove(copy); });
    } else if (const auto* begin = std::get_if<sync::BeginStaging>(&effect)) {
      if (const auto reason = host_.no_room_for(begin->copy.bytes))
        return carry_out(sink_.staging_failed(host_.now_ms(), *reason));
      taking_.post([this, copy = begin->copy] {
        if (auto begun = staging_.begin(copy); !begun)
          host_.post(
              [this, why = begun.error().message] { carry_out(sink_.staging_failed(host_.now_ms(), why)); });
      });
    } else if (auto* page = std::get_if<sync::StagePage>(&effect)) {
      stage(std::move(*page));
    } else if (const auto* staged = std::get_if<sync::CheckStaged>(&effect)) {
      check(*staged);
    } else if (std::holds_alternative<sync::InstallStaged>(effect)) {
      return install();
    } else {
      host_.raise(std::get<sync::Alarm>(effect));
    }
  }
}

void Mirroring::make_copy(std::uint64_t copy) {
  giving_.post([this, copy] {
    auto made = copies_.make(copy, [this] { return !giving_.stopping(); });
    host_.post([this, made = std::move(made)] { carry_out(source_.copy_made(host_.now_ms(), made)); });
  });
}

void Mirroring::read_page(const sync::ReadCopyPage& read) {
  const sync::ReplicaConfig& config = host_.replica().config();
  giving_.post([this, read, cluster = config.cluster, region = config.region] {
    auto bytes = copies_.page(read.copy, read.offset);
    if (!bytes) {
      return host_.post([this, why = bytes.error().message] { host_.raise({"mirror_no_copy", why}); });
    }
    auto frame = std::make_shared<const std::string>(
        sync::encode_mirror(cluster, region, sync::CopyPage{read.copy, read.offset, std::move(*bytes)}));
    host_.post([this, peer = read.peer, frame] { host_.send(peer, sync::Channel::reply, *frame); });
  });
}

void Mirroring::stage(sync::StagePage page) {
  taking_.post([this, page = std::make_shared<const sync::StagePage>(std::move(page))] {
    const auto written = staging_.append(page->offset, page->bytes);
    host_.post([this, copy = page->copy, end = page->offset + page->bytes.size(), written] {
      const std::uint64_t now = host_.now_ms();
      carry_out(written ? sink_.staged(now, copy, end) : sink_.staging_failed(now, written.error().message));
    });
  });
}

void Mirroring::check(const sync::CheckStaged& staged) {
  log::info("mirror: the copy is whole and is verified", {{"bytes", staged.copy.bytes}});
  taking_.post([this, copy = staged.copy.copy, have = staged.have] {
    const auto good = staging_.check(settings_.identity, have);
    host_.post([this, copy, good] { carry_out(sink_.checked(host_.now_ms(), copy, good)); });
  });
}

void Mirroring::install() {
  const sync::Replica& replica = host_.replica();
  // Writes and batches were refused all the time; whatever came all the same must not be lost.
  const bool as_it_was = replica.full_vector() == sink_.have() && !replica.has_open_batch();
  const auto decided = as_it_was ? durability::decide_install(settings_.data)
                                 : fail(Errc::corrupt, "this leader has writes that came meanwhile");
  if (!decided) {
    host_.raise({"mirror_not_installed", decided.error().message});
    return sink_.not_installed(host_.now_ms(), replica.full_vector());
  }
  log::info("mirror: this leader starts anew on the copy", {{"source", sink_.source()}});
  host_.reopen();
}

}  // namespace turnstone::mirror
