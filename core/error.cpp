#include "core/error.hpp"

#include <cstdio>
#include <cstdlib>

namespace turnstone {

std::string_view name(Errc code) {
  switch (code) {
    case Errc::malformed:
      return "malformed";
    case Errc::limit_exceeded:
      return "limit_exceeded";
    case Errc::unsupported_version:
      return "unsupported_version";
    case Errc::wrong_cluster:
      return "wrong_cluster";
    case Errc::corrupt:
      return "corrupt";
    case Errc::io:
      return "io";
    case Errc::config:
      return "config";
    case Errc::in_use:
      return "in_use";
    case Errc::merge_failed:
      return "merge_failed";
  }
  return "unknown";
}

void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "turnstone: broken invariant %s at %s:%d\n", condition, file, line);
  std::abort();
}

}  // namespace turnstone
