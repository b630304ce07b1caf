#include "regions/merge/check_command.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <sstream>
#include <utility>

#include "crdt/merge/check.hpp"
#include "crdt/merge/document.hpp"
#include "regions/merge/source_file.hpp"
#include "regions/merge/subject.hpp"
#include "regions/settings/exit_code.hpp"

namespace turnstone::merging {
namespace {

using crdt::Document;
using crdt::GeneratedValues;
using crdt::MergeFinding;
namespace exit_code = regions::exit_code;

constexpr int finding_code = 1;

tl::expected<GeneratedValues, Refusal> values_of(const regions::Arguments& arguments,
                                                 const Subject& subject) {
  constexpr std::pair<std::string_view, GeneratedValues> kinds[] = {{"text", GeneratedValues::text},
                                                                    {"numbers", GeneratedValues::numbers},
                                                                    {"json", GeneratedValues::json},
                                                                    {"msgpack", GeneratedValues::msgpack}};
  if (arguments.has("--values")) {
    for (const auto& [word, kind] : kinds) {
      if (word == arguments.text("--values")) return kind;
    }
    return tl::make_unexpected(Refusal{exit_code::usage, "--values is text, numbers, json or msgpack"});
  }
  if (subject.name == "sum") return GeneratedValues::numbers;
  switch ((*subject.make())->format()) {
    case crdt::ValueFormat::json:
      return GeneratedValues::json;
    case crdt::ValueFormat::msgpack:
      return GeneratedValues::msgpack;
    case crdt::ValueFormat::text:
      break;
  }
  return GeneratedValues::text;
}

// As it is stored: text without its quotes, MessagePack packed.
Result<std::string> value_of(const Document& document, GeneratedValues kind) {
  if (kind == GeneratedValues::msgpack) return encode_msgpack(document);
  const auto* text = std::get_if<std::string>(&document.value);
  if (kind != GeneratedValues::json && text != nullptr) return *text;
  return encode_json(document);
}

tl::expected<std::vector<std::vector<std::string>>, Refusal> samples_of(const std::string& path,
                                                                        GeneratedValues kind) {
  const auto text = read_file(path);
  if (!text) return tl::make_unexpected(Refusal{exit_code::io, fmt::format("{} cannot be read", path)});
  std::vector<std::vector<std::string>> samples;
  std::istringstream lines(*text);
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const auto siblings = crdt::decode_json(line);
    if (!siblings || siblings->array() == nullptr)
      return tl::make_unexpected(Refusal{
          exit_code::data, fmt::format("{}:{}: a line is a JSON array of siblings; {}", path, number,
                                       siblings ? "this is another value" : siblings.error().message)});
    auto& values = samples.emplace_back();
    for (const Document& each : *siblings->array()) {
      auto value = value_of(each, kind);
      if (!value)
        return tl::make_unexpected(
            Refusal{exit_code::data, fmt::format("{}:{}: {}", path, number, value.error().message)});
      values.push_back(*std::move(value));
    }
  }
  return samples;
}

// Text that a terminal takes; what is no text as hex.
Document shown(const std::string& value, GeneratedValues kind) {
  if (kind == GeneratedValues::msgpack) {
    if (auto document = crdt::decode_msgpack(value); document && encode_json(*document))
      return *std::move(document);
  }
  if (crdt::encode_json({value})) return {value};
  std::string hex;
  for (const char c : value) hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return {Document::Object{{"hex", {hex}}}};
}

std::string json_of(Document::Object fields) {
  // Whatever is in it was made encodable by shown(), or is a sentence of ours.
  const auto text = crdt::encode_json({std::move(fields)});
  return text ? *text : std::string("{}");
}

void print_json(const MergeFinding& finding, GeneratedValues kind) {
  Document::Array values;
  for (const std::string& value : finding.siblings.values) values.push_back(shown(value, kind));
  Document::Object fields{{"law", {std::string(name(finding.law))}},
                          {"warning", {finding.warning}},
                          {"siblings", {std::move(values)}},
                          {"what", shown(finding.what, GeneratedValues::text)}};
  if (finding.siblings.base) fields.emplace("base", shown(*finding.siblings.base, kind));
  fmt::print("{}\n", json_of(std::move(fields)));
}

std::string line_of(const std::string& value, GeneratedValues kind) {
  constexpr std::size_t bytes_max = 200;
  // JSON as it is; other text in quotes, so that spaces and nothing at all can be seen.
  std::string text = kind == GeneratedValues::json ? value : encode_json(shown(value, kind)).value_or("");
  if (text.size() > bytes_max)
    text = fmt::format("{}... ({} bytes)", text.substr(0, bytes_max), value.size());
  return text;
}

void print_text(const MergeFinding& finding, GeneratedValues kind) {
  fmt::print("{}{}: {}\n", finding.warning ? "warning, " : "", name(finding.law), text(finding.law));
  fmt::print("  siblings, oldest first:\n");
  for (std::size_t i = 0; i < finding.siblings.values.size(); ++i)
    fmt::print("    {}  {}\n", i + 1, line_of(finding.siblings.values[i], kind));
  if (finding.siblings.base) fmt::print("  all replaced  {}\n", line_of(*finding.siblings.base, kind));
  fmt::print("  {}\n\n", finding.what);
}

int report(const Subject& subject, const crdt::MergeCheck& check, bool json) {
  const auto findings = crdt::check_merge(subject.make, check);
  std::size_t warnings = 0;
  for (const MergeFinding& each : findings) {
    warnings += each.warning ? 1 : 0;
    json ? print_json(each, check.values) : print_text(each, check.values);
  }
  const std::size_t broken = findings.size() - warnings;
  const std::size_t cases = check.cases + check.samples.size();
  if (json) {
    const auto whole = [](std::size_t number) { return Document{static_cast<std::int64_t>(number)}; };
    fmt::print("{}\n", json_of({{"function", {subject.name}},
                                {"findings", whole(broken)},
                                {"warnings", whole(warnings)},
                                {"cases", whole(cases)},
                                {"seed", whole(check.seed)}}));
  } else {
    fmt::print("{}: {} finding{}, {} warning{}, with {} sets of siblings (seed {})\n", subject.name, broken,
               broken == 1 ? "" : "s", warnings, warnings == 1 ? "" : "s", cases, check.seed);
  }
  return broken > 0 ? finding_code : exit_code::ok;
}

tl::expected<crdt::MergeCheck, Refusal> check_of(const regions::Arguments& arguments,
                                                 const Subject& subject) {
  crdt::MergeCheck check;
  const auto values = values_of(arguments, subject);
  if (!values) return tl::make_unexpected(values.error());
  check.values = *values;
  if (arguments.has("--samples")) {
    auto samples = samples_of(arguments.text("--samples"), check.values);
    if (!samples) return tl::make_unexpected(samples.error());
    check.samples = *std::move(samples);
  }
  if (arguments.has("--seed")) {
    const std::string text = arguments.text("--seed");
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), check.seed);
    if (error != std::errc{} || end != text.data() + text.size() || check.seed > INT64_MAX)
      return tl::make_unexpected(Refusal{exit_code::usage, "--seed needs a number"});
  }
  return check;
}

}  // namespace

int run_check(const regions::Arguments& arguments) {
  const auto subject = subject_of(arguments);
  if (!subject) return refuse(subject.error());
  const auto check = check_of(arguments, *subject);
  if (!check) return refuse(check.error());
  return report(*subject, *check, arguments.has("--json"));
}

}  // namespace turnstone::merging
