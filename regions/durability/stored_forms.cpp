#include "regions/durability/stored_forms.hpp"

#include "core/record.hpp"
#include "core/vector_record.hpp"

namespace turnstone::durability {

std::string encode_origin(const sync::OriginState& state) {
  std::string bytes;
  RecordWriter out(bytes);
  out.record(static_cast<std::uint32_t>(3 + 2 * state.deps.entries().size()));
  out.bytes(state.region).uint(state.seq).uint(state.chain);
  for (const auto& [origin, seq] : state.deps.entries()) {
    out.uint(static_cast<std::uint64_t>(origin)).uint(seq);
  }
  return bytes;
}

Result<sync::OriginState> decode_origin(std::string_view bytes) {
  RecordReader in(bytes);
  in.next();
  sync::OriginState state{std::string(in.bytes(0)), in.uint(1), in.uint(2), {}};
  for (std::uint32_t i = 3; i < in.size(); i += 2) state.deps.set(Origin{in.uint(i)}, in.uint(i + 1));
  if (in.malformed() || in.offset() != bytes.size()) {
    return fail(Errc::malformed, "the stored state of an origin cannot be read");
  }
  return state;
}

std::string encode_vector(const VersionVector& vector) {
  std::string bytes;
  RecordWriter out(bytes);
  write_vector(out, vector);
  return bytes;
}

Result<VersionVector> decode_vector(std::string_view bytes) {
  RecordReader in(bytes);
  VersionVector vector = read_vector(in);
  if (in.malformed() || in.offset() != bytes.size()) {
    return fail(Errc::malformed, "a stored version vector cannot be read");
  }
  return vector;
}

std::string encode_protocol(const sync::Checkpoint& checkpoint) {
  const std::string closings = checkpoint.closings.encode();
  const std::string members = checkpoint.members.encode();
  const std::string returned = checkpoint.returned.encode();
  std::string bytes;
  RecordWriter(bytes).record(3).bytes(closings).bytes(members).bytes(returned);
  return bytes + encode_vector(checkpoint.forgotten);
}

Result<StoredProtocol> decode_protocol(std::string_view bytes) {
  RecordReader in(bytes);
  in.next();
  auto closings = sync::Closings::decode(in.bytes(0));
  if (in.malformed()) return fail(Errc::malformed, "the protocol's part of a stored position cannot be read");
  if (!closings) return tl::make_unexpected(closings.error());
  auto members = sync::Members::decode(in.bytes(1));
  if (!members) return tl::make_unexpected(members.error());
  // Of the first releases it has two items.
  auto returned = sync::Returned::decode(in.size() < 3 ? std::string_view() : in.bytes(2));
  if (!returned) return tl::make_unexpected(returned.error());
  auto forgotten = decode_vector(bytes.substr(in.offset()));
  if (!forgotten) return tl::make_unexpected(forgotten.error());
  return StoredProtocol{std::move(*closings), std::move(*members), std::move(*returned),
                        std::move(*forgotten)};
}

storage::StoredCell to_stored(const crdt::CellImage& image) {
  return {image.name.key, static_cast<std::uint8_t>(image.name.kind), image.name.field, image.bytes};
}

crdt::CellImage from_stored(const storage::StoredCell& cell) {
  return {{std::string(cell.key), std::string(cell.field), static_cast<crdt::Kind>(cell.kind)},
          std::string(cell.image)};
}

storage::StateChange to_stored(const CheckpointWork& work) {
  storage::StateChange change;
  change.position = {work.checkpoint.lsn, work.checkpoint.hlc, encode_protocol(work.checkpoint)};
  change.cells.reserve(work.cells.size());
  for (const crdt::CellImage& image : work.cells) change.cells.push_back(to_stored(image));
  for (const auto& [origin, state] : work.checkpoint.origins) {
    change.origins.push_back({origin, encode_origin(state)});
  }
  return change;
}

}  // namespace turnstone::durability
