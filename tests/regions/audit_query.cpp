#include "regions/audit/query.hpp"

#include <fmt/format.h>

#include "regions/audit/scenario.hpp"
#include "tests/catch.hpp"
#include "tests/core/temp_directory.hpp"

using namespace turnstone;
using namespace turnstone::audit;

namespace {

Entry entry(std::uint64_t number, const std::string& key, const std::string& region = "paris") {
  crdt::ConflictSide one{
      {{Origin{1}, number}, 0}, hlc_from_ms(10 * number), crdt::Kind::string, false, false, "a"};
  crdt::ConflictSide other{{{Origin{2}, number}, 0}, hlc_from_ms(5), crdt::Kind::string, false, false, "b"};
  Entry made =
      entry_of(make_conflict(crdt::ConflictType::concurrent_write, key, "", one, other), 1000 + number);
  made.rule = number % 2 == 0 ? "lww" : "union";
  made.authors[0] = {region, VersionVector{{Origin{2}, number - 1}}, 1, Shown::full};
  made.authors[1] = {"tokyo", VersionVector{{Origin{1}, number - 1}}, 1, Shown::full};
  return made;
}

class Record {
 public:
  explicit Record(const std::vector<Entry>& entries) {
    auto audit = storage::AuditDb::open(temp_ / "audit.db", {"turnstone", "paris"});
    REQUIRE(audit);
    std::vector<storage::AuditRow> rows;
    for (const Entry& each : entries) rows.push_back(to_row(each));
    REQUIRE(audit->add(rows));
    auto reader = storage::AuditReader::open(temp_ / "audit.db");
    REQUIRE(reader);
    reader_.emplace(*std::move(reader));
  }
  const storage::AuditReader& operator*() const { return *reader_; }

 private:
  test::TempDirectory temp_;
  std::optional<storage::AuditReader> reader_;
};

using Numbers = std::vector<std::uint64_t>;

// All pages, by the numbers of their entries.
Numbers all(const storage::AuditReader& reader, Question question, const SharedEntries& unstored = {}) {
  Numbers numbers;
  while (true) {
    const auto page = ask(reader, question, unstored);
    REQUIRE(page);
    CHECK(page->entries.size() <= question.count);
    for (const Entry& each : page->entries) numbers.push_back(each.conflict.first.id.operation.seq);
    if (!page->beyond) return numbers;
    question.beyond = page->beyond;
  }
}

SharedEntry shared(Entry made) { return std::make_shared<const Entry>(std::move(made)); }

}  // namespace

TEST_CASE("audit query: pages give each once, also what is not stored yet, in either order") {
  std::vector<Entry> stored;
  SharedEntries unstored;
  Numbers up;
  for (std::uint64_t number = 1; number <= 40; ++number) {
    up.push_back(number);
    // Some are in both.
    if (number % 3 != 0) stored.push_back(entry(number, "k"));
    if (number % 3 == 0 || number % 5 == 0) unstored.push_back(shared(entry(number, "k")));
  }
  const Record record(stored);
  for (const std::size_t count : {1u, 2u, 7u, 100u}) {
    INFO(count);
    Question question;
    question.count = count;
    question.oldest_first = true;
    CHECK(all(*record, question, unstored) == up);
    question.oldest_first = false;
    CHECK(all(*record, question, unstored) == Numbers(up.rbegin(), up.rend()));
  }
}

TEST_CASE("audit query: each condition leaves what it says") {
  const Record record(
      {entry(1, "user:1"), entry(2, "user:2"), entry(3, "cart:1", "dallas"), entry(4, "cart:[1]")});
  const auto with = [&](auto change) {
    Question question;
    question.oldest_first = true;
    change(question);
    return all(*record, question);
  };
  CHECK(with([](Question&) {}) == Numbers{1, 2, 3, 4});
  CHECK(with([](Question& q) { q.key = "user:*"; }) == Numbers{1, 2});
  CHECK(with([](Question& q) { q.key = "user:2"; }) == Numbers{2});
  CHECK(with([](Question& q) { q.key = "cart:\\[1\\]"; }) == Numbers{4});
  CHECK(with([](Question& q) { q.region = "dallas"; }) == Numbers{3});
  CHECK(with([](Question& q) { q.region = "tokyo"; }) == Numbers{1, 2, 3, 4});
  CHECK(with([](Question& q) { q.rule = "uni*"; }) == Numbers{1, 3});
  CHECK(with([](Question& q) { q.by_clock = true; }) == Numbers{2, 4});
  CHECK(with([](Question& q) { q.type = crdt::ConflictType::kind_conflict; }).empty());
  CHECK(with([](Question& q) { q.from_ms = 20; }) == Numbers{2, 3, 4});
  CHECK(with([](Question& q) { q.before_ms = 30; }) == Numbers{1, 2});
  CHECK(with([](Question& q) { q.found_from_ms = 1003; }) == Numbers{3, 4});
  CHECK(with([](Question& q) {
          q.key = "*";
          q.region = "paris";
          q.by_clock = false;
        }) == Numbers{1});
}

