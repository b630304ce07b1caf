#include "regions/mirror/mirroring.hpp"

#include <fmt/format.h>

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
      mirror_(host.replica(), limits_of(settings_), settings_.first_copy),
      copies_(settings_.data, settings_.identity),
      staging_(settings_.data) {
  const sync::MirrorNotes notes{is_noted(durability::joining_file), is_noted(durability::quiet_file)};
  carry_out(mirror_.start(notes, settings_.join, notes.joining ? staging_.found() : std::nullopt));
}

bool Mirroring::receive(const std::string& peer, std::string_view frame) {
  if (!sync::is_mirror_frame(frame)) return false;
  if (!host_.replica().is_peer(peer)) {
    host_.raise({"unknown_region", "a frame names region '" + peer + "', which is no peer here"});
    return true;
  }
  auto message = sync::decode_mirror(host_.replica().config().cluster, frame);
  if (!message || message->region != peer) {
    host_.raise({"frame_refused", message ? "a frame of region '" + peer + "' names another region"
                                          : message.error().message});
    return true;
  }
  std::optional<std::string> no_room;
  if (std::holds_alternative<sync::CopyWanted>(message->body)) {
    std::error_code unknown;
    const auto bytes = std::filesystem::file_size(settings_.data / durability::state_file, unknown);
    no_room = host_.no_room_for(unknown ? 0 : bytes);
  }
  carry_out(mirror_.receive(peer, message->body, no_room));
  return true;
}

void Mirroring::tick() {
  const bool was_idle = sink().state() == sync::MirrorState::idle;
  carry_out(mirror_.tick());
  if (sink().state() == sync::MirrorState::idle) return;
  if (was_idle)
    log::info("a copy of another region's state is needed: what this leader lacks is in no log any more");
  log_progress();
}

void Mirroring::stop() {
  giving_.stop();
  taking_.stop();
}

bool Mirroring::is_noted(const char* file) const {
  std::error_code ignored;
  return std::filesystem::exists(settings_.data / file, ignored);
}

void Mirroring::note(const char* file, const char* text) {
  const std::filesystem::path path = settings_.data / file;
  std::ofstream out(path);
  out << text << '\n';
  out.close();
  auto synced = durability::sync_path(path);
  if (synced) synced = durability::sync_path(settings_.data);
  if (!synced) host_.raise({"joining_not_noted", synced.error().message});
}

void Mirroring::remove_note(const char* file) {
  std::error_code error;
  std::filesystem::remove(settings_.data / file, error);
  if (error)
    host_.raise({"joining_not_noted", fmt::format("cannot remove the file {}: {}", file, error.message())});
}

void Mirroring::end_joining() {
  remove_note(durability::joining_file);
  taking_.post([this] { staging_.remove(); });
  log::info("caught up: writes are accepted");
  host_.joined();
}

void Mirroring::log_progress() {
  const std::uint64_t now = host_.now_ms();
  if (now < next_progress_ms_) return;
  next_progress_ms_ = now + progress_every_ms;
  log::info("mirror", {{"state", std::string(name(sink().state()))},
                       {"source", sink().source()},
                       {"bytes", sink().bytes()},
                       {"total_bytes", sink().total_bytes()}});
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
        return carry_out(mirror_.staging_failed(*reason));
      taking_.post([this, copy = begin->copy] {
        if (auto begun = staging_.begin(copy); !begun)
          host_.post([this, why = begun.error().message] { carry_out(mirror_.staging_failed(why)); });
      });
    } else if (auto* page = std::get_if<sync::StagePage>(&effect)) {
      stage(std::move(*page));
    } else if (const auto* staged = std::get_if<sync::CheckStaged>(&effect)) {
      check(*staged);
    } else if (std::holds_alternative<sync::InstallStaged>(effect)) {
      return install();
    } else if (std::holds_alternative<sync::DropStaging>(effect)) {
      taking_.post([this] { staging_.remove(); });
    } else if (std::holds_alternative<sync::NoteJoining>(effect)) {
      note(durability::joining_file, "This leader takes writes once it has caught up with another region.");
    } else if (std::holds_alternative<sync::EndJoining>(effect)) {
      end_joining();
    } else if (std::holds_alternative<sync::NoteQuiet>(effect)) {
      note(durability::quiet_file,
           "This leader counts for no stability until the earlier runs of its region have ended.");
    } else if (std::holds_alternative<sync::EndQuiet>(effect)) {
      remove_note(durability::quiet_file);
      log::info("the earlier runs of this region have ended: the others' logs are cut again");
    } else {
      host_.raise(std::get<sync::Alarm>(effect));
    }
  }
}

void Mirroring::make_copy(std::uint64_t copy) {
  giving_.post([this, copy] {
    auto made = copies_.make(copy, [this] { return !giving_.stopping(); });
    host_.post([this, made = std::move(made)] { carry_out(mirror_.copy_made(made)); });
  });
}

void Mirroring::read_page(const sync::ReadCopyPage& read) {
  const sync::ReplicaConfig& config = host_.replica().config();
  giving_.post([this, read, cluster = config.cluster, region = config.region] {
    auto bytes = copies_.page(read.copy, read.offset);
    if (!bytes) {
      return host_.post([this, why = bytes.error().message] {
        mirror_.page_read();
        host_.raise({"mirror_no_copy", why});
      });
    }
    auto frame = std::make_shared<const std::string>(
        sync::encode_mirror(cluster, region, sync::CopyPage{read.copy, read.offset, std::move(*bytes)}));
    host_.post([this, peer = read.peer, frame] {
      mirror_.page_read();
      host_.send(peer, sync::Channel::reply, *frame);
    });
  });
}

void Mirroring::stage(sync::StagePage page) {
  taking_.post([this, page = std::make_shared<const sync::StagePage>(std::move(page))] {
    const auto written = staging_.append(page->offset, page->bytes);
    host_.post([this, copy = page->copy, end = page->offset + page->bytes.size(), written] {
      carry_out(written ? mirror_.staged(copy, end) : mirror_.staging_failed(written.error().message));
    });
  });
}

void Mirroring::check(const sync::CheckStaged& staged) {
  log::info("mirror: the copy is whole and is verified", {{"bytes", staged.copy.bytes}});
  taking_.post([this, staged] {
    const auto good = staging_.check(settings_.identity, staged.have, staged.hlc_max, staged.own);
    host_.post([this, copy = staged.copy.copy, good] { carry_out(mirror_.checked(copy, good)); });
  });
}

void Mirroring::install() {
  if (const auto decided = durability::decide_install(settings_.data); !decided)
    return carry_out(mirror_.not_installed(decided.error().message));
  log::info("mirror: this leader starts anew on the copy", {{"source", sink().source()}});
  host_.reopen();
}

}  // namespace turnstone::mirror
