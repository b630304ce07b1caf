#include "tests/sim/world.hpp"

#include <algorithm>
#include <utility>

#include "core/hash.hpp"
#include "sync/message.hpp"
#include "tests/sim/clients.hpp"
#include "tests/sim/forger.hpp"

namespace turnstone::sim {
namespace {

std::string describe_batch(std::string_view bytes) {
  const auto header = sync::decode_batch_header(bytes);
  if (!header) return "(unreadable)";
  return fmt::format("{}..{}", to_string(Stamp{header->origin, header->first_seq}), header->last_seq());
}

std::string describe_mirror(const std::string& frame) {
  const auto message = sync::decode_mirror(7, frame);
  if (!message) return "a frame that cannot be read";
  if (const auto* wanted = std::get_if<sync::CopyWanted>(&message->body))
    return "wants a copy that covers " + to_string(wanted->have);
  if (const auto* offer = std::get_if<sync::CopyOffer>(&message->body)) {
    return fmt::format("offer {}: copy {:x} of {} {}", static_cast<int>(offer->status), offer->copy,
                       to_string(offer->vector), offer->text);
  }
  if (const auto* pages = std::get_if<sync::PagesWanted>(&message->body))
    return fmt::format("wants {} pages of copy {:x} from {}", pages->count, pages->copy, pages->offset);
  const auto& page = std::get<sync::CopyPage>(message->body);
  return fmt::format("page of copy {:x} at {}", page.copy, page.offset);
}

std::string describe_frame(const std::string& frame) {
  if (sync::is_mirror_frame(frame)) return describe_mirror(frame);
  const auto message = sync::decode_message(7, frame);
  if (!message) return "a frame that cannot be read";
  if (const auto* pull = std::get_if<sync::Pull>(&message->body)) {
    return fmt::format("pull {} behind {}", pull->request, to_string(pull->have));
  }
  if (const auto* page = std::get_if<sync::Page>(&message->body)) {
    std::string text = fmt::format("page {}{}:", page->request, page->more ? " of several" : "");
    for (const std::string_view batch : page->batches) text += " " + describe_batch(batch);
    return text;
  }
  if (const auto* publication = std::get_if<sync::Publication>(&message->body)) {
    return "batch " + describe_batch(publication->batch);
  }
  if (const auto* beacon = std::get_if<sync::Beacon>(&message->body)) {
    return "has durably " + to_string(beacon->durable);
  }
  if (const auto* no = std::get_if<sync::Refused>(&message->body)) {
    return no->removed ? "refused: removed" : "refused: unknown";
  }
  return "too old: its log begins behind " + to_string(std::get<sync::TooOld>(message->body).floor);
}

const std::vector<std::string> regions = {"paris", "tokyo", "dallas", "lagos", "lima", "oslo", "perth"};

}  // namespace

World::World(std::uint64_t seed, bool verbose)
    : random_(seed),
      swarm_(swarm_for(random_)),
      verbose_(verbose),
      network_(swarm_, random_),
      checkers_(leaders_, swarm_) {
  if (seed % 8 == 3) swarm_.forgery_every_ms = 300;
  if (seed % 8 == 6) swarm_.choices = 0.4;
  if (seed % 16 == 5) swarm_.poison_every_ms = 1000;
  if (seed % 16 == 9) draw_members(random_, swarm_);
  if (seed % 16 == 13) draw_restores_behind(random_, swarm_);
  leaders_.reserve(swarm_.leaders + 1);
  for (std::size_t i = 0; i < swarm_.leaders; ++i) {
    leaders_.emplace_back(*this, i, regions[i]);
    const auto skew = static_cast<std::int64_t>(random_.below(2 * swarm_.clock_skew_max_ms + 1));
    leaders_.back().jump_clock(skew - static_cast<std::int64_t>(swarm_.clock_skew_max_ms));
  }
  backups_.resize(swarm_.leaders + 1);
  trace("{}", describe(swarm_));
}

// By the settings. The last one is no peer of anybody's where it joins later.
std::vector<std::string> World::peers_of(const std::string& region) const {
  std::vector<std::string> peers;
  for (std::size_t i = 0; i < swarm_.leaders; ++i) {
    if (regions[i] != region && !is_joiner(regions[i])) peers.push_back(regions[i]);
  }
  return peers;
}

bool World::is_joiner(const std::string& region) const {
  return swarm_.join_at_ms != 0 && region == regions[swarm_.leaders - 1];
}

std::uint64_t World::keep(StateImage image) {
  const std::uint64_t name = random_.next();
  images_.emplace(name, std::move(image));
  return name;
}

void World::at(std::uint64_t time_ms, std::function<void()> work) {
  work_.push({time_ms, next_number_++, std::move(work)});
}

void World::note(const std::string& what) {
  fingerprint_ = hash64(what, fingerprint_ + now_ms_ + next_number_);
}

void World::publish(const Leader& from, const std::string& frame) {
  for (Leader& to : leaders_) {
    if (to.region() != from.region()) transmit(from, to, Network::Traffic::published, frame);
  }
}

void World::send(const Leader& from, const std::string& to, const std::string& frame) {
  for (Leader& leader : leaders_) {
    if (leader.region() == to) transmit(from, leader, Network::Traffic::requested, frame);
  }
}

void World::transmit(const Leader& from, Leader& to, Network::Traffic traffic, const std::string& frame) {
  note(frame);
  if (verbose_) trace("{} -> {}: {}", from.region(), to.region(), describe_frame(frame));
  for (const std::uint64_t time : network_.arrivals(from.index(), to.index(), traffic, now_ms_)) {
    at(time, [this, &from, &to, frame] {
      if (to.up() && !network_.is_cut(from.index(), to.index())) to.receive(from.region(), frame);
    });
  }
}

void World::now_and_then(double mean_ms, std::function<void()> work) {
  const auto wait = random_.between(1, static_cast<std::uint64_t>(2 * mean_ms) + 1);
  at(now_ms_ + wait, [this, mean_ms, work] {
    if (!faulty_) return;
    work();
    now_and_then(mean_ms, work);
  });
}

void World::schedule_clients_of(Leader& leader) {
  now_and_then(1000 / swarm_.writes_per_second, [this, &leader] {
    const std::uint64_t count = random_.chance(swarm_.burst) ? random_.between(2, 8) : 1;
    for (std::uint64_t i = 0; i < count && leader.reads_requests(); ++i) {
      auto effects = some_operation(swarm_, checkers_.ledger(), random_);
      look_at(leader.replica().keyspace(), swarm_, random_, effects);
      leader.write(std::move(effects));
    }
  });
}

void World::schedule_faults() {
  const auto every = [this](std::uint64_t mean_ms, auto work) {
    if (mean_ms != 0) now_and_then(static_cast<double>(mean_ms), work);
  };
  every(swarm_.partition_every_ms, [this] { partition_something(); });
  every(swarm_.crash_every_ms, [this] { crash_something(); });
  every(swarm_.forgery_every_ms, [this] {
    const Leader& forger = leaders_[random_.below(leaders_.size())];
    const std::string frame = forger.up() ? forged_frame(forger.replica(), random_) : std::string();
    if (frame.empty()) return;
    trace("{} writes in the name of another", forger.region());
    publish(forger, frame);
  });
  every(swarm_.poison_every_ms, [this] {
    const Leader& author = leaders_[random_.below(leaders_.size())];
    if (!author.up()) return;
    trace("{} publishes what nobody can apply", author.region());
    publish(author, poisoned_frame(author.replica(), random_));
  });
  if (swarm_.clone_at_ms != 0) at(swarm_.clone_at_ms, [this] { clone_something(); });
  if (swarm_.join_at_ms != 0) at(swarm_.join_at_ms, [this] { add_last(); });
  if (swarm_.leave_at_ms != 0) at(swarm_.leave_at_ms, [this] { remove_something(); });
}

void World::schedule_faults_of(Leader& leader) {
  const auto every = [this](std::uint64_t mean_ms, auto work) {
    if (mean_ms != 0) now_and_then(static_cast<double>(mean_ms), work);
  };
  every(swarm_.checkpoint_every_ms, [&leader] {
    if (leader.up()) leader.begin_checkpoint();
  });
  every(swarm_.backup_every_ms, [this, &leader] {
    if (leader.ended()) return;
    Disk copy = leader.disk();
    copy.crash(random_);
    backups_[leader.index()].push_back(std::move(copy));
  });
  every(swarm_.clock_jump_every_ms, [this, &leader] {
    const auto far = static_cast<std::int64_t>(swarm_.clock_jump_max_ms);
    const auto by = static_cast<std::int64_t>(random_.below(2 * swarm_.clock_jump_max_ms + 1)) - far;
    trace("{}'s clock jumps by {} ms", leader.region(), by);
    leader.jump_clock(by);
  });
}

Leader* World::some_leader_that_writes() {
  std::vector<Leader*> writing;
  for (Leader& leader : leaders_)
    if (leader.takes_writes()) writing.push_back(&leader);
  return writing.empty() ? nullptr : writing[random_.below(writing.size())];
}

void World::add_last() {
  Leader* at_leader = some_leader_that_writes();
  const std::string& region = leaders_[swarm_.leaders - 1].region();
  if (at_leader == nullptr || at_leader->region() == region) return at(now_ms_ + 50, [this] { add_last(); });
  if (at_leader->replica().members().find(region) != nullptr) return;
  trace("{} adds {}", at_leader->region(), region);
  std::vector<crdt::Effect> effects;
  for (std::size_t i = 0; i + 1 < swarm_.leaders; ++i)
    effects.emplace_back(crdt::AddMember{regions[i], "somewhere", "", true});
  effects.emplace_back(crdt::AddMember{region, "somewhere", "", false});
  at_leader->stamp(effects);
}

void World::remove_something() {
  // The first one is what the others are compared with.
  if (removed_.empty()) removed_ = leaders_[random_.between(1, swarm_.leaders - 1)].region();
  Leader* at_leader = some_leader_that_writes();
  const bool is_member = at_leader != nullptr && at_leader->replica().members().everyone().contains(removed_);
  if (!is_member) return at(now_ms_ + 50, [this] { remove_something(); });
  if (at_leader->replica().members().is_removed(removed_)) return;
  trace("{} removes {}", at_leader->region(), removed_);
  at_leader->stamp(
      {crdt::RemoveMember{removed_, sync::join_regions(at_leader->replica().members().everyone())}});
}

void World::give_up_removed() {
  for (Leader& leader : leaders_) {
    if (leader.region() != removed_ || leader.ended()) continue;
    checkers_.removed(leader);
    leader.end();
  }
  // What it alone knew of members went down with it; the administrator sees that.
  if (!removed_.empty()) remove_something();
  if (swarm_.join_at_ms != 0 && removed_ != leaders_[swarm_.leaders - 1].region()) add_last();
}

void World::partition_something() { cut_for_a_while(network_.some_links()); }

void World::cut_for_a_while(const std::vector<Link>& links) {
  for (const auto& link : links) {
    trace("cut {} -> {}", regions[link.first], regions[link.second]);
    network_.cut(link);
  }
  at(now_ms_ + random_.between(1, swarm_.partition_max_ms + 300), [this, links] {
    for (const auto& link : links) network_.heal(link);
    trace("a cut of {} links ends", links.size());
  });
}

void World::crash_something() { crash_for_a_while(leaders_[random_.below(leaders_.size())]); }

void World::copy_began(const Leader& sink, const std::string& source) {
  if (!faulty_ || !random_.chance(0.7)) return;
  at(now_ms_ + random_.below(150), [this, at_sink = random_.chance(0.75), sink = sink.region(), source] {
    if (!faulty_) return;
    for (Leader& leader : leaders_) {
      if (leader.region() != (at_sink ? sink : source)) continue;
      if (at_sink || random_.chance(0.5)) return crash_for_a_while(leader);
      return cut_for_a_while(network_.links_of(leader.index()));
    }
  });
}

// What it hears meanwhile is too little to tell that it is still behind.
void World::copy_installed(const Leader& sink) {
  if (!faulty_ || !random_.chance(0.4)) return;
  std::vector<Link> links = network_.links_of(sink.index());
  if (random_.chance(0.5)) std::erase_if(links, [&](const Link& link) { return link.first == sink.index(); });
  cut_for_a_while(links);
}

void World::crash_for_a_while(Leader& leader) {
  if (!leader.up()) return;
  leader.crash();
  // What a copy holds and its original has lost may be closed before the copy is put back: a
  // leader on it stops, and does not come back by itself.
  std::erase_if(backups_[leader.index()],
                [&](const Disk& copy) { return !leader.disk().holds().covers(copy.holds()); });
  at(now_ms_ + random_.between(1, swarm_.down_max_ms), [this, &leader] { come_back(leader); });
}

// What all that were asked have lost cannot be had of any of them: two of three must have it.
bool World::may_lose_its_disk(const Leader& leader) const {
  const auto joining = std::count_if(leaders_.begin(), leaders_.end(), [&](const Leader& other) {
    return &other != &leader && !other.ended() && (other.disk().joining || other.disk().last_lsn() == 0);
  });
  return joining == 0 || (joining == 1 && swarm_.leaders >= 4 && swarm_.two_lost_disks);
}

void World::come_back(Leader& leader) {
  if (leader.up() || leader.ended()) return;
  const auto& backups = backups_[leader.index()];
  const bool is_clone = leader.index() == swarm_.leaders;
  if (faulty_ && !is_clone && random_.chance(swarm_.lose_disk) && may_lose_its_disk(leader)) {
    leader.lose_disk();
    return leader.start();
  }
  const bool restored = faulty_ && !backups.empty() && random_.chance(swarm_.restore);
  if (restored) {
    auto& copies = backups_[leader.index()];
    const std::size_t pick = random_.below(copies.size());
    leader.restore(copies[pick]);
    copies.resize(pick + 1);  // newer ones are such copies now
  }
  leader.start();
  if (restored && random_.chance(swarm_.restore_alone)) cut_for_a_while(network_.links_of(leader.index()));
}

void World::run_until(std::uint64_t time_ms) {
  while (!work_.empty() && work_.top().time_ms <= time_ms) {
    const auto work = work_.top().work;
    now_ms_ = work_.top().time_ms;
    work_.pop();
    work();
  }
  now_ms_ = time_ms;
}

bool World::converged() const {
  return std::all_of(leaders_.begin(), leaders_.end(), [&](const Leader& leader) {
    if (leader.ended()) return true;
    return leader.takes_writes() && leaders_[0].up() &&
           leader.replica().full_vector() == leaders_[0].replica().full_vector() &&
           leader.replica().durable() == leader.replica().vector() && !leader.disk().has_own_earlier();
  });
}

std::string World::vectors() const {
  std::string text;
  for (const Leader& leader : leaders_) {
    if (!leader.takes_writes() && !leader.ended()) text += "\n" + leader.region() + " takes no writes yet";
    if (!leader.up()) continue;
    const sync::Replica& replica = leader.replica();
    if (replica.return_waits_for())
      text += "\n" + leader.region() + " waits to bring back, for " + *replica.return_waits_for();
    text += fmt::format("\n{}: {}, durably {}, settled {}, log from {}{}{}", leader.region(),
                        to_string(replica.full_vector()), to_string(replica.durable()),
                        to_string(replica.closings().retired()), to_string(replica.log().floor()),
                        replica.history_ended() ? ", its history has ended" : "",
                        replica.needs_state_of() ? ", it needs a copy of " + *replica.needs_state_of() : "");
    for (const auto& [origin, closing] : replica.closings().open()) {
      text += fmt::format("\n  {} is closing at {}{}, acknowledged by", to_string(origin), closing.last(),
                          replica.closings().complete(closing) ? "" : " or later");
      for (const auto& [region, all] : closing.acknowledged) {
        for (const auto& each : all)
          text += fmt::format(" {}{} {} by {}", region, each.again ? " again" : "", each.last,
                              to_string(each.stamp));
      }
    }
  }
  return text;
}

bool World::is_anybody_quiet() const {
  return std::any_of(leaders_.begin(), leaders_.end(),
                     [](const Leader& leader) { return leader.up() && leader.replica().is_quiet(); });
}

std::uint64_t World::pulls() const {
  std::uint64_t pulls = 0;
  for (const Leader& leader : leaders_) {
    if (leader.up()) pulls += leader.replica().counters().pulls;
  }
  return pulls;
}

// Copies are made of what is stored.
void World::checkpoint_when_dirty(Leader& leader) {
  if (leader.up() && (leader.replica().keyspace().dirty().size() > 0 ||
                      leader.replica().last_lsn() > leader.replica().stored_lsn())) {
    leader.begin_checkpoint();
  }
  at(now_ms_ + 500, [this, &leader] { checkpoint_when_dirty(leader); });
}

void World::heal() {
  if (swarm_.clone_alone) end_clone();
  trace("everything heals");
  faulty_ = false;
  network_.heal_everything();
  give_up_removed();
  for (Leader& leader : leaders_) {
    come_back(leader);
    checkpoint_when_dirty(leader);
  }
  const std::uint64_t pulls_before = pulls();
  const std::uint64_t began = now_ms_;
  std::uint64_t latest = began + 60'000;
  std::uint64_t patient_until = began + 10'000;
  // The clone of one ends at last, and what it had is everywhere then.
  for (bool both = true; both || !converged();) {
    if (both && converged()) {
      both = false;
      end_clone();
    }
    replace_ended();
    run_until(now_ms_ + 100);
    if (swarm_.restore_behind && now_ms_ > patient_until) {
      patient_until += 10'000;
      if (help_somebody()) latest += 10'000;
    }
    if (now_ms_ > latest) throw Finding("a minute after all faults the leaders differ" + vectors());
  }
  trace("converged after {} ms and {} pulls", now_ms_ - began, pulls() - pulls_before);
  const std::uint64_t enough = swarm_.leaders * (200 + checkers_.history().size() +
                                                 (now_ms_ - began) / swarm_.limits.beacon_active_ms);
  require(pulls() <= pulls_before + enough, "the leaders pull without end");
  // Until then nothing more is stable.
  latest = now_ms_ + 60'000;
  while (is_anybody_quiet() && now_ms_ < latest) run_until(now_ms_ + 100);
  // What they know of each other settles: nobody asks for anything, everything is stable. A
  // removed region is let go once it is silent.
  const std::uint64_t runs_close_ms = swarm_.limits.close_after_ms > 5000 ? 0 : swarm_.limits.close_after_ms;
  run_until(now_ms_ + 2000 + 2 * runs_close_ms +
            (removed_.empty() ? 0 : swarm_.limits.peer_silence_ms + 3000));
  const std::uint64_t pulls_at_rest = pulls();
  run_until(now_ms_ + 5000);
  // With small limits a comparison of everything takes long.
  latest = now_ms_ + 60'000;
  while (!(checkers_.all_compared() && checkers_.all_short()) && now_ms_ < latest) run_until(now_ms_ + 1000);
  require(pulls() == pulls_at_rest, "leaders that have everything go on pulling");
  checkers_.at_rest();
}

void World::run() {
  const std::size_t late = swarm_.late_joiner ? random_.below(swarm_.leaders) : swarm_.leaders;
  for (Leader& leader : leaders_) {
    std::uint64_t when = leader.index() == late ? swarm_.run_ms / 2 : random_.below(20);
    if (is_joiner(leader.region())) {
      leader.join();
      when = swarm_.joiner_starts_ms;
    }
    at(when, [this, &leader] { come_back(leader); });
  }
  for (Leader& leader : leaders_) schedule_clients_of(leader);
  schedule_faults();
  for (Leader& leader : leaders_) schedule_faults_of(leader);
  run_until(swarm_.run_ms);
  heal();
}

}  // namespace turnstone::sim
