// The decoders' fuzzed property over seeded random input, for compilers without libFuzzer.
#include "core/record.hpp"
#include "sync/batch.hpp"
#include "sync/message.hpp"
#include "tests/catch.hpp"
#include "tests/fuzz/decode_fuzz.hpp"
#include "tests/sim/random.hpp"
#include "tests/sync/node.hpp"

using namespace turnstone;

namespace {

// Bytes that decoders accept, to start from.
std::vector<std::string> samples() {
  sync::Node paris("paris");
  sync::Node tokyo("tokyo");
  paris.set("k", "a");
  tokyo.set("k", "b");
  paris.incr("k", 3);
  paris.gather(crdt::Remove{"h", crdt::Kind::hash, "f"});
  paris.gather(crdt::Put{"s", crdt::Kind::set, "m", {}});
  paris.flush();
  std::vector<std::string> found;
  tokyo.replica().on_conflict([&](const crdt::Conflict& c) { found.push_back(encode_conflict(c)); });
  paris.sync();
  for (const auto& frame : paris.take_published()) {
    found.push_back(frame);
    tokyo.hear("paris", {frame});
  }
  for (const auto& batch : paris.log) found.push_back(*batch.bytes);
  found.push_back(
      encode_cell(*tokyo.replica().keyspace().find("k")->string(), crdt::CellPart::state_and_unstable));
  const VersionVector vector = tokyo.replica().vector();
  found.push_back(sync::encode(7, "tokyo", sync::Beacon{Origin{2}, 5, vector}));
  found.push_back(sync::encode(
      7, "tokyo", sync::Beacon{Origin{2}, 5, vector, vector, {{0, 256, {1, 2}}, {9, 1, {3, 4}}}}));
  found.push_back(sync::encode(7, "tokyo", sync::Pull{1, 4096, vector}));
  found.push_back(sync::encode(7, "tokyo", sync::Page{1, true, {found[0], found[1]}}));
  std::string effects;
  RecordWriter out(effects);
  encode(crdt::Increment{"k", crdt::Kind::hash, "f", FixedDecimal::from_raw(5)}, true, 9, out);
  encode(crdt::Clear{"k", true}, false, 0, out);
  found.push_back(effects);
  return found;
}

std::string mutated(std::string bytes, sim::Random& random) {
  for (std::uint64_t left = random.below(4); left > 0 && !bytes.empty(); --left) {
    const std::size_t at = random.below(bytes.size());
    switch (random.below(4)) {
      case 0:
        bytes[at] = static_cast<char>(random.next());
        break;
      case 1:
        bytes.resize(at);
        break;
      case 2:
        bytes.insert(at, 1, static_cast<char>(random.next()));
        break;
      default:
        bytes.erase(at, random.between(1, 9));
    }
  }
  return bytes;
}

void check(const std::string& bytes) {
  fuzz::check_decoders(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

}  // namespace

TEST_CASE("decoders: what they accept of mutated bytes is read back from its own encoding") {
  const auto starts = samples();
  REQUIRE(starts.size() >= 10);
  sim::Random random(1);
  for (int i = 0; i < 30'000; ++i) check(mutated(random.pick(starts), random));
}

TEST_CASE("decoders: random bytes end in an answer") {
  sim::Random random(2);
  for (int i = 0; i < 10'000; ++i) {
    std::string bytes;
    for (std::uint64_t left = random.below(60); left > 0; --left) bytes += static_cast<char>(random.next());
    check(bytes);
  }
}
