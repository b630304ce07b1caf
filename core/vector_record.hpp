#pragma once
// A version vector as one record, [origin seq origin seq ...], on the wire and on disk.
#include "core/record.hpp"
#include "core/version_vector.hpp"

namespace turnstone {

void write_vector(RecordWriter& out, const VersionVector& vector);

// The next record of `in`, which is marked malformed when it is no vector: odd, not in
// ascending order, or with a 0.
VersionVector read_vector(RecordReader& in);

}  // namespace turnstone
