#include "regions/audit/cli/source.hpp"

#include <fmt/format.h>

#include <utility>

#include "regions/client/resp_client.hpp"
#include "regions/settings/endpoint.hpp"

namespace turnstone::audit {
namespace {

using client::Reply;

class Directory final : public Source {
 public:
  Directory(storage::AuditReader reader, std::string region)
      : reader_(std::move(reader)), region_(std::move(region)) {}
  const std::string& region() const override { return region_; }

  Result<FoundPage> ask(const Question& question) override {
    auto page = audit::ask(reader_, question);
    if (!page) return tl::make_unexpected(page.error());
    FoundPage found{{}, page->beyond};
    for (Entry& entry : page->entries) found.found.push_back({std::move(entry), std::nullopt, {region_}});
    return found;
  }
  Result<std::optional<Found>> find(const Hash128& id) override {
    auto entry = audit::find(reader_, id);
    if (!entry) return tl::make_unexpected(entry.error());
    if (!*entry) return std::optional<Found>();
    return std::optional<Found>({**std::move(entry), std::nullopt, {region_}});
  }
  Result<void> resolve(const std::vector<std::string>&) override {
    return fail(Errc::config, "only a leader that serves can write: say which with --at");
  }

 private:
  storage::AuditReader reader_;
  std::string region_;
};

class Leader final : public Source {
 public:
  Leader(std::string at, client::RespClient client) : at_(std::move(at)), client_(std::move(client)) {}
  const std::string& region() const override { return region_; }

  Result<void> introduce() {
    const auto regions = call({"TS.REGIONS"});
    if (!regions) return tl::make_unexpected(regions.error());
    if (regions->items.empty() || regions->items[0].items.size() < 2) return unknown_answer();
    region_ = regions->items[0].items[1].text;
    return {};
  }

  Result<FoundPage> ask(const Question& question) override {
    std::vector<std::string> words = words_of(question);
    words.insert(words.begin(), {"TS.AUDIT", "RECORDS"});
    const auto reply = call(words);
    if (!reply) return tl::make_unexpected(reply.error());
    if (reply->items.size() != 2) return unknown_answer();
    FoundPage page;
    page.beyond = parse_place(reply->items[0].text);
    for (const Reply& item : reply->items[1].items) {
      auto found = read(item);
      if (!found) return tl::make_unexpected(found.error());
      page.found.push_back(*std::move(found));
    }
    return page;
  }

  Result<std::optional<Found>> find(const Hash128& id) override {
    const auto reply = call({"TS.AUDIT", "RECORDS", "ID", hex_id(id)});
    if (!reply) return tl::make_unexpected(reply.error());
    if (reply->type == Reply::Type::nothing) return std::optional<Found>();
    auto found = read(*reply);
    if (!found) return tl::make_unexpected(found.error());
    return std::optional<Found>(*std::move(found));
  }

  Result<void> resolve(const std::vector<std::string>& words) override {
    std::vector<std::string> command{"TS.RESOLVE"};
    command.insert(command.end(), words.begin(), words.end());
    return call(command).map([](const Reply&) {});
  }

 private:
  tl::unexpected<Error> unknown_answer() const {
    return fail(Errc::malformed,
                fmt::format("{} answers in a way unknown here: is it a leader of this release?", at_));
  }

  Result<Reply> call(const std::vector<std::string>& words) {
    auto reply = client_.call(words);
    if (!reply) return reply;
    if (reply->type == Reply::Type::error)
      return fail(Errc::config, fmt::format("{} answers: {}", at_, reply->text));
    return reply;
  }

  Result<Found> read(const Reply& item) const {
    if (item.items.size() < 9 || item.items.size() % 3 != 0) return unknown_answer();
    storage::AuditRow row;
    row.id = item.items[0].text;
    row.at_ms = static_cast<std::uint64_t>(item.items[1].number);
    row.found_ms = static_cast<std::uint64_t>(item.items[2].number);
    row.type = static_cast<std::uint8_t>(item.items[3].number);
    row.by_clock = item.items[4].number != 0;
    row.key = item.items[5].text;
    row.rule = item.items[6].text;
    row.record = item.items[7].text;
    auto entry = from_row(row);
    if (!entry) return unknown_answer();
    for (std::size_t i = 9; i < item.items.size(); i += 3) {
      entry->settled.push_back(
          {item.items[i].text, item.items[i + 1].text, static_cast<std::uint64_t>(item.items[i + 2].number)});
    }
    return Found{*std::move(entry), item.items[8].number != 0, {region_}};
  }

