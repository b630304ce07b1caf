#include "core/ids.hpp"

#include <fmt/format.h>

namespace turnstone {

std::string to_string(Origin origin) { return fmt::format("{:016x}", static_cast<std::uint64_t>(origin)); }

std::string to_string(Stamp stamp) { return fmt::format("{}:{}", to_string(stamp.origin), stamp.seq); }

}  // namespace turnstone
