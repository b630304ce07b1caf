// Every order in which one leader can hear up to six batches of two others, with one of them
// doubled and one crash in between, in every place: after each step its state has to be what
// the oracle says. What leaders do depends on what they hear and in which order, not on what
// others hear meanwhile; so the orders at one leader are all that there is.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/planted.hpp"
#include "tests/sim/disk.hpp"
#include "tests/sim/finding.hpp"
#include "tests/sim/oracle.hpp"

namespace turnstone::sim {
namespace {

using Verb = OwnedEffect::Verb;

constexpr std::uint64_t cluster = 7;
constexpr std::uint64_t now_ms = 1'700'000'000'000;
const std::vector<std::string> regions = {"paris", "tokyo", "dallas"};
constexpr std::size_t dallas = 2;

// A replica, its disk, and what it has published.
class Host {
 public:
  explicit Host(std::size_t region) : region_(region) { start(); }

  void start() {
    sync::ReplicaConfig config;
    config.cluster = cluster;
    config.region = regions[region_];
    config.origin = Origin{100 * (region_ + 1) + ++starts_};
    for (const std::string& other : regions) {
      if (other != config.region) config.peers.push_back(other);
    }
    replica_ = std::make_unique<sync::Replica>(config, 0);
    replica_->on_log_scan([this](const std::function<void(std::string_view)>& visit) { disk_.scan(visit); });
    disk_.recover(*replica_, true);
  }

  // All that is not synced is lost.
  void crash() {
    disk_.lose_unsynced();
    start();
  }

  Operation write(const std::vector<OwnedEffect>& effects) {
    Operation operation{{}, 0, replica_->vector(), effects};
    replica_->begin(now_ms);
    for (const OwnedEffect& effect : effects) replica_->apply(effect.view());
    replica_->commit();
    operation.stamp = {replica_->config().origin, replica_->vector().get(replica_->config().origin)};
    operation.hlc = replica_->last_hlc();
    return operation;
  }

  void step(sync::Event event) {
    for (const sync::Effect& effect : replica_->step(now_ms, std::move(event))) {
      if (const auto* append = std::get_if<sync::Append>(&effect)) {
        disk_.append(*append);
      } else if (const auto* publish = std::get_if<sync::Publish>(&effect)) {
        published.push_back(publish->frame);
      } else if (const auto* alarm = std::get_if<sync::Alarm>(&effect)) {
        throw Finding("alarm " + alarm->name + ": " + alarm->text);
      }
    }
  }
  void hear(std::size_t from, const std::string& frame) { step(sync::FrameReceived{regions[from], frame}); }
  void sync() {
    if (!disk_.has_unsynced()) return;
    const sync::Lsn lsn = disk_.last_lsn();
    disk_.sync(lsn);
    step(sync::Committed{lsn});
  }
  const sync::Replica& replica() const { return *replica_; }

  std::vector<std::string> published;

 private:
  std::size_t region_;
  std::uint64_t starts_ = 0;
  Disk disk_;
  std::unique_ptr<sync::Replica> replica_;
};

OwnedEffect effect(Verb verb, const std::string& text = {}) {
  OwnedEffect effect{verb, "k", crdt::Kind::string, {}, {}, {}};
  if (verb == Verb::put) effect.value = text;
  if (verb == Verb::increment) effect.amount = *FixedDecimal::parse(text);
  return effect;
}

OwnedEffect member(Verb verb, const std::string& name) { return {verb, "k", crdt::Kind::set, name, {}, {}}; }

// What the n-th batch does: the programs differ in where they begin.
std::vector<OwnedEffect> nth_effects(std::size_t n) {
  const std::vector<std::vector<OwnedEffect>> all = {
      {effect(Verb::put, "5")},
      {effect(Verb::increment, "1")},
      {effect(Verb::increment, "4"), member(Verb::put, "a")},
      {effect(Verb::remove)},
      {effect(Verb::replace), effect(Verb::put, "7")},
      {effect(Verb::increment, "16")},
      {member(Verb::put, "a")},
      {effect(Verb::clear)},
      {effect(Verb::increment, "64"), member(Verb::remove, "a")},
      {effect(Verb::clear_all)},
      {effect(Verb::put, "9"), effect(Verb::increment, "256")},
  };
  return all[n % all.size()];
}

// A batch that dallas hears, or one that it writes.
struct Item {
  std::size_t from = dallas;
  std::string frame;
  std::vector<OwnedEffect> effects;
};

struct Program {
  History history;
  std::vector<Item> items;
};

// p, t: paris or tokyo writes; >: tokyo hears all that paris wrote so far, <: the reverse;
// d: a batch of dallas, wherever it falls among what it hears.
Program make_program(std::string_view script, std::size_t first_effects) {
  Program program;
  Host paris(0);
  Host tokyo(1);
  std::size_t n = first_effects;
  const auto write = [&](Host& host, std::size_t region) {
    program.history.add(host.write(nth_effects(n++)));
    // Two operations in one batch, now and then: nobody may see one of them.
    if (n % 5 == 0) program.history.add(host.write(nth_effects(n)));
    host.step(sync::Flush{});
    host.sync();
    program.items.push_back({region, host.published.back(), {}});
  };
  const auto hear = [](Host& host, std::size_t from, const Host& author) {
    for (const std::string& frame : author.published) host.hear(from, frame);
    host.sync();
  };
  for (const char c : script) {
    if (c == 'p') write(paris, 0);
    if (c == 't') write(tokyo, 1);
    if (c == '>') hear(tokyo, 0, paris);
    if (c == '<') hear(paris, 1, tokyo);
    if (c == 'd') program.items.push_back({dallas, {}, nth_effects(n++)});
  }
  return program;
}

// One order, and what goes wrong in it.
struct Course {
  std::vector<std::size_t> order;  // items; one of them may be there twice
  std::size_t crash_before = ~std::size_t{0};
  bool synced = false;  // what was there then
};

std::string describe(const Course& course) {
  std::string text = "order";
  for (std::size_t i = 0; i < course.order.size(); ++i) {
    if (i == course.crash_before) text += course.synced ? " (crash)" : " (crash, nothing synced)";
    text += fmt::format(" {}", course.order[i]);
  }
  return text;
}

class Explorer {
 public:
  explicit Explorer(const Program& program) : program_(program) {
    own_writes_ = std::any_of(program.items.begin(), program.items.end(),
                              [](const Item& item) { return item.from == dallas; });
  }

