#include "core/vector_record.hpp"

namespace turnstone {

void write_vector(RecordWriter& out, const VersionVector& vector) {
  out.record(static_cast<std::uint32_t>(vector.entries().size() * 2));
  for (const auto& [origin, seq] : vector.entries()) out.uint(static_cast<std::uint64_t>(origin)).uint(seq);
}

VersionVector read_vector(RecordReader& in) {
  VersionVector vector;
  if (!in.next() || in.size() % 2 != 0) in.mark_malformed();
  for (std::uint32_t i = 0; i < in.size() && !in.malformed(); i += 2) {
    const Origin origin{in.uint(i)};
    const Seq seq = in.uint(i + 1);
    // Ascending order also keeps the insertion at the end, whatever a peer sends.
    if (seq == 0 || (!vector.empty() && origin <= vector.entries().back().first)) in.mark_malformed();
    vector.set(origin, seq);
  }
  return vector;
}

}  // namespace turnstone
