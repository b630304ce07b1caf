// Batches that are whole and cannot be applied: kept aside, named, and nothing else suffers.
#include "core/hash.hpp"
#include "core/record.hpp"
#include "tests/catch.hpp"
#include "tests/sync/node.hpp"

using namespace turnstone;
using namespace turnstone::sync;

namespace {

struct Raw {
  std::uint64_t version = batch_version;
  std::uint64_t origin = 2;
  Seq first_seq = 1;
  std::uint64_t previous_chain = 0;
  std::string region = "tokyo";
  std::uint64_t code = 1;  // of its one effect, a string
};

struct Made {
  std::string bytes;
  std::uint64_t chain;
};

// A batch with one effect, as a leader of another version of the program may make it.
Made made(const Raw& raw) {
  Made batch;
  RecordWriter out(batch.bytes);
  out.record(raw.first_seq == 1 ? 8 : 7).uint(raw.version).uint(Node::cluster).uint(raw.origin);
  out.uint(raw.first_seq).uint(1).uint(raw.previous_chain).uint(1 << 16);
  if (raw.first_seq == 1) out.bytes(raw.region);
  out.record(0);
  out.record(4).uint(raw.code).uint(0).bytes("k" + std::to_string(raw.first_seq)).bytes("v");
  batch.chain = hash64(batch.bytes);
  batch.bytes.append(reinterpret_cast<const char*>(&batch.chain), sizeof batch.chain);
  return batch;
}

void give(Node& to, const std::string& batch, const std::string& from = "tokyo") {
  to.hear(from, {encode(Node::cluster, from, Publication{batch})});
}

}  // namespace

TEST_CASE("quarantine: a batch with an effect that is not known is kept, and its origin's later ones wait") {
  Node paris("paris");
  const Made unknown = made({.code = 60});
  const Made next = made({.first_seq = 2, .previous_chain = unknown.chain});
  give(paris, unknown.bytes);
  give(paris, next.bytes);
  REQUIRE(paris.aside.size() == 1);
  CHECK(paris.aside[0].bytes == unknown.bytes);
  CHECK(paris.aside[0].origin == Origin{2});
  CHECK(paris.aside[0].first_seq == 1);
  CHECK(paris.has_alarm("origin_quarantined"));
  CHECK(paris.replica().quarantined().at(Origin{2}).region == "tokyo");
  CHECK(paris.replica().vector().empty());
  CHECK(paris.log.empty());

  Node dallas("dallas");
  dallas.set("other", "x");
  dallas.sync();
  publish(dallas, paris);
  CHECK(paris.get("other") == "x");
  // Nothing of the quarantined origin is asked for again and again.
  paris.hear("tokyo", {encode(Node::cluster, "tokyo", Beacon{Origin{2}, 1, VersionVector{{Origin{2}, 2}}})});
  for (int i = 0; i < 50; ++i) {
    paris.now_ms += 100;
    paris.tick();
  }
  CHECK(paris.replica().counters().pulls == 0);
}

TEST_CASE("quarantine: what was kept is taken when the program knows it, and its origin goes on") {
  Node paris("paris");
  Made first = made({});
  const Made second = made({.first_seq = 2, .previous_chain = first.chain});
  give(paris, second.bytes);
  // An earlier version kept the first one; this one knows it.
  paris.step(Reconsider{first.bytes});
  CHECK(paris.get("k1") == "v");
  CHECK(paris.get("k2") == "v");
  REQUIRE(paris.log.size() == 2);
  CHECK(*paris.log[0].bytes == first.bytes);
  CHECK(paris.aside.empty());
  CHECK(paris.replica().quarantined().empty());
}

TEST_CASE("quarantine: what was kept and is still not known is quarantined again at the next start") {
  Node paris("paris");
  const Made unknown = made({.code = 60});
  give(paris, unknown.bytes);
  paris.alarms.clear();
  paris.restart(11);
  CHECK(paris.replica().quarantined().empty());
  paris.step(Reconsider{unknown.bytes});
  CHECK(paris.replica().quarantined().contains(Origin{2}));
  CHECK(paris.has_alarm("origin_quarantined"));
}

