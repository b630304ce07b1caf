// The two sides of a mirror, in one process and without files.
#include <algorithm>
#include <functional>
#include <map>

#include "core/hash.hpp"
#include "sync/mirror_sink.hpp"
#include "sync/mirror_source.hpp"
#include "tests/catch.hpp"

using namespace turnstone;
using namespace turnstone::sync;

namespace {

const Origin paris{1};
const Origin tokyo{2};

std::string state_of(std::size_t pages) {
  std::string bytes;
  for (std::size_t i = 0; i < pages * mirror_page_bytes - 1000; ++i)
    bytes.push_back(static_cast<char>(i % 251 + i / mirror_page_bytes));
  return bytes;
}

std::uint64_t chain_of(const std::string& bytes) {
  std::uint64_t chain = 0;
  for (std::size_t at = 0; at < bytes.size(); at += mirror_page_bytes)
    chain = hash64(std::string_view(bytes).substr(at, mirror_page_bytes), chain);
  return chain;
}

// A region that gives copies of its state, and what lies in its directory.
struct Source {
  explicit Source(std::uint64_t first_copy, std::string its_state, MirrorLimits limits = {})
      : machine(first_copy, limits), state(std::move(its_state)) {}
  MirrorSource machine;
  std::string state;
  VersionVector durable{{paris, 9}};
  VersionVector floor;
  std::map<std::uint64_t, std::string> copies;
  std::optional<std::string> no_room;
  bool up = true;
};

// A leader that takes one, the regions that it hears, and what is between them.
struct Cluster {
  std::map<std::string, Source> sources;
  MirrorSink sink{MirrorLimits{}};
  std::uint64_t now_ms = 1000;
  std::string staged;
  std::vector<std::string> alarms;
  std::size_t pages_sent = 0;
  bool checked = false;
  bool installed = false;
  // Of the pages: which one is lost, doubled or altered.
  std::function<void(CopyPage&, int& times)> trouble;

  void to_sink(const std::string& region, const MirrorBody& body) {
    const auto decoded = decode_mirror(7, encode_mirror(7, region, body));
    REQUIRE(decoded);
    CHECK(decoded->body == body);
    if (const auto* offer = std::get_if<CopyOffer>(&body)) {
      carry_out(sink.offered(now_ms, region, *offer));
    } else {
      carry_out(sink.page(now_ms, region, std::get<CopyPage>(body)));
    }
  }

  void of_source(const std::string& region, MirrorEffects effects) {
    Source& source = sources.at(region);
    for (const MirrorEffect& effect : effects) {
      if (const auto* make = std::get_if<MakeCopy>(&effect)) {
        source.copies[make->copy] = source.state;
        of_source(region, source.machine.copy_made(
                              now_ms, MadeCopy{source.state.size(), chain_of(source.state), source.durable}));
      } else if (const auto* gone = std::get_if<DeleteCopy>(&effect)) {
        source.copies.erase(gone->copy);
      } else if (const auto* read = std::get_if<ReadCopyPage>(&effect)) {
        CopyPage page{read->copy, read->offset,
                      source.copies.at(read->copy).substr(read->offset, mirror_page_bytes)};
        ++pages_sent;
        source.machine.page_read();
        int times = 1;
        if (trouble) trouble(page, times);
        while (times-- > 0) to_sink(region, page);
      } else if (const auto* send = std::get_if<MirrorSend>(&effect)) {
        to_sink(region, send->body);
      }
    }
  }

  void carry_out(MirrorEffects effects) {
    for (const MirrorEffect& effect : effects) {
      if (const auto* send = std::get_if<MirrorSend>(&effect)) {
        Source& source = sources.at(send->peer);
        if (!source.up) continue;
        if (const auto* wanted = std::get_if<CopyWanted>(&send->body)) {
          of_source(send->peer, source.machine.wanted(now_ms, "oslo", *wanted, source.durable, source.floor,
                                                      source.no_room));
        } else {
          of_source(send->peer,
                    source.machine.pages_wanted(now_ms, "oslo", std::get<PagesWanted>(send->body)));
        }
      } else if (std::holds_alternative<BeginStaging>(effect)) {
        staged.clear();
      } else if (const auto* page = std::get_if<StagePage>(&effect)) {
        CHECK(page->offset == staged.size());
        staged += page->bytes;
        carry_out(sink.staged(now_ms, page->copy, staged.size()));
      } else if (const auto* check = std::get_if<CheckStaged>(&effect)) {
        checked = true;
        carry_out(sink.checked(now_ms, check->copy.copy, {}));
      } else if (std::holds_alternative<InstallStaged>(effect)) {
        installed = true;
      } else if (const auto* alarm = std::get_if<Alarm>(&effect)) {
        alarms.push_back(alarm->name);
      }
    }
  }

