#include "regions/commands/scan.hpp"

#include <charconv>

#include "core/glob.hpp"
#include "regions/commands/values.hpp"

namespace turnstone::commands {

bool ScanOptions::matches(std::string_view name) const { return !match || glob_match(*match, name); }

std::optional<std::uint64_t> cursor_argument(Call& call, std::string_view text) {
  std::uint64_t cursor = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), cursor);
  if (error == std::errc{} && end == text.data() + text.size()) return cursor;
  call.reply.error("ERR invalid cursor");
  return std::nullopt;
}

std::optional<ScanOptions> scan_options(Call& call, Args options, ScanOf what) {
  ScanOptions parsed;
  for (std::size_t i = 0; i < options.size(); i += 2) {
    const bool has_value = i + 1 < options.size();
    if (has_value && is_word(options[i], "count")) {
      const auto count = integer_argument(call, options[i + 1]);
      if (!count) return std::nullopt;
      if (*count >= 1) {
        parsed.count = static_cast<std::size_t>(*count);
        continue;
      }
    } else if (has_value && is_word(options[i], "match")) {
      parsed.match = options[i + 1];
      continue;
    } else if (has_value && what == ScanOf::keys && is_word(options[i], "type")) {
      parsed.type = options[i + 1];
      continue;
    }
    call.reply.error(syntax_error);
    return std::nullopt;
  }
  return parsed;
}

void begin_scan_reply(Call& call, std::uint64_t next_cursor, std::size_t elements) {
  call.reply.array(2);
  call.reply.bulk(std::to_string(next_cursor));
  call.reply.array(elements);
}

FieldsPage scan_fields(const crdt::Fields& fields, std::uint64_t cursor, const ScanOptions& options) {
  FieldsPage page;
  const std::size_t count = fields.size() <= scan_whole_max ? fields.size() : options.count;
  const auto end = fields.map().end();
  auto at = fields.from(cursor);
  std::size_t seen = 0;
  std::uint64_t last_position = 0;
  for (; at != end && (seen < count || at->first.position == last_position); ++at, ++seen) {
    last_position = at->first.position;
    if (options.matches(at->first.field)) page.fields.push_back(at);
  }
  if (at != end) page.next_cursor = at->first.position;
  return page;
}

}  // namespace turnstone::commands
