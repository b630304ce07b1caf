#include "regions/audit/cli/text.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <clocale>
#include <ctime>
#include <cwchar>

#include "regions/settings/load.hpp"

namespace turnstone::audit {
namespace {

constexpr std::uint64_t second_ms = 1000, minute_ms = 60 * second_ms, hour_ms = 60 * minute_ms,
                        day_ms = 24 * hour_ms;
constexpr std::string_view ellipsis = "…";

bool is_set(const regions::Environment& environment, const std::string& variable) {
  const auto found = environment.find(variable);
  return found != environment.end() && !found->second.empty();
}

// The next character of UTF-8 text; 0 bytes when it is none.
struct Character {
  std::size_t bytes = 0;
  std::uint32_t code = 0;
};
Character character_at(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {1, lead};
  const std::size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < bytes) return {};
  std::uint32_t code = lead & (0xffu >> (bytes + 1));
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3fu);
  }
  const bool overlong = (bytes == 3 && code < 0x800) || (bytes == 4 && code < 0x10000);
  if (overlong || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return {};
  return {bytes, code};
}

// The wide functions ask the locale, which may be "C".
std::size_t columns_of(std::uint32_t code) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): a command line has one thread
  static const bool utf8 = std::setlocale(LC_CTYPE, "C.UTF-8") != nullptr;
  if (!utf8) return 1;
  const int columns = ::wcwidth(static_cast<wchar_t>(code));
  return columns < 0 ? 1 : static_cast<std::size_t>(columns);
}

bool is_shown(const Character& character) {
  return character.bytes > 0 && character.code >= 0x20 && (character.code < 0x7f || character.code >= 0xa0) &&
         // Marks that turn the direction of writing would garble the line.
         !(character.code >= 0x202a && character.code <= 0x202e) &&
         !(character.code >= 0x2066 && character.code <= 0x2069);
}

std::string span_text(std::uint64_t ms) {
  if (ms < 2 * second_ms) return "1 s";
  if (ms < 2 * minute_ms) return fmt::format("{} s", ms / second_ms);
  if (ms < 2 * hour_ms) return fmt::format("{} min", ms / minute_ms);
  if (ms < 2 * day_ms) return fmt::format("{} h", ms / hour_ms);
  return fmt::format("{} d", ms / day_ms);
}

}  // namespace

Terminal terminal(bool no_colours) {
  Terminal out;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  out.now_ms = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
  const bool is_terminal = ::isatty(STDOUT_FILENO) == 1;
  const regions::Environment environment = regions::process_environment();
  const auto kind = environment.find("TERM");
  const bool is_dumb = kind != environment.end() && kind->second == "dumb";
  const bool is_wanted = is_set(environment, "CLICOLOR_FORCE") || (is_terminal && !is_dumb);
  out.colours = !no_colours && !is_set(environment, "NO_COLOR") && is_wanted;
  winsize size{};
  if (is_terminal && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) out.width = size.ws_col;
  if (const auto columns = environment.find("COLUMNS"); columns != environment.end() && out.width == 0) {
    const std::string& text = columns->second;
    std::from_chars(text.data(), text.data() + text.size(), out.width);
  }
  return out;
}

std::string coloured(const Terminal& terminal, Colour colour, std::string_view text) {
  if (!terminal.colours || colour == Colour::plain) return std::string(text);
  constexpr std::array codes{"0", "1", "2", "31", "32", "33", "36"};
  return fmt::format("\x1b[{}m{}\x1b[0m", codes[static_cast<std::size_t>(colour)], text);
}

std::string value_text(std::string_view bytes) {
  std::string out;
  for (std::string_view rest = bytes; !rest.empty();) {
    const Character next = character_at(rest);
    if (next.bytes == 1 && (next.code == '\n' || next.code == '\t')) {
      out += next.code == '\n' ? "\\n" : "\\t";
    } else if (is_shown(next)) {
      out += rest.substr(0, next.bytes);
    } else {
      out = "0x";
      for (const char c : bytes) out += fmt::format("{:02x}", static_cast<unsigned char>(c));
      return out;
    }
    rest.remove_prefix(next.bytes);
  }
  return out;
}

std::size_t width_of(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    const Character next = character_at(text);
    width += next.bytes == 0 ? 1 : columns_of(next.code);
    text.remove_prefix(std::max<std::size_t>(next.bytes, 1));
  }
  return width;
}

std::string fitted(std::string_view text, std::size_t width) {
  if (width_of(text) <= width) return std::string(text);
  std::string out;
  std::size_t used = 0;
  while (!text.empty()) {
    const Character next = character_at(text);
    const std::size_t columns = next.bytes == 0 ? 1 : columns_of(next.code);
    if (used + columns + 1 > width) break;
    out += text.substr(0, std::max<std::size_t>(next.bytes, 1));
    used += columns;
    text.remove_prefix(std::max<std::size_t>(next.bytes, 1));
  }
  return width == 0 ? out : out + std::string(ellipsis);
}

std::string ago(std::uint64_t ms, std::uint64_t now_ms) {
  if (ms > now_ms) return "in " + span_text(ms - now_ms);
  return span_text(now_ms - ms) + " ago";
}

std::optional<std::uint64_t> parse_time(std::string_view text, std::uint64_t now_ms) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (error == std::errc{} && unit.size() <= 1) {
    if (unit.empty()) return number;
    constexpr std::array<std::pair<char, std::uint64_t>, 4> units{
        {{'s', second_ms}, {'m', minute_ms}, {'h', hour_ms}, {'d', day_ms}}};
    for (const auto& [letter, ms] : units) {
      if (letter == unit[0]) return number > now_ms / ms ? 0 : now_ms - number * ms;
    }
    return std::nullopt;
  }
  std::tm time{};
  const std::string zoned(text);
  for (const char* format : {"%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"}) {
    time = {};
    const char* rest = ::strptime(zoned.c_str(), format, &time);
    if (rest == nullptr || *rest != '\0') continue;
    const std::time_t seconds = ::timegm(&time);
    if (seconds >= 0) return static_cast<std::uint64_t>(seconds) * second_ms;
  }
  return std::nullopt;
}

std::string side_text(const crdt::ConflictSide& side, const Author& author) {
  if (side.is_delete) return "deleted";
  if (side.is_increment) return (side.value.starts_with('-') ? "" : "+") + side.value;
  if (author.shown == Shown::redacted) return fmt::format("({} bytes, redacted)", author.value_bytes);
  if (side.kind == crdt::Kind::set) return "a member";
  const std::string text = value_text(side.value);
  if (author.shown == Shown::truncated)
    return fmt::format("{}{} ({} bytes)", text, ellipsis, author.value_bytes);
  return side.value.empty() ? "(empty)" : text;
}

}  // namespace turnstone::audit
