#pragma once
// A log line's text, without the newline. A line stays one line and a JSON line stays
// JSON whatever bytes the message and the fields hold.
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "regions/settings/log.hpp"

namespace turnstone::regions::log {

struct Line {
  std::int64_t unix_ms = 0;
  LogLevel level = LogLevel::info;
  std::string_view region;  // may be empty
  std::string_view message;
  std::span<const Field> fields;
};

// "2025-11-21T10:11:12.345Z"
std::string time_text(std::int64_t unix_ms);

// 2025-11-21T10:11:12.345Z info    peer is up region=paris peer=tokyo ms=12
std::string text_line(const Line& line);
// {"time":"2025-11-21T10:11:12.345Z","level":"info","message":"peer is
// up","region":"paris","peer":"tokyo","ms":12} Bytes that are not UTF-8 become U+FFFD; numbers that JSON does
// not know become null.
std::string json_line(const Line& line);
// Such an object of fields alone, for what --json prints.
std::string json_object(std::span<const Field> fields);

}  // namespace turnstone::regions::log
