#include "regions/merge/subject.hpp"

#include <fmt/format.h>

#include <utility>

#include "crdt/merge/builtin.hpp"
#include "crdt/merge/lua_function.hpp"
#include "regions/merge/native_library.hpp"
#include "regions/merge/source_file.hpp"
#include "regions/merge/subcommand.hpp"

namespace turnstone::merging {

namespace exit_code = regions::exit_code;

namespace {

tl::expected<std::string, Refusal> text_of(const std::string& path) {
  if (auto text = read_file(path)) return *std::move(text);
  return tl::make_unexpected(Refusal{exit_code::io, fmt::format("{} cannot be read", path)});
}

}  // namespace

tl::expected<Subject, Refusal> subject_of(const regions::Arguments& arguments) {
  if (arguments.words().size() < 2)
    return tl::make_unexpected(
        Refusal{exit_code::usage,
                arguments.words().front() + " needs FILE.lua, a built-in, or --native LIBRARY NAME"});
  const std::string& word = arguments.words()[1];
  if (arguments.has("--native")) {
    const auto names = load_native_library(arguments.text("--native"));
    if (!names) return tl::make_unexpected(Refusal{exit_code::data, names.error().message});
    std::string known;
    for (const crdt::NativeName& each : *names) {
      if (each.name == word)
        return Subject{word, [each] { return crdt::find_native(each.name, each.version); }};
      known += fmt::format("{}{}", known.empty() ? "" : ", ", each.name);
    }
    return tl::make_unexpected(Refusal{
        exit_code::data,
        fmt::format("{} has no merge function {}; it has {}", arguments.text("--native"), word, known)});
  }
  if (word.ends_with(".lua") || word.find('/') != std::string::npos) {
    auto source = text_of(word);
    if (!source) return tl::make_unexpected(source.error());
    const std::string name = function_name(word);
    if (const auto compiled = crdt::compile_lua(name, *source); !compiled)
      return tl::make_unexpected(Refusal{exit_code::data, compiled.error().message});
    return Subject{name, [name, text = *std::move(source)] { return crdt::compile_lua(name, text); }};
  }
  if (const auto made = crdt::make_builtin(word); !made)
    return tl::make_unexpected(Refusal{exit_code::usage, made.error().message + "; a script ends in .lua"});
  return Subject{word, [word] { return crdt::make_builtin(word); }};
}

int refuse(const Refusal& refusal) {
  if (refusal.code == exit_code::usage) return refuse_usage(merge_command, refusal.text);
  complain(merge_command, refusal.text);
  return refusal.code;
}

}  // namespace turnstone::merging