TEST_CASE("quarantine: a batch of a later version waits until it is the next of its origin") {
  Node paris("paris");
  const Made first = made({});
  const Made later = made({.version = 9, .first_seq = 2, .previous_chain = first.chain});
  give(paris, later.bytes);
  CHECK(paris.aside.empty());
  give(paris, first.bytes);
  CHECK(paris.get("k1") == "v");
  give(paris, later.bytes);
  REQUIRE(paris.aside.size() == 1);
  CHECK(paris.replica().quarantined().at(Origin{2}).reason == "a batch has version 9");
  CHECK(paris.replica().vector() == VersionVector{{Origin{2}, 1}});
}

TEST_CASE("quarantine: a batch that was damaged on its way names nobody") {
  Node paris("paris");
  std::string bytes = made({.version = 9}).bytes;
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  give(paris, bytes);
  CHECK(paris.aside.empty());
  CHECK(paris.replica().quarantined().empty());
  CHECK(paris.has_alarm("batch_refused"));
}

TEST_CASE("quarantine: beyond the limit origins are refused and not remembered") {
  Limits limits;
  limits.quarantined_origins_max = 2;
  Node paris("paris", limits);
  for (std::uint64_t origin = 20; origin < 25; ++origin)
    give(paris, made({.origin = origin, .code = 60}).bytes);
  CHECK(paris.aside.size() == 2);
  CHECK(paris.replica().quarantined().size() == 2);
  CHECK(paris.replica().counters().batches_quarantined == 5);
  CHECK(paris.replica().counters().quarantine_overflows == 3);
  CHECK(paris.replica().vector().empty());
}

TEST_CASE("pulls: a peer that has nothing but what cannot be taken is asked less and less often") {
  Node paris("paris");
  const std::string unreadable = std::string(50, 'x');
  const auto beacon = encode(Node::cluster, "tokyo", Beacon{Origin{2}, 1, VersionVector{{Origin{2}, 5}}});
  std::size_t asked = 0;
  for (int ms = 0; ms < 10'000; ms += 10) {
    paris.now_ms += 10;
    paris.hear("tokyo", {beacon});
    paris.tick();
    for (const std::string& frame : paris.take_sent("tokyo")) {
      ++asked;
      const auto message = decode_message(Node::cluster, frame);
      const auto request = std::get<Pull>(message->body).request;
      paris.hear("tokyo", {encode(Node::cluster, "tokyo", Page{request, true, {unreadable}})});
    }
  }
  // Every 50 ms it would be 200 times.
  CHECK(asked > 5);
  CHECK(asked < 15);
}

TEST_CASE("pulls: where no answer comes in time less is asked for, then a person is told") {
  Node paris("paris");
  const auto beacon = encode(Node::cluster, "tokyo", Beacon{Origin{2}, 1, VersionVector{{Origin{2}, 5}}});
  std::vector<std::uint64_t> asked;
  const auto run = [&](bool answer) {
    for (int ms = 0; ms < 100'000; ms += 100) {
      paris.now_ms += 100;
      paris.hear("tokyo", {beacon});
      paris.tick();
      for (const std::string& frame : paris.take_sent("tokyo")) {
        const auto message = decode_message(Node::cluster, frame);
        const Pull& pull = std::get<Pull>(message->body);
        if (pull.bytes_max == 0) continue;  // only whether it is answered
        asked.push_back(pull.bytes_max);
        if (answer) paris.hear("tokyo", {encode(Node::cluster, "tokyo", Page{pull.request, false, {}})});
      }
    }
  };
  run(false);
  REQUIRE(asked.size() > 4);
  CHECK(asked.front() == Limits{}.page_bytes);
  CHECK(asked.back() == 16 * 1024);
  CHECK(paris.has_alarm("pull_unanswered"));
  run(true);
  CHECK(asked.back() == Limits{}.page_bytes);
}
