// Who may write as whom. A signature here is the region's name, repeated, and a hash.
#include "core/hash.hpp"
#include "core/record.hpp"
#include "sync/message.hpp"
#include "tests/catch.hpp"
#include "tests/sync/node.hpp"

using namespace turnstone;
using namespace turnstone::sync;

namespace {

class Names final : public Signatures {
 public:
  explicit Names(std::string region) : region_(std::move(region)) {}
  std::string sign(std::string_view bytes) const override { return made(region_, bytes); }
  bool verify(std::string_view region, std::string_view bytes, std::string_view signature) const override {
    return made(region, bytes) == signature;
  }
  static std::string made(std::string_view region, std::string_view bytes) {
    std::string text = std::to_string(hash64(bytes)) + std::string(region);
    text.resize(signature_bytes, '.');
    return text;
  }

 private:
  std::string region_;
};

Node keyed(const std::string& region, std::uint64_t origin = 0, Limits limits = {}) {
  return Node(region, limits, origin, std::make_shared<Names>(region));
}

std::string publication(const std::string& region, std::string_view batch) {
  return encode(Node::cluster, region, Publication{batch});
}

const Alarm& last_alarm(const Node& node) {
  REQUIRE(!node.alarms.empty());
  return node.alarms.back();
}

}  // namespace

TEST_CASE("signatures: what a region signed is taken from it and from who relays it") {
  Node paris = keyed("paris"), tokyo = keyed("tokyo"), dallas = keyed("dallas");
  paris.set("k", "v");
  paris.sync();
  publish(paris, tokyo);
  tokyo.sync();
  CHECK(tokyo.get("k") == "v");
  exchange(tokyo, dallas);
  CHECK(dallas.get("k") == "v");
  CHECK(*dallas.log[0].bytes == *paris.log[0].bytes);
  CHECK(dallas.alarms.empty());
}

TEST_CASE("signatures: a batch that its region has not signed is refused, and its sender named") {
  Node paris = keyed("paris"), tokyo = keyed("tokyo");
  paris.set("k", "one");
  paris.set("k", "two");
  paris.sync();
  tokyo.hear("paris", {publication("paris", *paris.log[0].bytes)});
  const std::string good = *paris.log[1].bytes;
  const std::string records = good.substr(0, good.size() - signature_bytes);
  for (const std::string& signature : {Names::made("dallas", records), std::string(signature_bytes, '\0'),
                                       Names::made("paris", records + "x")}) {
    tokyo.hear("dallas", {publication("dallas", records + signature)});
    CHECK(tokyo.get("k") == "one");
    CHECK(last_alarm(tokyo).name == "batch_forged");
    CHECK(last_alarm(tokyo).text == "'dallas' sent a batch of origin " +
                                        to_string(paris.replica().config().origin) +
                                        " that region 'paris' has not signed");
  }
  CHECK(tokyo.replica().counters().batches_forged == 3);
  // The origin that was lied about is heard on.
  CHECK(!tokyo.has_alarm("origin_quarantined"));
  tokyo.hear("dallas", {publication("dallas", good)});
  CHECK(tokyo.get("k") == "two");
}

TEST_CASE("signatures: an unsigned batch is refused where others are signed") {
  Node paris("paris");
  Node tokyo = keyed("tokyo");
  paris.set("k", "v");
  paris.sync();
  publish(paris, tokyo);
  CHECK(tokyo.get("k") == "(none)");
  CHECK(last_alarm(tokyo).name == "batch_forged");
}

TEST_CASE("signatures: nobody begins an origin of another region, announced or not") {
  Node tokyo = keyed("tokyo");
  const Origin of_paris = origin_of("paris", 50);
  BatchBuilder builder;
  builder.begin_operation(1);
  builder.add(crdt::Put{"k", crdt::Kind::string, {}, "intruder"});
  BatchHeader header;
  header.cluster = Node::cluster;
  header.origin = of_paris;
  header.first_seq = 1;
  header.region = "dallas";
  header.is_signed = true;
  std::string batch = builder.finish(header);
  batch += Names("dallas").sign(batch);
  tokyo.hear("dallas", {publication("dallas", batch)});
  CHECK(tokyo.get("k") == "(none)");
  CHECK(last_alarm(tokyo).name == "batch_forged");
  CHECK(last_alarm(tokyo).text ==
        "'dallas' sent a batch of origin " + to_string(of_paris) + " that region 'dallas' cannot have begun");
  Node paris = keyed("paris", 50);
  paris.set("k", "paris");
  paris.sync();
  publish(paris, tokyo);
  CHECK(tokyo.get("k") == "paris");
}