  // All courses; throws a Finding.
  std::uint64_t run() {
    std::vector<std::size_t> order(program_.items.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    do {
      with_crashes({order});
      for (std::size_t first = 0; first < order.size(); ++first) {
        if (program_.items[order[first]].from == dallas) continue;
        for (std::size_t again = first + 1; again <= order.size(); ++again) {
          Course course{order};
          course.order.insert(course.order.begin() + static_cast<std::ptrdiff_t>(again), order[first]);
          with_crashes(course);
        }
      }
    } while (std::next_permutation(order.begin(), order.end()));
    return courses_;
  }

 private:
  void with_crashes(Course course) {
    go(course);
    for (course.crash_before = 1; course.crash_before <= course.order.size(); ++course.crash_before) {
      for (course.synced = false;; course.synced = true) {
        go(course);
        if (course.synced) break;
      }
    }
  }

  void go(const Course& course) {
    ++courses_;
    try {
      follow(course);
    } catch (const Finding& finding) {
      throw Finding(fmt::format("{}\n{}", describe(course), finding.what()));
    }
  }

  void follow(const Course& course) {
    Host host(dallas);
    // Without writes of dallas's own the history is the program's.
    History with_own;
    if (own_writes_) with_own = program_.history;
    const History& history = own_writes_ ? with_own : program_.history;
    VersionVector at;
    for (std::size_t i = 0; i <= course.order.size(); ++i) {
      if (i == course.crash_before) {
        if (course.synced) host.sync();
        host.crash();
        check(host, history, at = {});
      }
      if (i == course.order.size()) break;
      const Item& item = program_.items[course.order[i]];
      if (item.from == dallas) {
        with_own.add(host.write(item.effects));
        host.step(sync::Flush{});
      } else {
        host.hear(item.from, item.frame);
      }
      check(host, history, at);
    }
    host.sync();
    // What a crash took is pulled again.
    for (const Item& item : program_.items) {
      if (item.from != dallas) host.hear(item.from, item.frame);
    }
    check(host, history, at);
    for (const Item& item : program_.items) {
      if (item.from == dallas) continue;
      const auto message = sync::decode_message(cluster, item.frame);
      const auto header = sync::decode_batch_header(std::get<sync::Publication>(message->body).batch);
      require(host.replica().vector().covers({header->origin, header->last_seq()}),
              "a batch is missing at the end");
    }
  }

  void check(const Host& host, const History& history, VersionVector& at) {
    const VersionVector& vector = host.replica().vector();
    if (vector == at && !at.empty()) return;
    at = vector;
    std::string expected;
    if (own_writes_) {
      expected = expectation(history, at);
    } else {
      auto known = expected_.find(at.entries());
      if (known == expected_.end()) known = expected_.emplace(at.entries(), expectation(history, at)).first;
      expected = known->second;
    }
    const std::string canonical = host.replica().keyspace().canonical();
    require(canonical == expected,
            fmt::format("at {}\n--- has\n{}--- should have\n{}", to_string(at), canonical, expected));
  }

  static std::string expectation(const History& history, const VersionVector& at) {
    for (const auto& [origin, seq] : at.entries()) {
      for (Seq s = 1; s <= seq; ++s) {
        const Operation* operation = history.find({origin, s});
        require(operation != nullptr, to_string(Stamp{origin, s}) + " is applied, which nobody wrote");
        require(at.covers(operation->context),
                to_string(operation->stamp) + " is applied before what its author had seen");
      }
    }
    Expectation expectation(history);
    expectation.advance(at);
    return expectation.canonical();
  }

  const Program& program_;
  bool own_writes_ = false;
  std::map<std::vector<VersionVector::Entry>, std::string> expected_;
  std::uint64_t courses_ = 0;
};

}  // namespace
}  // namespace turnstone::sim

int main() {
  using namespace turnstone::sim;
  const std::vector<std::pair<std::string_view, std::size_t>> programs = {
      {"pppttt", 0}, {"ppp>ttt", 3}, {"p>t<p>t<p>t", 6}, {"pt<p>tpt", 1}, {"pptdd", 0},
      {"pttdd", 4},  {"p>tt<pd", 7}, {"p>t<p>td", 9},    {"pt<>ptd", 2},
  };
  std::uint64_t courses = 0;
  for (const auto& [script, first_effects] : programs) {
    try {
      const Program program = make_program(script, first_effects);
      courses += Explorer(program).run();
    } catch (const Finding& finding) {
      fmt::print(stderr, "program {} from {}: {}\n", script, first_effects, finding.what());
      return 1;
    }
  }
  fmt::print("{} programs, {} courses, none failed\n", programs.size(), courses);
  return 0;
}
