#include <fmt/format.h>

#include <cstring>
#include <fstream>

#include "core/hash.hpp"
#include "sync/batch.hpp"
#include "tests/catch.hpp"

using namespace turnstone;
using namespace turnstone::sync;
using namespace turnstone::crdt;

namespace {

struct Made {
  BatchHeader header;
  std::string bytes;
};

// Two operations of paris, the second with two effects.
Made example(Seq first_seq = 1, bool is_signed = false) {
  BatchBuilder builder;
  builder.begin_operation(hlc_from_ms(1'700'000'000'000));
  builder.add(Put{"greeting", Kind::string, {}, "bonjour"});
  builder.begin_operation(hlc_from_ms(1'700'000'000'250) + 3);
  builder.add(Increment{"visits", Kind::hash, "paris", *FixedDecimal::parse("0.5")});
  builder.add(Clear{"old", true});
  Made made;
  made.header.cluster = 7;
  made.header.origin = Origin{0x0123456789abcdef};
  made.header.first_seq = first_seq;
  made.header.previous_chain = first_seq == 1 ? 0 : 99;
  made.header.region = "paris";
  made.header.deps_changes = {{Origin{5}, 12}, {Origin{6}, 1}};
  REQUIRE(builder.count() == 2);
  made.header.is_signed = is_signed;
  made.bytes = builder.finish(made.header);
  if (is_signed) made.bytes += std::string(64, 's');
  REQUIRE(builder.empty());
  return made;
}

// With the right hash behind it again.
std::string rehashed(std::string bytes) {
  bytes.resize(bytes.size() - 8);
  const std::uint64_t hash = hash64(bytes);
  bytes.append(reinterpret_cast<const char*>(&hash), 8);
  return bytes;
}

std::string with_hash(const std::string& records) { return rehashed(records + std::string(8, 'x')); }

Errc refused(const std::string& bytes) {
  const auto header = decode_batch_header(bytes);
  if (!header) return header.error().code;
  const auto deltas = decode_batch_deltas(*header, bytes);
  REQUIRE(!deltas.has_value());
  return deltas.error().code;
}

std::string hex(std::string_view bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i != 0) text += i % 16 == 0 ? '\n' : ' ';
    text += fmt::format("{:02x}", static_cast<unsigned char>(bytes[i]));
  }
  return text + '\n';
}

}  // namespace

TEST_CASE("batch: what each operation had seen that is stamped again is read back, and told once") {
  VersionVector seen;
  for (std::uint64_t origin = 1; origin <= 1000; ++origin) seen.set(Origin{origin}, origin);
  std::vector<Again> all;
  for (Seq seq = 1; seq <= 50; ++seq) {
    seen.set(Origin{7}, 100 + seq);
    all.push_back({{{Origin{7}, 100 + seq + 1}}, 5, seen});
  }
  all.push_back({{{Origin{8}, 1}}, 6, {{Origin{1}, 1}}});  // it had seen less
  BatchBuilder builder;
  for (const Again& again : all) {
    builder.begin_operation(9);
    builder.add(again);
    builder.add(Clear{"a", false});
  }
  Made made;
  made.header.origin = Origin{77};
  made.header.first_seq = 1;
  made.bytes = builder.finish(made.header);
  CHECK(made.bytes.size() < 8000);
  const auto header = decode_batch_header(made.bytes);
  REQUIRE(header);
  const auto deltas = decode_batch_deltas(*header, made.bytes);
  REQUIRE(deltas);
  REQUIRE(deltas->size() == all.size());
  for (std::size_t i = 0; i < all.size(); ++i) CHECK(deltas->at(i).effects.front() == Effect(all[i]));
}

TEST_CASE("batch: header and deltas are read back as they were written") {
  const Made made = example();
  const auto header = decode_batch_header(made.bytes);
  REQUIRE(header.has_value());
  CHECK(header->cluster == 7);
  CHECK(header->origin == made.header.origin);
  CHECK(header->first_seq == 1);
  CHECK(header->count == 2);
  CHECK(header->last_seq() == 2);
  CHECK(header->region == "paris");
  CHECK(header->deps_changes == made.header.deps_changes);
  CHECK(header->chain == made.header.chain);
  const auto deltas = decode_batch_deltas(*header, made.bytes);
  REQUIRE(deltas.has_value());
  REQUIRE(deltas->size() == 2);
  CHECK((*deltas)[0].stamp == Stamp{made.header.origin, 1});
  CHECK((*deltas)[0].hlc == hlc_from_ms(1'700'000'000'000));
  CHECK((*deltas)[0].effects == std::vector<crdt::Effect>{Put{"greeting", Kind::string, {}, "bonjour"}});
  CHECK((*deltas)[1].stamp.seq == 2);
  CHECK((*deltas)[1].hlc == hlc_from_ms(1'700'000'000'250) + 3);
  CHECK((*deltas)[1].effects ==
        std::vector<crdt::Effect>{Increment{"visits", Kind::hash, "paris", *FixedDecimal::parse("0.5")},
                                  Clear{"old", true}});
}