  void pass(
      std::uint64_t ms, const std::function<bool()>& until = [] { return false; }) {
    for (const std::uint64_t end = now_ms + ms; now_ms < end && !until(); now_ms += 10) {
      std::vector<std::string> up;
      for (auto& [region, source] : sources) {
        if (source.up) up.push_back(region);
        of_source(region, source.machine.tick(now_ms));
      }
      carry_out(sink.tick(now_ms, up));
    }
  }
};

}  // namespace

TEST_CASE("mirror: a copy is taken page by page, no faster than the limit") {
  Cluster cluster;
  MirrorLimits limits;
  limits.bytes_per_second = 4 * mirror_page_bytes;
  cluster.sources.try_emplace("paris", 100, state_of(20), limits);
  cluster.sink.begin(cluster.now_ms, {}, {});
  const std::uint64_t began = cluster.now_ms;
  cluster.pass(60'000, [&] { return cluster.installed; });
  CHECK(cluster.installed);
  CHECK(cluster.staged == cluster.sources.at("paris").state);
  CHECK(cluster.pages_sent == 20);
  CHECK(cluster.now_ms - began >= 4'500);
  CHECK(cluster.alarms.empty());
}

TEST_CASE("mirror: lost, doubled and altered pages are asked for again") {
  Cluster cluster;
  cluster.sources.try_emplace("paris", 100, state_of(50));
  std::size_t seen = 0;
  cluster.trouble = [&](CopyPage& page, int& times) {
    ++seen;
    if (seen % 7 == 0) times = 0;
    if (seen % 5 == 0) times = 2;
    if (seen % 11 == 0) page.bytes.pop_back();
  };
  cluster.sink.begin(cluster.now_ms, {}, {});
  cluster.pass(300'000, [&] { return cluster.installed; });
  CHECK(cluster.installed);
  CHECK(cluster.staged == cluster.sources.at("paris").state);
}

TEST_CASE("mirror: a page that was altered on its way is not taken") {
  const std::string frame = encode_mirror(7, "paris", CopyPage{5, mirror_page_bytes, "some bytes"});
  CHECK(is_mirror_frame(frame));
  for (std::size_t at = 0; at < frame.size(); ++at) {
    std::string altered = frame;
    altered[at] = static_cast<char>(altered[at] ^ 1);
    const auto read = decode_mirror(7, altered);
    if (!read) continue;
    // What the hash does not cover names another copy or region, and is not asked for.
    const auto* page = std::get_if<CopyPage>(&read->body);
    REQUIRE(page != nullptr);
    CHECK(page->bytes == "some bytes");
    CHECK(page->offset == mirror_page_bytes);
  }
  CHECK(decode_mirror(8, frame).error().code == Errc::wrong_cluster);
  for (std::size_t size = 0; size < frame.size(); ++size)
    CHECK_FALSE(decode_mirror(7, frame.substr(0, size)));
}

TEST_CASE("mirror: it goes on where it was after a cut, and after a restart of the taking leader") {
  Cluster cluster;
  cluster.sources.try_emplace("paris", 100, state_of(40));
  cluster.sink.begin(cluster.now_ms, {}, {});
  cluster.pass(60'000, [&] { return cluster.staged.size() >= 10 * mirror_page_bytes; });
  Source& source = cluster.sources.at("paris");
  source.up = false;
  cluster.pass(60'000);
  source.up = true;
  SECTION("a cut") {}
  SECTION("a restart") {
    StagedCopy found{"paris",
                     100,
                     source.state.size(),
                     chain_of(source.state),
                     cluster.staged.size(),
                     chain_of(cluster.staged)};
    cluster.sink = MirrorSink(MirrorLimits{});
    cluster.sink.restore(found);
    cluster.sink.begin(cluster.now_ms, {}, {});
    CHECK(cluster.sink.bytes() == cluster.staged.size());
  }
  cluster.pass(60'000, [&] { return cluster.installed; });
  CHECK(cluster.installed);
  CHECK(cluster.staged == source.state);
  CHECK(cluster.pages_sent <= 40 + MirrorLimits{}.window_pages);
}

TEST_CASE("mirror: when the source restarts, its copy is gone and another is begun") {
  Cluster cluster;
  cluster.sources.try_emplace("paris", 100, state_of(40));
  cluster.sink.begin(cluster.now_ms, {}, {});
  cluster.pass(60'000, [&] { return cluster.staged.size() >= 10 * mirror_page_bytes; });
  cluster.sources.erase("paris");
  cluster.sources.try_emplace("paris", 900, state_of(45));
  cluster.pass(60'000, [&] { return cluster.installed; });
  CHECK(cluster.installed);
  CHECK(cluster.staged == cluster.sources.at("paris").state);
}

TEST_CASE("mirror: when the source stays away, another region is asked") {
  Cluster cluster;
  cluster.sources.try_emplace("paris", 100, state_of(40));
  cluster.sources.try_emplace("tokyo", 500, state_of(30));
  cluster.sink.begin(cluster.now_ms, {}, {});
  cluster.pass(60'000, [&] { return cluster.staged.size() >= 10 * mirror_page_bytes; });
  REQUIRE(cluster.sink.source() == "paris");
  cluster.sources.at("paris").up = false;
  cluster.pass(60'000, [&] { return cluster.installed; });
  CHECK(cluster.installed);
  CHECK(cluster.sink.source() == "tokyo");
  CHECK(cluster.staged == cluster.sources.at("tokyo").state);
  CHECK(cluster.sink.windows_filled() > 0);
}

TEST_CASE("mirror: a copy that does not match its hash is not used") {
  Cluster cluster;
  cluster.sources.try_emplace("paris", 100, state_of(10));
  bool alter = true;
  cluster.trouble = [&](CopyPage& page, int&) {
    // As a bad disk of the source would: the page's own hash is right.
    if (alter && page.offset == 3 * mirror_page_bytes) page.bytes[5] = 'x';
  };
  cluster.sink.begin(cluster.now_ms, {}, {});
  cluster.pass(20'000, [&] { return !cluster.alarms.empty(); });
  CHECK(cluster.alarms == std::vector<std::string>{"mirror_damaged"});
  CHECK_FALSE(cluster.checked);
  alter = false;
  cluster.pass(120'000, [&] { return cluster.installed; });
  CHECK(cluster.installed);
  CHECK(cluster.staged == cluster.sources.at("paris").state);
}

TEST_CASE("mirror: a state that lacks what this leader has is never taken") {
  Cluster cluster;
  cluster.sources.try_emplace("paris", 100, state_of(3));
  cluster.sink.begin(cluster.now_ms, {{tokyo, 1}}, {{tokyo, 1}});
  cluster.pass(20'000);
  CHECK(cluster.alarms.empty());
  cluster.pass(20'000);
  const auto refusals = [&] {
    return std::count(cluster.alarms.begin(), cluster.alarms.end(), "mirror_refused");
  };
  CHECK(refusals() == 1);
  CHECK(cluster.sink.state() == MirrorState::asking);
  // Nobody needs to be told every second, and nobody may miss it.
  cluster.pass(540'000);
  CHECK(refusals() == 1);
  cluster.pass(100'000);
  CHECK(refusals() == 2);
  // The source pulls it after all; then its next copy has it.
  cluster.sources.at("paris").durable.set(tokyo, 1);
  cluster.pass(60'000, [&] { return cluster.installed; });
  CHECK(cluster.installed);
}

TEST_CASE("mirror: a copy from before this leader's writes is made anew") {
  MirrorSource source(1, {});
  CHECK(source.wanted(0, "oslo", {1, {}}, {{paris, 9}}, {}, std::nullopt).size() == 2);
  source.copy_made(0, MadeCopy{10, 1, {{paris, 9}}});
  const VersionVector now{{paris, 9}, {tokyo, 4}};
  for (const std::uint64_t at : {100u, 5'000u, 9'900u}) {
    const auto effects = source.wanted(at, "oslo", {2, {{tokyo, 3}}}, now, {}, std::nullopt);
    REQUIRE(effects.size() == 1);
    CHECK(std::get<CopyOffer>(std::get<MirrorSend>(effects[0]).body).status == CopyStatus::wait);
  }
  const auto effects = source.wanted(10'000, "oslo", {3, {{tokyo, 3}}}, now, {}, std::nullopt);
  REQUIRE(effects.size() == 3);
  CHECK(std::get<DeleteCopy>(effects[0]).copy == 1);
  CHECK(std::get<MakeCopy>(effects[1]).copy == 2);
}

TEST_CASE("mirror: a source without room says so, and one that is not used deletes its copy") {
  Cluster cluster;
  cluster.sources.try_emplace("paris", 100, state_of(3));
  cluster.sources.at("paris").no_room = "the disk is full";
  cluster.sink.begin(cluster.now_ms, {}, {});
  cluster.pass(1'000);
  CHECK(cluster.alarms.front() == "mirror_no_copy");
  cluster.sources.at("paris").no_room.reset();
  cluster.pass(60'000, [&] { return cluster.installed; });
  CHECK(cluster.installed);
  CHECK(cluster.sources.at("paris").copies.size() == 1);
  cluster.pass(MirrorLimits{}.keep_copy_ms + 1000);
  CHECK(cluster.sources.at("paris").copies.empty());
}

TEST_CASE("mirror: two askers share one copy and the limit") {
  MirrorLimits limits;
  limits.bytes_per_second = 2 * mirror_page_bytes;
  MirrorSource source(1, limits);
  source.wanted(0, "oslo", {1, {}}, {{paris, 9}}, {}, std::nullopt);
  source.copy_made(0, MadeCopy{100 * mirror_page_bytes, 1, {{paris, 9}}});
  source.pages_wanted(0, "oslo", {1, 0, 32});
  source.pages_wanted(0, "lima", {1, 0, 32});
  std::map<std::string, int> given;
  for (std::uint64_t now = 10; now <= 10'000; now += 10) {
    for (const MirrorEffect& effect : source.tick(now)) ++given[std::get<ReadCopyPage>(effect).peer];
  }
  CHECK(given["oslo"] + given["lima"] <= 22);
  CHECK(given["oslo"] >= 9);
  CHECK(given["lima"] >= 9);
}

TEST_CASE("mirror: a copy with nothing new for the asker gives way to a newer one") {
  Cluster cluster;
  Source& source = cluster.sources.try_emplace("paris", 100, state_of(1)).first->second;
  source.machine.wanted(1000, "oslo", {1, {}}, source.durable, {}, {});
  source.machine.copy_made(1000, MadeCopy{1, 1, {{paris, 5}}});
  const auto offered = [&](std::uint64_t now_ms) {
    const auto effects = source.machine.wanted(now_ms, "oslo", {2, {{paris, 5}}}, source.durable, {}, {});
    return std::get<CopyOffer>(std::get<MirrorSend>(effects.back()).body).status;
  };
  CHECK(offered(2000) == CopyStatus::wait);
  offered(20'000);
  CHECK(source.machine.making());
  source.machine.copy_made(20'000, MadeCopy{1, 1, {{paris, 9}}});
  CHECK(offered(20'000) == CopyStatus::ready);
}

TEST_CASE("mirror: of a source whose disk is slow no more pages are wanted than may be read at once") {
  MirrorLimits limits;
  limits.copy_reads_max = 5;
  MirrorSource source(1, limits);
  source.wanted(0, "oslo", {1, {}}, {{paris, 9}}, {}, std::nullopt);
  source.copy_made(0, MadeCopy{100 * mirror_page_bytes, 1, {{paris, 9}}});
  const auto reads = [](const MirrorEffects& effects) {
    return std::count_if(effects.begin(), effects.end(),
                         [](const MirrorEffect& one) { return std::holds_alternative<ReadCopyPage>(one); });
  };
  std::int64_t wanted = 0;
  // They ask again and again, since nothing comes.
  for (std::uint64_t at = 1000; at < 60'000; at += 1000) {
    for (const char* asker : {"oslo", "dallas", "tokyo"})
      wanted += reads(source.pages_wanted(at, asker, {1, 0, limits.window_pages}));
    wanted += reads(source.tick(at));
  }
  CHECK(wanted == 5);
  CHECK(source.reading() == 5);
  CHECK(source.reads_held_back() > 0);
  source.page_read();
  source.page_read();
  CHECK(reads(source.tick(61'000)) == 2);
}
