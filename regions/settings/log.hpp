#pragma once
// The log: one line per event on stderr, with named fields instead of words glued into
// sentences: log::info("peer is up", {{"peer", name}, {"ms", 12}}). Any thread may call.
// A write to a stderr that nobody reads blocks, as with any program.
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

#include "regions/settings/settings.hpp"

namespace turnstone::regions::log {

using Value = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;

// Borrows its texts for the length of the call.
struct Field {
  std::string_view name;
  Value value;

  Field(std::string_view field, std::string_view text) : name(field), value(text) {}
  Field(std::string_view field, const std::string& text) : name(field), value(std::string_view(text)) {}
  Field(std::string_view field, const char* text) : name(field), value(std::string_view(text)) {}
  Field(std::string_view field, bool flag) : name(field), value(flag) {}
  Field(std::string_view field, double number) : name(field), value(number) {}
  template <std::signed_integral T>
  Field(std::string_view field, T number) : name(field), value(static_cast<std::int64_t>(number)) {}
  template <std::unsigned_integral T>
  Field(std::string_view field, T number) : name(field), value(static_cast<std::uint64_t>(number)) {}
};

using Fields = std::initializer_list<Field>;

// Before the first thread starts. Every line then names the region. Until it is called:
// level info, format automatic, no region.
void setup(LogLevel level, LogFormat format, const std::string& region);

void trace(std::string_view message, Fields fields = {});
void debug(std::string_view message, Fields fields = {});
void info(std::string_view message, Fields fields = {});
void warning(std::string_view message, Fields fields = {});
void error(std::string_view message, Fields fields = {});

// Whether a line of this level would be written: for fields that cost something to make.
bool enabled(LogLevel level);

}  // namespace turnstone::regions::log