TEST_CASE("audit query: a question comes back from its words, and others are refused") {
  Question question;
  question.key = "a b*";
  question.region = "paris";
  question.rule = "lww";
  question.type = crdt::ConflictType::overflow;
  question.by_clock = false;
  question.open = true;
  question.from_ms = 1;
  question.before_ms = 2;
  question.found_from_ms = 3;
  question.oldest_first = true;
  question.beyond = place_of(entry(1, "k"));
  question.count = 7;
  CHECK(read_question(words_of(question)).value() == question);
  CHECK(read_question(words_of({})).value() == Question{});
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{{"KEY"},
                                                                                     {"FOO", "x"},
                                                                                     {"COUNT", "0"},
                                                                                     {"COUNT", "501"},
                                                                                     {"TYPE", "x"},
                                                                                     {"CLOCK", "maybe"},
                                                                                     {"FROM", "1h"},
                                                                                     {"BEYOND", "1-2"}}) {
    CHECK_FALSE(read_question(words));
  }
}

TEST_CASE("audit query: who settled a conflict is told with it") {
  const test::TempDirectory temp;
  auto audit = storage::AuditDb::open(temp / "audit.db", {"turnstone", "paris"});
  const Entry one = entry(1, "k");
  REQUIRE(audit->add({to_row(one)}, {{id_bytes(one.conflict.id), {Origin{3}, 9}, 77, "dallas", "anna"}}));
  const auto reader = storage::AuditReader::open(temp / "audit.db");
  CHECK(find(*reader, one.conflict.id).value()->settled == std::vector<Settled>{{"anna", "dallas", 77}});
  CHECK(ask(*reader, {}).value().entries.at(0).settled.size() == 1);
}

TEST_CASE("audit scenario: a recorded conflict is played again to the same id, type and winner") {
  using crdt::ConflictType;
  using crdt::Kind;
  const auto side = [](std::uint64_t origin, Kind kind, const char* verb, const std::string& value) {
    return crdt::ConflictSide{{{Origin{origin}, 5}, 1},
                              hlc_from_ms(origin),
                              kind,
                              verb == std::string("remove"),
                              verb == std::string("increment"),
                              value};
  };
  const auto played = [](ConflictType type, const std::string& field, crdt::ConflictSide a,
                         crdt::ConflictSide b) {
    if (type == ConflictType::kind_conflict && a.kind != b.kind) a.id.index = b.id.index = 0;
    Entry made = entry_of(make_conflict(type, "key\n", field, std::move(a), std::move(b)), 1);
    for (Author& author : made.authors) author.context = VersionVector{{Origin{9}, 3}};
    const auto text = scenario_text(made);
    REQUIRE(text);
    INFO(*text);
    const auto scenario = parse_scenario(*text);
    REQUIRE(scenario);
    const auto found = play(*scenario);
    INFO((found ? "" : found.error().message));
    REQUIRE(found);
    CHECK(*found == made.conflict);
  };
  played(ConflictType::concurrent_write, "", side(1, Kind::string, "put", "a"),
         side(2, Kind::string, "put", ""));
  played(ConflictType::concurrent_write, "f", side(2, Kind::hash, "put", "a"),
         side(1, Kind::hash, "put", "b"));
  played(ConflictType::update_vs_delete, "", side(1, Kind::string, "put", "a"),
         side(2, Kind::string, "remove", ""));
  played(ConflictType::update_vs_delete, "m", side(2, Kind::set, "put", ""),
         side(1, Kind::set, "remove", ""));
  played(ConflictType::update_vs_delete, "", side(1, Kind::string, "increment", "5"),
         side(2, Kind::string, "remove", ""));
  played(ConflictType::kind_conflict, "", side(1, Kind::string, "put", "abc"),
         side(2, Kind::string, "increment", "1"));
  played(ConflictType::kind_conflict, "", side(1, Kind::string, "put", "a"), side(2, Kind::set, "put", ""));
  Entry without = entry(1, "k");
  without.authors[0].context.reset();
  CHECK_FALSE(scenario_text(without));
  CHECK_FALSE(parse_scenario("turnstone scenario 1\nkey 61\n"));
  CHECK_FALSE(parse_scenario("turnstone scenario 2\n"));
}
