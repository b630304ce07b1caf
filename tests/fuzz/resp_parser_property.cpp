#include <cstring>
#include <memory>

#include "core/error.hpp"
#include "regions/resp/parser.hpp"
#include "tests/fuzz/resp_parser_fuzz.hpp"

namespace turnstone::fuzz {
namespace {

// Small, so that random input reaches them.
constexpr resp::ParserLimits small_limits{
    .bulk_bytes_max = 300,
    .args_max = 20,
    .request_bytes_max = 0,
    .inline_bytes_max = 100,
    .unauthenticated_args_max = 4,
    .unauthenticated_bulk_bytes_max = 16,
};

// Feeds what has arrived, in a buffer of exactly that size, so that a sanitizer sees a
// read behind it.
class Feeder {
 public:
  explicit Feeder(bool authenticated) : parser_(small_limits) { parser_.set_authenticated(authenticated); }

  // False when the stream is at its end by an error.
  bool feed(std::string_view arrived) {
    for (;;) {
      const std::string_view rest = arrived.substr(consumed_);
      const auto exact = std::make_unique<char[]>(rest.size());
      if (!rest.empty()) std::memcpy(exact.get(), rest.data(), rest.size());
      const auto status = parser_.parse({exact.get(), rest.size()});
      TURNSTONE_CHECK(parser_.consumed() <= rest.size());
      consumed_ += parser_.consumed();
      if (status == resp::ParseStatus::need_more) return true;
      if (status == resp::ParseStatus::error) {
        said_ += "error " + parser_.error();
        return false;
      }
      note_request();
    }
  }

  const std::string& said() const { return said_; }
  std::size_t consumed() const { return consumed_; }

 private:
  void note_request() {
    TURNSTONE_CHECK(!parser_.args().empty());
    TURNSTONE_CHECK(parser_.args().size() <= small_limits.inline_bytes_max);
    said_ += "request";
    for (const std::string_view arg : parser_.args()) {
      said_ += ' ' + std::to_string(arg.size()) + ':';
      said_ += arg;
    }
    said_ += '\n';
  }

  resp::RequestParser parser_;
  std::string said_;
  std::size_t consumed_ = 0;
};

}  // namespace

std::string parse_stream(std::string_view bytes, std::size_t piece_bytes, std::size_t& consumed) {
  // The first byte decides whether the client is authenticated.
  Feeder feeder(bytes.empty() || static_cast<unsigned char>(bytes.front()) % 2 == 0);
  for (std::size_t arrived = 0; arrived < bytes.size();) {
    arrived = std::min(bytes.size(), arrived + piece_bytes);
    if (!feeder.feed(bytes.substr(0, arrived))) break;
  }
  consumed = feeder.consumed();
  return feeder.said();
}

void check_parser(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  std::size_t consumed_whole = 0;
  const std::string whole = parse_stream(bytes, size == 0 ? 1 : size, consumed_whole);
  for (const std::size_t piece_bytes : {1u, 2u, 3u, 7u, 31u}) {
    std::size_t consumed = 0;
    TURNSTONE_CHECK(parse_stream(bytes, piece_bytes, consumed) == whole);
    TURNSTONE_CHECK(consumed == consumed_whole);
  }
}

}  // namespace turnstone::fuzz
