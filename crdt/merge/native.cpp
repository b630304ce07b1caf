#include "crdt/merge/native.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <map>
#include <utility>

namespace turnstone::crdt {
namespace {

constexpr std::size_t name_bytes_max = 64;

struct Native {
  NativeName name;
  NativeMerge merge;
  NativeOptions options;
};

std::map<NativeName, std::shared_ptr<const Native>>& table() {
  static std::map<NativeName, std::shared_ptr<const Native>> natives;
  return natives;
}

class NativeFunction : public MergeFunction {
 public:
  explicit NativeFunction(std::shared_ptr<const Native> native) : native_(std::move(native)) {}

  Result<std::string> merge(const Siblings& siblings) const override {
    try {
      return native_->merge(siblings);
    } catch (const std::exception& error) {
      return fail(Errc::merge_failed, fmt::format("{}: {}", native_->name.name, error.what()));
    }
  }
  bool wants_base() const override { return native_->options.wants_base; }
  ValueFormat format() const override { return native_->options.format; }

 private:
  std::shared_ptr<const Native> native_;
};

bool is_native_name(std::string_view text) {
  const auto is_allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  };
  return !text.empty() && text.size() <= name_bytes_max && std::ranges::all_of(text, is_allowed);
}

}  // namespace

Result<void> add_native(std::string_view name, std::string_view version, NativeMerge merge,
                        NativeOptions options) {
  for (const std::string_view word : {name, version}) {
    if (!is_native_name(word))
      return fail(Errc::config,
                  fmt::format("\"{}\" cannot be the name or version of a merge function: 1 to {} "
                              "characters of a-z, A-Z, 0-9, \"_\", \"-\" and \".\"",
                              word, name_bytes_max));
  }
  NativeName key{std::string(name), std::string(version)};
  auto native = std::make_shared<const Native>(Native{key, std::move(merge), options});
  if (!table().emplace(std::move(key), std::move(native)).second)
    return fail(Errc::config,
                fmt::format("there is a merge function {} of version {} already", name, version));
  return {};
}

std::unique_ptr<MergeFunction> find_native(std::string_view name, std::string_view version) {
  const auto found = table().find(NativeName{std::string(name), std::string(version)});
  if (found == table().end()) return nullptr;
  return std::make_unique<NativeFunction>(found->second);
}

std::shared_ptr<const MergeFunction> find_native_rule(std::string_view name_and_version) {
  const std::size_t at = name_and_version.find('@');
  if (at == std::string_view::npos) return nullptr;
  return find_native(name_and_version.substr(0, at), name_and_version.substr(at + 1));
}

std::vector<NativeName> natives() {
  std::vector<NativeName> names;
  for (const auto& entry : table()) names.push_back(entry.first);
  return names;
}

}  // namespace turnstone::crdt
