#include "regions/backup/manifest.hpp"

#include <fmt/format.h>

#include <charconv>
#include <map>

#include "core/hash.hpp"

namespace turnstone::backup {
namespace {

constexpr std::string_view first_line = "turnstone backup 2\n";

std::string vector_text(const VersionVector& vector) {
  std::string out;
  for (const auto& [origin, seq] : vector.entries())
    out += fmt::format("{}{}:{}", out.empty() ? "" : " ", to_string(origin), seq);
  return out;
}

using Lines = std::map<std::string_view, std::string_view>;

std::uint64_t number(std::string_view text, int base = 10) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, base);
  return value;
}

VersionVector vector_in(std::string_view text) {
  VersionVector vector;
  while (!text.empty()) {
    const std::string_view entry = text.substr(0, text.find(' '));
    const std::size_t colon = std::min(entry.find(':'), entry.size() - 1);
    vector.set(Origin{number(entry.substr(0, colon), 16)}, number(entry.substr(colon + 1)));
    text.remove_prefix(std::min(text.size(), entry.size() + 1));
  }
  return vector;
}

}  // namespace

std::string encode(const Manifest& manifest) {
  const Contents& contents = manifest.contents;
  std::string out(first_line);
  out += fmt::format("release: {}\n", manifest.release);
  out += fmt::format("cluster: {}\nregion: {}\n", contents.cluster, contents.region);
  out += fmt::format("taken_ms: {}\n", manifest.taken_ms);
  out += fmt::format("state_lsn: {}\nfirst_lsn: {}\nlast_lsn: {}\n", contents.state_lsn, contents.first_lsn,
                     contents.last_lsn);
  out += fmt::format("cells: {}\nvector: {}\n", contents.cells, vector_text(contents.vector));
  out += fmt::format("state_hash: {:016x}\nlog_hash: {:016x}\naudit_hash: {:016x}\n", manifest.state_hash,
                     manifest.log_hash, manifest.audit_hash);
  return out + fmt::format("manifest_hash: {:016x}\n", hash64(out));
}

Result<Manifest> decode_manifest(std::string_view text) {
  if (text.starts_with("turnstone backup ") && !text.starts_with(first_line)) {
    return fail(Errc::unsupported_version,
                fmt::format("the backup has the format \"{}\"; this release reads format 2",
                            text.substr(0, std::min<std::size_t>(text.find('\n'), 40))));
  }
  Lines lines;
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    const std::size_t colon = line.find(": ");
    if (colon != line.npos) lines[line.substr(0, colon)] = line.substr(colon + 2);
  }
  Manifest manifest;
  manifest.release = lines["release"];
  manifest.contents.cluster = lines["cluster"];
  manifest.contents.region = lines["region"];
  manifest.taken_ms = number(lines["taken_ms"]);
  manifest.contents.state_lsn = number(lines["state_lsn"]);
  manifest.contents.first_lsn = number(lines["first_lsn"]);
  manifest.contents.last_lsn = number(lines["last_lsn"]);
  manifest.contents.cells = number(lines["cells"]);
  manifest.contents.vector = vector_in(lines["vector"]);
  manifest.state_hash = number(lines["state_hash"], 16);
  manifest.log_hash = number(lines["log_hash"], 16);
  manifest.audit_hash = number(lines["audit_hash"], 16);
  // A manifest has one form, its hash included: what is not it is damaged.
  if (encode(manifest) != text) return fail(Errc::malformed, "the manifest does not match its hash");
  return manifest;
}

}  // namespace turnstone::backup