TEST_CASE("batch: the region is named in an origin's first batch only") {
  const Made made = example(3);
  const auto header = decode_batch_header(made.bytes);
  REQUIRE(header.has_value());
  CHECK(header->region.empty());
  CHECK(header->first_seq == 3);
  CHECK(header->previous_chain == 99);
}

TEST_CASE("batch: the bytes are those of the golden file") {
  std::ifstream file(std::string(TURNSTONE_SOURCE_DIR) + "/tests/sync/golden/batch_version_1.hex");
  REQUIRE(file.good());
  const std::string golden((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  // Stored batches outlive a release: other bytes need another batch_version.
  CHECK(hex(example().bytes) == golden);
}

TEST_CASE("batch: a signed batch is version 2 with the signature behind its hash") {
  const Made made = example(1, true);
  std::ifstream file(std::string(TURNSTONE_SOURCE_DIR) + "/tests/sync/golden/batch_version_2.hex");
  REQUIRE(file.good());
  CHECK(hex(made.bytes) == std::string((std::istreambuf_iterator<char>(file)), {}));
  const auto header = decode_batch_header(made.bytes);
  REQUIRE(header.has_value());
  CHECK(header->is_signed);
  CHECK(header->chain == made.header.chain);
  CHECK(signature_of(made.bytes) == std::string(64, 's'));
  CHECK(signed_part(made.bytes) == std::string_view(made.bytes).substr(0, made.bytes.size() - 64));
  CHECK(decode_batch_deltas(*header, made.bytes)->size() == 2);
  CHECK(!decode_batch_header(example().bytes)->is_signed);
  // Nothing of it can be taken for a batch of the other version.
  for (std::size_t size = 0; size < made.bytes.size(); ++size)
    CHECK(!decode_batch_header(std::string_view(made.bytes).substr(0, size)).has_value());
  std::string unsigned_claim = made.bytes;
  unsigned_claim[1] = 1;
  CHECK(refused(unsigned_claim) == Errc::corrupt);
  std::string signed_claim = example().bytes;
  signed_claim[1] = 2;
  CHECK(refused(signed_claim) == Errc::corrupt);
}

TEST_CASE("batch: a batch cut short at any byte is refused") {
  const std::string bytes = example().bytes;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CHECK(!decode_batch_header(std::string_view(bytes).substr(0, size)).has_value());
  }
}

TEST_CASE("batch: a flipped bit anywhere is noticed") {
  const std::string bytes = example().bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string flipped = bytes;
    flipped[i] = static_cast<char>(flipped[i] ^ 4);
    CHECK(refused(flipped) == Errc::corrupt);
  }
}

TEST_CASE("batch: a cut under a right hash is malformed, but where it only takes effects") {
  const std::string bytes = example().bytes;
  // The last effect of the last operation, [71 "old"], is as if its author had not made it.
  const std::size_t without_last = bytes.size() - 8 - 7;
  for (std::size_t size = 1; size < bytes.size() - 8; ++size) {
    const std::string cut = with_hash(bytes.substr(0, size));
    if (size == without_last) {
      CHECK(decode_batch_deltas(*decode_batch_header(cut), cut).has_value());
    } else {
      CHECK(refused(cut) == Errc::malformed);
    }
  }
}

TEST_CASE("batch: another version is refused by its name") {
  std::string records;
  RecordWriter(records).record(8).uint(3).uint(7).uint(1).uint(1).uint(1).uint(0).uint(0).bytes("paris");
  CHECK(refused(with_hash(records)) == Errc::unsupported_version);
}

TEST_CASE("batch: a header or dependencies out of bounds are malformed") {
  const auto made = [](std::uint64_t seq, std::uint64_t count, const std::string& region, auto write_deps) {
    std::string records;
    RecordWriter out(records);
    out.record(seq == 1 ? 8 : 7).uint(1).uint(7).uint(1).uint(seq).uint(count).uint(0).uint(5);
    if (seq == 1) out.bytes(region);
    write_deps(out);
    out.record(2).uint(8).uint(0);
    return with_hash(records);
  };
  const auto none = [](RecordWriter& out) { out.record(0); };
  REQUIRE(decode_batch_header(made(1, 1, "paris", none)).has_value());
  CHECK(refused(made(0, 1, "", none)) == Errc::malformed);
  CHECK(refused(made(1, 0, "paris", none)) == Errc::malformed);
  CHECK(refused(made(1, 2, "paris", none)) == Errc::malformed);
  CHECK(refused(made(UINT64_MAX, 1, "", none)) == Errc::malformed);
  CHECK(refused(made(1, 1, std::string(65, 'p'), none)) == Errc::malformed);
  CHECK(refused(made(1, 1, "paris", [](RecordWriter& out) { out.record(1).uint(4); })) == Errc::malformed);
  CHECK(refused(made(1, 1, "paris", [](RecordWriter& out) { out.record(2).uint(4).bytes("x"); })) ==
        Errc::malformed);
  CHECK(refused(made(1, 1, "paris", [](RecordWriter& out) {
          out.record(4).uint(4).uint(1).uint(4).uint(2);
        })) == Errc::malformed);
}