  std::string at_;
  client::RespClient client_;
  std::string region_;
};

// The pages of one source, entry by entry.
class Stream {
 public:
  Stream(Source& source, const Question& question) : source_(source), question_(question) {}

  // The next one; null at the end.
  Result<Found*> front() {
    while (next_ == page_.found.size()) {
      if (begun_ && !page_.beyond) return nullptr;
      if (begun_) question_.beyond = page_.beyond;
      begun_ = true;
      auto page = source_.ask(question_);
      if (!page) return tl::make_unexpected(page.error());
      page_ = *std::move(page);
      next_ = 0;
    }
    return &page_.found[next_];
  }
  void pop() { ++next_; }

 private:
  Source& source_;
  Question question_;
  FoundPage page_;
  std::size_t next_ = 0;
  bool begun_ = false;
};

bool comes_before(const Question& question, const Entry& a, const Entry& b) {
  if (question.found_from_ms)
    return std::pair(a.found_ms, a.conflict.id) < std::pair(b.found_ms, b.conflict.id);
  return question.oldest_first ? place_of(a) < place_of(b) : place_of(b) < place_of(a);
}

// What one region knows and the other does not any more.
void join(Found& into, const Found& other) {
  into.regions.insert(into.regions.end(), other.regions.begin(), other.regions.end());
  if (!into.open) into.open = other.open;
  if (other.entry.settled.size() > into.entry.settled.size()) into.entry.settled = other.entry.settled;
  for (std::size_t i = 0; i < into.entry.authors.size(); ++i) {
    Author& ours = into.entry.authors[i];
    const Author& theirs = other.entry.authors[i];
    if (ours.region.empty()) ours.region = theirs.region;
    if (!ours.context) ours.context = theirs.context;
  }
}

}  // namespace

Result<std::unique_ptr<Source>> open_directory(const std::filesystem::path& data) {
  const std::filesystem::path file = data / "audit.db";
  std::error_code error;
  if (!std::filesystem::exists(file, error)) {
    return fail(Errc::io, fmt::format("{} is not the data directory of a leader: audit.db is missing{}",
                                      data.string(), error ? " (" + error.message() + ")" : ""));
  }
  auto reader = storage::AuditReader::open(file);
  if (!reader) return tl::make_unexpected(reader.error());
  const auto owner = reader->owner();
  if (!owner) return tl::make_unexpected(owner.error());
  return std::make_unique<Directory>(*std::move(reader), owner->region);
}

Result<std::unique_ptr<Source>> connect(const std::string& at, const std::string& password) {
  const auto endpoint = regions::parse_connect(at);
  if (!endpoint) return tl::make_unexpected(endpoint.error());
  auto client = client::RespClient::connect(endpoint->host, endpoint->port, password);
  if (!client) return tl::make_unexpected(client.error());
  auto leader = std::make_unique<Leader>(at, *std::move(client));
  if (auto known = leader->introduce(); !known) return tl::make_unexpected(known.error());
  return leader;
}

Result<void> each(const Sources& sources, const Question& question,
                  const std::function<bool(const Found&)>& visit) {
  std::vector<Stream> streams;
  streams.reserve(sources.size());
  for (const auto& source : sources) streams.emplace_back(*source, question);
  while (true) {
    std::optional<Found> first;
    for (Stream& stream : streams) {
      const auto front = stream.front();
      if (!front) return tl::make_unexpected(front.error());
      if (*front && (!first || comes_before(question, (*front)->entry, first->entry))) first = **front;
    }
    if (!first) return {};
    const Hash128 id = first->entry.conflict.id;
    first->regions.clear();
    for (Stream& stream : streams) {
      const auto front = stream.front();
      if (!front) return tl::make_unexpected(front.error());
      if (!*front || (*front)->entry.conflict.id != id) continue;
      join(*first, **front);
      stream.pop();
    }
    if (!visit(*first)) return {};
  }
}

Result<std::optional<Found>> find(const Sources& sources, const Hash128& id) {
  std::optional<Found> found;
  for (const auto& source : sources) {
    auto here = source->find(id);
    if (!here) return here;
    if (!*here) continue;
    if (found) {
      join(*found, **here);
    } else {
      found = *std::move(here);
    }
  }
  return found;
}

}  // namespace turnstone::audit
