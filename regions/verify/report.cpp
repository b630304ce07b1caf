#include "regions/verify/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "regions/settings/columns.hpp"
#include "regions/settings/log_line.hpp"

namespace turnstone::verify {
namespace {

using regions::log::Field;

// For a terminal: one line, whatever the bytes.
std::string printable(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    if (c >= ' ' && c < '\x7f' && c != '\\') {
      out += c;
    } else {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

std::string written(const RowId& id, Hlc hlc) {
  return fmt::format("by {}.{} at {}", to_string(id.operation), id.index, hlc_ms(hlc));
}

std::string hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) fmt::format_to(std::back_inserter(out), "{:02x}", static_cast<unsigned char>(c));
  return out;
}

}  // namespace

std::string text_of(const crdt::CellName& name, const std::string& bytes) {
  if (bytes.empty()) return "-";
  const auto cell = crdt::decode_image({name, bytes});
  if (!cell) return "cannot be read: " + cell.error().message;
  std::string out;
  const auto separator = [&] { return out.empty() ? "" : "; "; };
  for (const crdt::Row& row : cell->siblings()) {
    out += fmt::format("{}\"{}\" {}", separator(), printable(row.value), written(row.id, row.hlc));
  }
  if (const crdt::Counter* counter = cell->counter()) {
    out += fmt::format("{}total {}, newest {}", separator(), counter->total.to_string(),
                       written(counter->newest, counter->newest_hlc));
  }
  return out;
}

void print_table(const std::vector<RowReport>& rows) {
  std::vector<std::vector<std::string>> lines{{"BUCKET", "KEY", "KIND", "FIELD", "REGION", "HOLDS"}};
  for (const RowReport& row : rows) {
    bool first = true;
    for (const auto& [region, bytes] : row.holders) {
      // A row's name stands once.
      const auto once = [&](std::string text) { return first ? std::move(text) : std::string(); };
      lines.push_back({once(std::to_string(row.bucket)), once(printable(row.name.key)),
                       once(std::string(crdt::name(row.name.kind))), once(printable(row.name.field)), region,
                       text_of(row.name, bytes)});
      first = false;
    }
  }
  fmt::print("{}", regions::columns(lines));
}

void print_json(const RowReport& row) {
  std::vector<std::string> texts;
  texts.reserve(row.holders.size());
  for (const auto& [region, bytes] : row.holders) texts.push_back(text_of(row.name, bytes));
  std::vector<Field> fields{{"bucket", row.bucket},
                            {"key", row.name.key},
                            {"kind", crdt::name(row.name.kind)},
                            {"field", row.name.field}};
  for (std::size_t i = 0; i < texts.size(); ++i) {
    fields.emplace_back(row.holders[i].first, texts[i]);
  }
  fmt::print("{}\n", regions::log::json_object(fields));
}

std::string kept_line(const std::string& region, std::size_t bucket, const crdt::CellName& name,
                      const std::string& bytes) {
  const std::string text = text_of(name, bytes);
  const std::string key = hex(name.key);
  const std::string field = hex(name.field);
  const std::string image = hex(bytes);
  const std::vector<Field> fields{
      {"region", region},    {"bucket", bucket}, {"key", name.key}, {"kind", crdt::name(name.kind)},
      {"field", name.field}, {"held", text},     {"key_hex", key},  {"field_hex", field},
      {"image_hex", image}};
  return regions::log::json_object(fields);
}

}  // namespace turnstone::verify
