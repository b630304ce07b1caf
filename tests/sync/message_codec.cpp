#include "core/record.hpp"
#include "sync/message.hpp"
#include "tests/catch.hpp"

using namespace turnstone;
using namespace turnstone::sync;

namespace {

const VersionVector some_vector{{Origin{3}, 7}, {Origin{UINT64_MAX}, 1}};

const std::vector<BucketRun> some_runs{{0, bucket_run_max, {1, UINT64_MAX}}, {65'535, 1, {0, 0}}};

std::vector<std::string> every_frame() {
  return {encode(7, "paris", Publication{"batch bytes"}),
          encode(7, "paris", Beacon{Origin{3}, 1234, some_vector}),
          encode(7, "paris", Beacon{Origin{3}, 1234, some_vector, {{Origin{3}, 6}}, some_runs}),
          encode(7, "paris", Pull{5, 4096, some_vector}),
          encode(7, "paris", Page{5, true, {"one", "two"}}),
          encode(7, "paris", TooOld{5, some_vector}),
          encode(7, "paris", Beacon{Origin{3}, 1234, some_vector, {}, {}, true}),
          encode(7, "paris", Beacon{Origin{3}, 1234, some_vector, some_vector, some_runs, true}),
          encode(7, "paris", Beacon{Origin{3}, 1234, some_vector, {}, {}, false, true}),
          encode(7, "paris", Refused{5, true})};
}

Errc refused(const std::string& frame) {
  const auto message = decode_message(7, frame);
  REQUIRE(!message.has_value());
  return message.error().code;
}

}  // namespace

TEST_CASE("message: a message of each type is read back as it was written") {
  const auto frames = every_frame();
  const auto publication = decode_message(7, frames[0]);
  REQUIRE(publication.has_value());
  CHECK(publication->region == "paris");
  CHECK(std::get<Publication>(publication->body).batch == "batch bytes");
  const auto beacon = decode_message(7, frames[1]);
  REQUIRE(beacon.has_value());
  CHECK(std::get<Beacon>(beacon->body).origin == Origin{3});
  CHECK(std::get<Beacon>(beacon->body).now_ms == 1234);
  CHECK(std::get<Beacon>(beacon->body).durable == some_vector);
  CHECK(std::get<Beacon>(beacon->body).runs.empty());
  const auto proving = decode_message(7, frames[2]);
  REQUIRE(proving.has_value());
  CHECK(std::get<Beacon>(proving->body).durable == some_vector);
  CHECK(std::get<Beacon>(proving->body).settled == VersionVector{{Origin{3}, 6}});
  CHECK(std::get<Beacon>(proving->body).runs == some_runs);
  const auto pull = decode_message(7, frames[3]);
  REQUIRE(pull.has_value());
  CHECK(std::get<Pull>(pull->body).request == 5);
  CHECK(std::get<Pull>(pull->body).bytes_max == 4096);
  CHECK(std::get<Pull>(pull->body).have == some_vector);
  const auto page = decode_message(7, frames[4]);
  REQUIRE(page.has_value());
  CHECK(std::get<Page>(page->body).request == 5);
  CHECK(std::get<Page>(page->body).more);
  CHECK(std::get<Page>(page->body).batches == std::vector<std::string_view>{"one", "two"});
  for (const std::size_t i : {6u, 7u}) {
    const auto joining = decode_message(7, frames[i]);
    REQUIRE(joining.has_value());
    CHECK(std::get<Beacon>(joining->body).joining);
    CHECK(std::get<Beacon>(joining->body).durable == some_vector);
    CHECK(std::get<Beacon>(joining->body).runs.size() == (i == 7 ? some_runs.size() : 0));
  }
  const auto quiet = decode_message(7, frames[8]);
  REQUIRE(quiet.has_value());
  CHECK(std::get<Beacon>(quiet->body).quiet);
  CHECK(!std::get<Beacon>(quiet->body).joining);
  const auto too_old = decode_message(7, frames[5]);
  REQUIRE(too_old.has_value());
  CHECK(std::get<TooOld>(too_old->body).request == 5);
  CHECK(std::get<TooOld>(too_old->body).floor == some_vector);
  const auto no = decode_message(7, frames.back());
  REQUIRE(no.has_value());
  CHECK(std::get<Refused>(no->body).request == 5);
  CHECK(std::get<Refused>(no->body).removed);
}

TEST_CASE("message: a frame cut short at any byte is refused, or is a page with fewer batches") {
  for (const std::string& frame : every_frame()) {
    for (std::size_t size = 0; size < frame.size(); ++size) {
      const auto message = decode_message(7, std::string_view(frame).substr(0, size));
      if (!message) continue;
      REQUIRE(std::holds_alternative<Page>(message->body));
      CHECK(std::get<Page>(message->body).batches.size() < 2);
    }
  }
}

TEST_CASE("message: a frame of another cluster or protocol version is refused by that name") {
  CHECK(refused(encode(8, "paris", Pull{1, 1, {}})) == Errc::wrong_cluster);
  std::string frame;
  RecordWriter(frame).record(6).uint(3).uint(2).uint(7).bytes("paris").uint(1).uint(1);
  RecordWriter(frame).record(0);
  CHECK(refused(frame) == Errc::unsupported_version);
}

TEST_CASE("message: an unknown type, a missing body and a surplus record are malformed") {
  std::string unknown;
  RecordWriter(unknown).record(4).uint(5).uint(1).uint(7).bytes("paris");
  CHECK(refused(unknown) == Errc::malformed);
  std::string bare;
  RecordWriter(bare).record(4).uint(1).uint(1).uint(7).bytes("paris");
  CHECK(refused(bare) == Errc::malformed);
  std::string surplus = encode(7, "paris", Pull{1, 1, {}});
  RecordWriter(surplus).record(0);
  CHECK(refused(surplus) == Errc::malformed);
  CHECK(refused("") == Errc::malformed);
  CHECK(refused("no frame at all") == Errc::malformed);
}

TEST_CASE("message: a vector out of order, doubled, with a zero or an odd item is malformed") {
  const auto beacon = [](auto write) {
    std::string frame;
    RecordWriter out(frame);
    out.record(6).uint(2).uint(1).uint(7).bytes("paris").uint(3).uint(1234);
    write(out);
    return frame;
  };
  REQUIRE(decode_message(7, beacon([](RecordWriter& out) { out.record(0); })).has_value());
  CHECK(refused(beacon([](RecordWriter& out) { out.record(4).uint(2).uint(1).uint(1).uint(1); })) ==
        Errc::malformed);
  CHECK(refused(beacon([](RecordWriter& out) { out.record(4).uint(2).uint(1).uint(2).uint(1); })) ==
        Errc::malformed);
  CHECK(refused(beacon([](RecordWriter& out) { out.record(2).uint(2).uint(0); })) == Errc::malformed);
  CHECK(refused(beacon([](RecordWriter& out) { out.record(1).uint(2); })) == Errc::malformed);
}
