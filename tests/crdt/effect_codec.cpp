#include "crdt/effect.hpp"
#include "tests/catch.hpp"

using namespace turnstone;
using namespace turnstone::crdt;

namespace {

const std::vector<Effect> every_effect = {
    Put{"key", Kind::string, {}, "value"},
    Put{"key", Kind::set, "member", {}},
    Put{"key", Kind::hash, "field", "value"},
    Put{{}, Kind::hash, {}, {}},
    Put{"policies", Kind::cluster, "cart:*", "union"},
    Put{"key", Kind::hash, "field", "value", Base{77, "before"}},
    Put{"key", Kind::string, {}, {}, Base{0, {}}},
    Resolve{"key", Kind::string, {}, "chosen", {{{Origin{7}, 3}, 1}, {{Origin{9}, 1}, 0}}},
    Resolve{"key", Kind::hash, "field", std::nullopt, {{{Origin{7}, 3}, 0}}},
    Settle{{1, 2}, "anna"},
    Remove{"policies", Kind::cluster, "cart:*"},
    Remove{"key", Kind::set, "member"},
    Remove{"key", Kind::string, {}},
    Increment{"key", Kind::hash, "field", FixedDecimal::from_int(-7)},
    Increment{"key", Kind::string, {}, FixedDecimal::from_raw(1)},
    Increment{"key", Kind::string, {}, FixedDecimal::from_raw(-1)},
    Clear{"key", false},
    Clear{"key", true},
    ClearAll{},
    CloseOrigin{Origin{7}, "paris,tokyo"},
    AcknowledgeClose{Origin{7}, 9},
    AddMember{"oslo", "127.0.0.1:7131,127.0.0.1:7132", "key", false},
    AddMember{"paris", "", "", true},
    RemoveMember{"dallas", "dallas,paris,tokyo"},
    AcknowledgeRemoval{"dallas"},
};

std::string encoded(const Effect& effect, bool first, Hlc step) {
  std::string bytes;
  RecordWriter out(bytes);
  encode(effect, first, step, out);
  return bytes;
}

}  // namespace

TEST_CASE("effect codec: every effect is read back as it was written, first or following") {
  for (const Effect& effect : every_effect) {
    for (const bool first : {true, false}) {
      const std::string bytes = encoded(effect, first, 123456789);
      RecordReader in(bytes);
      REQUIRE(in.next());
      const DecodedEffect decoded = decode_effect(in);
      CHECK(!in.malformed());
      CHECK(decoded.effect == effect);
      CHECK(decoded.first == first);
      CHECK(decoded.hlc_step == (first ? 123456789u : 0u));
      CHECK(!in.next());
      CHECK(!in.malformed());
    }
  }
}

TEST_CASE("effect codec: what is stamped again says so first, with its stamps and what it had seen") {
  const Again again{{{Origin{7}, 3}, {Origin{9}, 1}}, 12345, {{Origin{1}, 5}, {Origin{7}, 2}}};
  const Again least{{{Origin{7}, 1}}, 1, {}, true};
  for (const Again& each : {again, least}) {
    const std::string bytes = encoded(each, true, 300);
    RecordReader in(bytes);
    REQUIRE(in.next());
    const DecodedEffect decoded = decode_effect(in);
    CHECK(!in.malformed());
    CHECK(decoded.effect == Effect(each));
    CHECK(is_system(decoded.effect));
  }
  const auto refused = [](const std::string& bytes) {
    RecordReader in(bytes);
    REQUIRE(in.next());
    decode_effect(in);
    return in.malformed();
  };
  CHECK(refused(encoded(again, false, 0)));
  CHECK(refused(encoded(Again{{}, 1, {}}, true, 0)));
  std::string more_stamps_than_there_are;
  RecordWriter(more_stamps_than_there_are).record(7).uint(21).uint(0).uint(1).uint(0).uint(2).uint(7).uint(1);
  CHECK(refused(more_stamps_than_there_are));
  std::string half_an_entry;
  RecordWriter(half_an_entry).record(8).uint(21).uint(0).uint(1).uint(0).uint(1).uint(7).uint(1).uint(9);
  CHECK(refused(half_an_entry));
}

TEST_CASE("effect codec: an effect cut short at any byte is refused") {
  for (const Effect& effect : every_effect) {
    const std::string bytes = encoded(effect, true, 300);
    for (std::size_t size = 1; size < bytes.size(); ++size) {
      RecordReader in(std::string_view(bytes).substr(0, size));
      CHECK(!in.next());
      CHECK(in.malformed());
    }
  }
}

TEST_CASE("effect codec: unknown codes and kinds, missing and surplus items are refused") {
  const auto refused = [](auto write) {
    std::string bytes;
    RecordWriter out(bytes);
    write(out);
    RecordReader in(bytes);
    REQUIRE(in.next());
    decode_effect(in);
    return in.malformed();
  };
  CHECK(refused([](RecordWriter& out) { out.record(0); }));
  CHECK(refused([](RecordWriter& out) { out.record(2).uint(0).uint(0); }));
  CHECK(refused([](RecordWriter& out) { out.record(2).uint(9).uint(0); }));
  CHECK(refused([](RecordWriter& out) { out.record(1).uint(64 + 9); }));
  CHECK(refused([](RecordWriter& out) { out.record(1).uint(8); }));
  CHECK(refused([](RecordWriter& out) { out.record(3).uint(8).uint(0).uint(0); }));
  CHECK(refused([](RecordWriter& out) { out.record(3).uint(1).uint(0).bytes("key"); }));
  CHECK(refused([](RecordWriter& out) { out.record(4).uint(1).uint(0).bytes("key").uint(5); }));
  CHECK(refused([](RecordWriter& out) { out.record(5).uint(4).uint(0).bytes("k").uint(4).bytes("f"); }));
  CHECK(refused([](RecordWriter& out) { out.record(5).uint(4).uint(0).bytes("k").uint(0).bytes("f"); }));
  CHECK(refused([](RecordWriter& out) {
    out.record(6).uint(5).uint(0).bytes("k").uint(1).bytes("").bytes("fifteen bytes..");
  }));
  CHECK(refused([](RecordWriter& out) { out.record(2).bytes("1").uint(0); }));
}
