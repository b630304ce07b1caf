#pragma once
// What can go wrong because of a peer, a disk, a user or bytes. Our own broken
// promises are not errors: they are TURNSTONE_CHECKs, which stay on in release.
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace turnstone {

enum class Errc {
  malformed,            // bytes that do not follow their grammar
  limit_exceeded,       // a named limit was reached
  unsupported_version,  // a format of another release
  wrong_cluster,        // a peer, file or frame of another cluster or region
  corrupt,              // a checksum does not match
  io,                   // the operating system refused a read, write or sync
  config,               // a setting is missing, unknown or out of range
  in_use,               // a lock is held by another process
  merge_failed,         // a merge function gave no value for these siblings
};

std::string_view name(Errc code);

struct Error {
  Errc code;
  std::string message;  // one sentence for a person, with the name of the thing
};

template <class T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(Errc code, std::string message) {
  return tl::make_unexpected(Error{code, std::move(message)});
}

// Ends the process with the place and the reason: state that breaks an invariant
// must not be served, stored or replicated (I12).
[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace turnstone

#define TURNSTONE_CHECK(condition) \
  ((condition) ? void(0) : ::turnstone::check_failed(#condition, __FILE__, __LINE__))
