#include "sync/batch.hpp"

#include <cstring>
#include <utility>

#include "core/hash.hpp"
#include "sync/signatures.hpp"

namespace turnstone::sync {
namespace {

constexpr std::size_t hash_bytes = 8;
constexpr std::size_t region_bytes_max = 64;
// Items of the head: those that say where the batch stands, and all of an origin's first one.
constexpr std::uint32_t place_items = 5;
constexpr std::uint32_t first_batch_items = 8;

std::uint64_t read_hash(std::string_view bytes) {
  std::uint64_t hash = 0;
  std::memcpy(&hash, bytes.data() + bytes.size() - hash_bytes, hash_bytes);
  return hash;
}

std::string_view without_hash(std::string_view bytes) { return bytes.substr(0, bytes.size() - hash_bytes); }

// The version is the batch's second byte. Where the hash is depends on it, so it is looked at
// before anything can be believed; a wrong one makes the hash wrong.
bool claims_signature(std::string_view bytes) {
  return bytes.size() > signature_bytes && bytes[1] == static_cast<char>(batch_version_signed);
}

// The records and their hash.
std::string_view without_signature(std::string_view bytes) {
  return claims_signature(bytes) ? signed_part(bytes) : bytes;
}

Error malformed(std::string what) { return {Errc::malformed, "a batch " + std::move(what)}; }

// Reads the two leading records; leaves the reader before the first effect.
Result<BatchHeader> read_header(RecordReader& in) {
  if (!in.next()) return tl::make_unexpected(malformed("has no header"));
  if (in.uint(0) != batch_version && in.uint(0) != batch_version_signed) {
    return fail(Errc::unsupported_version, "a batch has version " + std::to_string(in.uint(0)));
  }
  BatchHeader header;
  header.is_signed = in.uint(0) == batch_version_signed;
  header.cluster = in.uint(1);
  header.origin = Origin{in.uint(2)};
  header.first_seq = in.uint(3);
  header.count = in.uint(4);
  header.previous_chain = in.uint(5);
  header.hlc_base = in.uint(6);
  if (header.first_seq == 1) header.region = in.bytes(7);
  const std::uint32_t items = header.first_seq == 1 ? first_batch_items : first_batch_items - 1;
  if (in.malformed() || in.size() != items || header.first_seq == 0 || header.count == 0 ||
      header.count > UINT32_MAX || header.region.size() > region_bytes_max ||
      header.first_seq > UINT64_MAX - header.count) {
    return tl::make_unexpected(malformed("has a wrong header"));
  }
  if (!in.next() || in.size() % 2 != 0) return tl::make_unexpected(malformed("has no dependencies"));
  for (std::uint32_t i = 0; i < in.size(); i += 2) {
    const VersionVector::Entry entry{Origin{in.uint(i)}, in.uint(i + 1)};
    if (!header.deps_changes.empty() && entry.first <= header.deps_changes.back().first) {
      return tl::make_unexpected(malformed("has dependencies out of order"));
    }
    header.deps_changes.push_back(entry);
  }
  if (in.malformed()) return tl::make_unexpected(malformed("has wrong dependencies"));
  return header;
}

}  // namespace

std::string_view signed_part(std::string_view bytes) {
  return bytes.substr(0, bytes.size() - signature_bytes);
}

std::string_view signature_of(std::string_view bytes) { return bytes.substr(bytes.size() - signature_bytes); }

Result<BatchHeader> decode_batch_header(std::string_view bytes) {
  bytes = without_signature(bytes);
  if (bytes.size() <= hash_bytes) return tl::make_unexpected(malformed("is too short"));
  const std::uint64_t hash = read_hash(bytes);
  if (hash64(without_hash(bytes)) != hash) return fail(Errc::corrupt, "a batch does not match its hash");
  RecordReader in(without_hash(bytes));
  auto header = read_header(in);
  if (header) header->chain = hash;
  return header;
}

Result<BatchHeader> decode_batch_place(std::string_view bytes) {
  for (const bool is_signed : {false, true}) {
    const std::size_t behind = hash_bytes + (is_signed ? signature_bytes : 0);
    if (bytes.size() <= behind) continue;
    const std::string_view hashed = is_signed ? signed_part(bytes) : bytes;
    if (hash64(without_hash(hashed)) != read_hash(hashed)) continue;
    RecordReader in(without_hash(hashed));
    if (!in.next() || in.size() < place_items) break;
    BatchHeader place;
    place.is_signed = is_signed;
    place.cluster = in.uint(1);
    place.origin = Origin{in.uint(2)};
    place.first_seq = in.uint(3);
    place.count = in.uint(4);
    if (place.first_seq == 1 && in.size() >= first_batch_items) place.region = in.bytes(7);
    const bool placed = !in.malformed() && place.first_seq != 0 && place.count != 0 &&
                        place.count <= UINT32_MAX && place.first_seq <= UINT64_MAX - place.count &&
                        place.region.size() <= region_bytes_max;
    if (placed) return place;
    break;
  }
  return tl::make_unexpected(malformed("names no place"));
}

Result<std::vector<BatchDelta>> decode_batch_deltas(const BatchHeader& header, std::string_view bytes) {
  RecordReader in(without_hash(without_signature(bytes)));
  if (auto again = read_header(in); !again) return tl::make_unexpected(again.error());
  std::vector<BatchDelta> deltas;
  Hlc hlc = header.hlc_base;
  VersionVector as_of;
  while (in.next()) {
    crdt::DecodedEffect decoded = crdt::decode_effect(in);
    if (in.malformed() || (deltas.empty() && !decoded.first)) break;
    if (auto* again = std::get_if<crdt::Again>(&decoded.effect)) {
      if (std::exchange(again->since_before, false)) again->as_of.join(as_of);
      as_of = again->as_of;
    }
    if (decoded.first) {
      hlc += decoded.hlc_step;
      deltas.push_back({{header.origin, header.first_seq + deltas.size()}, hlc, {}});
    }
    deltas.back().effects.push_back(std::move(decoded.effect));
  }
  if (in.malformed() || deltas.size() != header.count) {
    return tl::make_unexpected(malformed("has effects that cannot be read"));
  }
  return deltas;
}

void BatchBuilder::begin_operation(Hlc hlc) {
  if (count_ == 0) base_ = previous_ = hlc;
  step_ = hlc - previous_;
  previous_ = hlc;
  ++count_;
  first_effect_ = true;
}

void BatchBuilder::add(const crdt::Effect& effect) {
  RecordWriter out(effects_);
  const auto write = [&](const crdt::Effect& each) {
    crdt::encode(each, std::exchange(first_effect_, false), step_, out);
  };
  const auto* again = std::get_if<crdt::Again>(&effect);
  if (again == nullptr) return write(effect);
  // One had mostly seen what the one before it had: a vector that names every run that ever was.
  crdt::Again shorter = *again;
  shorter.since_before = as_of_ && again->as_of.covers(*as_of_);
  if (shorter.since_before) {
    shorter.as_of = {};
    for (const auto& [origin, seq] : again->as_of.since(*as_of_)) shorter.as_of.set(origin, seq);
  }
  as_of_ = again->as_of;
  write(shorter);
}

std::string BatchBuilder::finish(BatchHeader& header) {
  header.count = std::exchange(count_, 0);
  as_of_.reset();
  header.hlc_base = base_;
  std::string bytes;
  bytes.reserve(effects_.size() + 96 + signature_bytes + header.deps_changes.size() * 18);
  RecordWriter out(bytes);
  out.record(header.first_seq == 1 ? 8 : 7)
      .uint(header.is_signed ? batch_version_signed : batch_version)
      .uint(header.cluster)
      .uint(static_cast<std::uint64_t>(header.origin))
      .uint(header.first_seq)
      .uint(header.count)
      .uint(header.previous_chain)
      .uint(header.hlc_base);
  if (header.first_seq == 1) out.bytes(header.region);
  out.record(static_cast<std::uint32_t>(header.deps_changes.size() * 2));
  for (const auto& [origin, seq] : header.deps_changes)
    out.uint(static_cast<std::uint64_t>(origin)).uint(seq);
  bytes += effects_;
  effects_.clear();
  header.chain = hash64(bytes);
  bytes.append(reinterpret_cast<const char*>(&header.chain), hash_bytes);
  return bytes;
}

}  // namespace turnstone::sync
