#pragma once
// How a leader gets a copy of another one's state, when the log no longer holds what it lacks.
// Frames begin as all others do (sync/message.hpp) and travel the way of pulls and pages.
//   16 ask for a copy  [16 v c r request] [vector]
//   17 offer           [17 v c r request status copy bytes hash text] [vector]
//   18 ask for pages   [18 v c r copy offset count]
//   19 copy page       [19 v c r copy offset hash] [bytes]
// A page holds mirror_page_bytes, the last one what is left. Its hash is XXH3 with its offset
// as the seed; that of the copy is the chain of XXH3 over its pages, each with the hash before
// it as the seed.
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "core/error.hpp"
#include "core/version_vector.hpp"

namespace turnstone::sync {

inline constexpr std::uint64_t mirror_page_bytes = 256 * 1024;

// Of what the asker has durably: a copy that lacked some of it would lose it.
struct CopyWanted {
  std::uint64_t request = 0;
  VersionVector have;
  friend bool operator==(const CopyWanted&, const CopyWanted&) = default;
};

enum class CopyStatus : std::uint8_t {
  ready,
  wait,     // it is being made, or another asker's is in use: ask again
  behind,   // the asked leader lacks some of what the asker has
  refused,  // for the reason in the text
  gone,     // pages were asked of a copy that is no more
};

struct CopyOffer {
  std::uint64_t request = 0;
  CopyStatus status = CopyStatus::wait;
  std::uint64_t copy = 0;  // names it; when ready or gone
  std::uint64_t bytes = 0;
  std::uint64_t hash = 0;
  std::string text;
  VersionVector vector;  // what the copy is the state of
  friend bool operator==(const CopyOffer&, const CopyOffer&) = default;
};

struct PagesWanted {
  std::uint64_t copy = 0;
  std::uint64_t offset = 0;  // of the first page, in bytes
  std::uint64_t count = 0;
  friend bool operator==(const PagesWanted&, const PagesWanted&) = default;
};

struct CopyPage {
  std::uint64_t copy = 0;
  std::uint64_t offset = 0;
  std::string bytes;
  friend bool operator==(const CopyPage&, const CopyPage&) = default;
};

using MirrorBody = std::variant<CopyWanted, CopyOffer, PagesWanted, CopyPage>;

struct MirrorMessage {
  std::string region;
  MirrorBody body;
};

// Whether a frame is one of these. Cheap.
bool is_mirror_frame(std::string_view frame);
std::string encode_mirror(std::uint64_t cluster, std::string_view region, const MirrorBody& body);
// Errors: malformed (also when a page does not match its hash), unsupported_version,
// wrong_cluster.
Result<MirrorMessage> decode_mirror(std::uint64_t cluster, std::string_view frame);

}  // namespace turnstone::sync
