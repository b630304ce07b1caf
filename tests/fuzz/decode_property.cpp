#include <string>
#include <string_view>

#include "core/error.hpp"
#include "core/hash.hpp"
#include "crdt/cell_image.hpp"
#include "crdt/conflict.hpp"
#include "sync/batch.hpp"
#include "sync/message.hpp"
#include "tests/fuzz/decode_fuzz.hpp"

namespace turnstone::fuzz {
namespace {

constexpr std::uint64_t cluster = 7;

std::string with_hash(std::string_view bytes, std::uint64_t hash) {
  std::string sealed(bytes);
  sealed.append(reinterpret_cast<const char*>(&hash), sizeof hash);
  return sealed;
}

void check_message(std::string_view bytes) {
  const auto message = sync::decode_message(cluster, bytes);
  if (!message) return;
  const std::string again = sync::encode(cluster, message->region, message->body);
  const auto twice = sync::decode_message(cluster, again);
  TURNSTONE_CHECK(twice.has_value());
  TURNSTONE_CHECK(sync::encode(cluster, twice->region, twice->body) == again);
}

void check_effects(std::string_view bytes) {
  RecordReader in(bytes);
  while (in.next()) {
    const crdt::DecodedEffect decoded = crdt::decode_effect(in);
    if (in.malformed()) return;
    std::string again;
    RecordWriter out(again);
    crdt::encode(decoded.effect, decoded.first, decoded.hlc_step, out);
    RecordReader in_again(again);
    TURNSTONE_CHECK(in_again.next());
    TURNSTONE_CHECK(crdt::decode_effect(in_again).effect == decoded.effect);
    TURNSTONE_CHECK(!in_again.malformed());
  }
}

// As it is, and with the hash that would let it through.
void check_batch(std::string_view bytes) {
  const std::string_view records = bytes.substr(0, bytes.size() - (bytes.size() > 8 ? 8 : 0));
  for (const std::string& batch : {std::string(bytes), with_hash(records, hash64(records))}) {
    const auto header = sync::decode_batch_header(batch);
    if (!header) continue;
    const auto deltas = sync::decode_batch_deltas(*header, batch);
    if (!deltas) continue;
    TURNSTONE_CHECK(deltas->size() == header->count);
    for (const auto& delta : *deltas) TURNSTONE_CHECK(!delta.effects.empty());
  }
}

void check_image(std::string_view bytes) {
  const crdt::CellName name{"key", "field", crdt::Kind::hash};
  const std::uint64_t hash =
      hash64(bytes, hash64(name.key, hash64(name.field, static_cast<std::uint64_t>(name.kind))));
  const auto cell = crdt::decode_image({name, with_hash(bytes, hash)});
  if (!cell) return;
  const crdt::CellImage again = crdt::image_of(name, &*cell);
  const auto twice = crdt::decode_image(again);
  TURNSTONE_CHECK(twice.has_value());
  TURNSTONE_CHECK(crdt::image_of(name, &*twice) == again);
}

void check_conflict(std::string_view bytes) {
  const auto conflict = crdt::decode_conflict(bytes);
  if (!conflict) return;
  const auto twice = crdt::decode_conflict(crdt::encode_conflict(*conflict));
  TURNSTONE_CHECK(twice.has_value());
  TURNSTONE_CHECK(*twice == *conflict);
}

}  // namespace

void check_decoders(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check_message(bytes);
  check_effects(bytes);
  check_batch(bytes);
  check_image(bytes);
  check_conflict(bytes);
}

}  // namespace turnstone::fuzz
