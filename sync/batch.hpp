#pragma once
// A batch: the deltas of one group commit of one origin. What is stored is what is
// published, pulled, relayed and replayed: encoded once, never again.
//
// Bytes: records, then 8 bytes (little endian) of hash over all of them. Version 2 is version 1
// with 64 bytes of signature behind them, by the origin's region, over all the bytes before.
//   [version cluster origin first_seq count previous_chain hlc_base (region, if first_seq is 1)]
//   [origin seq origin seq ...]      deps: what changed in the origin's context since its
//                                    previous batch, its own entry left out
//   effects                          see crdt/effect.hpp; hlc steps from the delta before
// The hash is the origin's chain after this batch: it covers previous_chain, so it stands
// for the whole history (fork and corruption tripwire).
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/version_vector.hpp"
#include "crdt/effect.hpp"

namespace turnstone::sync {

inline constexpr std::uint64_t batch_version = 1;
inline constexpr std::uint64_t batch_version_signed = 2;

struct BatchHeader {
  std::uint64_t cluster = 0;
  Origin origin{};
  Seq first_seq = 0;
  std::uint64_t count = 0;
  std::uint64_t previous_chain = 0;
  Hlc hlc_base = 0;
  std::string region;  // with first_seq 1 only
  std::vector<VersionVector::Entry> deps_changes;
  std::uint64_t chain = 0;  // the hash behind the records
  bool is_signed = false;   // a signature follows the hash

  Seq last_seq() const { return first_seq + count - 1; }
};

struct BatchDelta {
  Stamp stamp;
  Hlc hlc = 0;
  std::vector<crdt::Effect> effects;  // views into the batch's bytes
};

// Checks the hash, the version and the header; does not look at the deltas.
// Errors: malformed, corrupt, unsupported_version.
Result<BatchHeader> decode_batch_header(std::string_view bytes);
// Where a batch stands that decode_batch_header() refused though it is whole: one of a later
// version, say. The head of a batch means the same in every version, and so does a signature
// behind the hash. Errors: malformed, corrupt.
Result<BatchHeader> decode_batch_place(std::string_view bytes);
// The deltas of a batch whose header was decoded. Errors: malformed.
Result<std::vector<BatchDelta>> decode_batch_deltas(const BatchHeader& header, std::string_view bytes);

// Of a batch whose header was decoded and is_signed.
std::string_view signed_part(std::string_view bytes);
std::string_view signature_of(std::string_view bytes);

// Gathers the deltas of the open batch.
class BatchBuilder {
 public:
  bool empty() const { return count_ == 0; }
  std::uint64_t count() const { return count_; }
  std::size_t bytes() const { return effects_.size(); }

  void begin_operation(Hlc hlc);
  void add(const crdt::Effect& effect);
  // `header` without count, hlc_base and chain, which the builder knows; returns the bytes
  // and leaves the builder empty. The chain is set in the header. When is_signed is set, the
  // caller appends the signature.
  std::string finish(BatchHeader& header);

 private:
  std::string effects_;
  std::uint64_t count_ = 0;
  Hlc base_ = 0;
  Hlc previous_ = 0;
  Hlc step_ = 0;
  bool first_effect_ = false;
  std::optional<VersionVector> as_of_;  // of the newest operation that is stamped again
};

}  // namespace turnstone::sync
