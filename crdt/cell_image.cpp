#include "crdt/cell_image.hpp"

#include <cstring>

namespace turnstone::crdt {
namespace {

enum Tag : std::uint64_t { sibling = 1, counter_total = 2, contribution = 3, replaced_value = 4 };

// Begins [tag origin seq index hlc ...]; every record has one more item. Of a replaced value the
// hash of its rows is in the place of the clock.
RecordWriter& begin(RecordWriter& out, Tag tag, const RowId& id, std::uint64_t hlc) {
  return out.record(6)
      .uint(tag)
      .uint(static_cast<std::uint64_t>(id.operation.origin))
      .uint(id.operation.seq)
      .uint(id.index)
      .uint(hlc);
}

RowId read_id(RecordReader& in) {
  return {{Origin{in.uint(1)}, in.uint(2)}, static_cast<std::uint32_t>(in.uint(3))};
}

std::uint64_t checksum(const CellName& name, std::string_view bytes) {
  return hash64(bytes, hash64(name.key, hash64(name.field, static_cast<std::uint64_t>(name.kind))));
}

}  // namespace

// Fills the private parts of a cell from its records.
struct CellDecoder {
  Cell cell;

  bool read(std::string_view bytes) {
    RecordReader in(bytes);
    while (in.next()) {
      const std::uint64_t tag = in.uint(0);
      if (tag == sibling) {
        cell.siblings_.push_back({read_id(in), in.uint(4), std::string(in.bytes(5))});
      } else if (tag == counter_total && !cell.counter_) {
        cell.counter_ = std::make_unique<Counter>();
        cell.counter_->newest = read_id(in);
        cell.counter_->newest_hlc = in.uint(4);
        cell.counter_->total = in.decimal(5);
      } else if (tag == contribution && cell.counter_) {
        cell.counter_->unstable.push_back({read_id(in), in.uint(4), in.decimal(5)});
      } else if (tag == replaced_value) {
        if (!cell.replaced_) cell.replaced_ = std::make_unique<std::vector<ReplacedValue>>();
        cell.replaced_->push_back({read_id(in), in.uint(4), std::string(in.bytes(5))});
      } else {
        return false;
      }
    }
    return !in.malformed() && !cell.empty();
  }
};

namespace {

void write_cell(const Cell& cell, CellPart part, RecordWriter& out) {
  for (const Row& row : cell.siblings()) {
    begin(out, sibling, row.id, row.hlc).bytes(row.value);
  }
  for (const ReplacedValue& replaced : cell.replaced()) {
    begin(out, replaced_value, replaced.row, replaced.rows).bytes(replaced.value);
  }
  if (const Counter* counter = cell.counter()) {
    begin(out, counter_total, counter->newest, counter->newest_hlc).decimal(counter->total);
    if (part == CellPart::state) return;
    for (const Contribution& c : counter->unstable) begin(out, contribution, c.id, c.hlc).decimal(c.amount);
  }
}

}  // namespace

std::string encode_cell(const Cell& cell, CellPart part) {
  std::string bytes;
  RecordWriter out(bytes);
  write_cell(cell, part, out);
  return bytes;
}

Hash128 digest_of(std::string_view key, Kind kind, std::string_view field, const Cell& cell) {
  std::string bytes;
  RecordWriter out(bytes);
  out.record(3).bytes(key).uint(static_cast<std::uint64_t>(kind)).bytes(field);
  write_cell(cell, CellPart::state, out);
  return hash128(bytes);
}

CellImage image_of(const CellName& name, const Cell* cell, CellPart part) {
  if (cell == nullptr || cell->empty()) return {name, {}};
  std::string bytes = encode_cell(*cell, part);
  const std::uint64_t sum = checksum(name, bytes);
  bytes.append(reinterpret_cast<const char*>(&sum), sizeof sum);
  return {name, std::move(bytes)};
}

Result<Cell> decode_image(const CellImage& image) {
  std::uint64_t stored = 0;
  if (image.bytes.size() < sizeof stored) return fail(Errc::malformed, "a stored cell is too short");
  const std::string_view bytes(image.bytes.data(), image.bytes.size() - sizeof stored);
  std::memcpy(&stored, image.bytes.data() + bytes.size(), sizeof stored);
  if (stored != checksum(image.name, bytes)) {
    return fail(Errc::corrupt, "the stored cell of key '" + image.name.key + "' does not match its checksum");
  }
  CellDecoder decoder;
  if (!decoder.read(bytes)) {
    return fail(Errc::malformed, "the stored cell of key '" + image.name.key + "' cannot be read");
  }
  return std::move(decoder.cell);
}

}  // namespace turnstone::crdt