TEST_CASE("signatures: who calls another region's origin its own is not believed, and harms nobody") {
  Node tokyo = keyed("tokyo"), paris = keyed("paris");
  const std::uint64_t malformed = tokyo.replica().counters().frames_malformed;
  Beacon claim;
  claim.origin = paris.replica().config().origin;
  claim.durable = {{claim.origin, 1'000'000}};
  tokyo.hear("dallas", {encode(Node::cluster, "dallas", claim)});
  CHECK(last_alarm(tokyo).name == "beacon_refused");
  CHECK(last_alarm(tokyo).text ==
        "'dallas' calls origin " + to_string(claim.origin) + " its own, which is none of its region");
  CHECK(tokyo.replica().counters().frames_malformed == malformed + 1);
  CHECK(tokyo.replica().peers()[0].durable.empty());
  paris.set("k", "v");
  paris.sync();
  publish(paris, tokyo);
  CHECK(tokyo.get("k") == "v");
}

TEST_CASE("signatures: what waits for an earlier batch was checked before it was kept") {
  Node paris = keyed("paris"), tokyo = keyed("tokyo");
  for (const char* value : {"one", "two", "three"}) paris.set("k", value);
  paris.sync();
  const auto give = [&](std::size_t i) { tokyo.hear("paris", {publication("paris", *paris.log[i].bytes)}); };
  const std::string third = *paris.log[2].bytes;
  const std::string records = third.substr(0, third.size() - signature_bytes);
  // Nobody can tell yet whose it is: it is not kept, and nothing is said.
  give(2);
  CHECK(tokyo.replica().counters().pending_dropped == 1);
  CHECK(tokyo.alarms.empty());
  give(0);
  // Now it is known, and a forged one takes nobody's place in the queue.
  tokyo.hear("dallas", {publication("dallas", records + Names::made("dallas", records))});
  CHECK(last_alarm(tokyo).name == "batch_forged");
  give(2);
  give(1);
  CHECK(tokyo.get("k") == "three");
}

TEST_CASE("signatures: a leader starts on a log that it took before, whoever signed it") {
  Node paris = keyed("paris"), tokyo = keyed("tokyo");
  paris.set("k", "v");
  paris.sync();
  publish(paris, tokyo);
  tokyo.sync();
  tokyo.restart(22);
  CHECK(tokyo.get("k") == "v");
}

TEST_CASE("signatures: a batch of a later version quarantines its origin only if its region has signed it") {
  const bool is_signed = GENERATE(true, false);
  Node paris = keyed("paris");
  std::string bytes;
  RecordWriter out(bytes);
  out.record(8)
      .uint(9)
      .uint(Node::cluster)
      .uint(static_cast<std::uint64_t>(origin_of("tokyo", 2)))
      .uint(1)
      .uint(1)
      .uint(0)
      .uint(5)
      .bytes("tokyo");
  const std::uint64_t hash = hash64(bytes);
  bytes.append(reinterpret_cast<const char*>(&hash), sizeof hash);
  bytes += Names::made(is_signed ? "tokyo" : "dallas", bytes);
  paris.hear("dallas", {publication("dallas", bytes)});
  CHECK(last_alarm(paris).name == (is_signed ? "origin_quarantined" : "batch_forged"));
  CHECK(paris.replica().quarantined().size() == (is_signed ? 1 : 0));
}

TEST_CASE("signatures: an origin's number says of which region it is") {
  for (const char* region : {"paris", "tokyo", "dallas"})
    for (const std::uint64_t random : {std::uint64_t{0}, std::uint64_t{7}, ~std::uint64_t{0}})
      for (const char* other : {"paris", "tokyo", "dallas"})
        CHECK(is_origin_of(origin_of(region, random), other) == (std::string(region) == other));
  CHECK(origin_of("paris", 1) != origin_of("paris", 2));
}
