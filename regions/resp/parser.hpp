#pragma once
// Requests of the Redis protocol, read in place: arrays of bulk strings, and inline
// commands (a line of words, for people with a plain terminal). No argument is copied
// except the words of an inline command, and no memory is taken because a length field
// asks for it.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace turnstone::resp {

struct ParserLimits {
  // One argument.
  std::size_t bulk_bytes_max = 1024 * 1024;
  // Arguments of one request.
  std::size_t args_max = 1024 * 1024;
  // One whole request, which the input buffer must hold. Raised, if need be, so that one
  // argument of bulk_bytes_max fits.
  std::size_t request_bytes_max = 64u * 1024 * 1024;
  // The line of an inline command.
  std::size_t inline_bytes_max = 64 * 1024;
  // Before the client has authenticated itself.
  std::size_t unauthenticated_args_max = 10;
  std::size_t unauthenticated_bulk_bytes_max = 16 * 1024;
};

enum class ParseStatus { need_more, request, error };

// Feeds on a buffer that the caller owns: each call gets everything received and not yet
// consumed; afterwards the caller drops consumed() bytes, also when more is needed.
// Progress within an unfinished request is remembered, so a large request that arrives in
// pieces is read once. The verdict depends on the bytes, never on how they were cut.
class RequestParser {
 public:
  explicit RequestParser(const ParserLimits& limits = {});

  void set_authenticated(bool authenticated) { authenticated_ = authenticated; }

  // Empty lines and empty arrays are skipped. An error is final: the stream has no next
  // request that could be found.
  ParseStatus parse(std::string_view input);

  // After `request`: at least one; views into the input or into this parser, valid until
  // either changes.
  std::span<const std::string_view> args() const { return args_; }
  std::size_t consumed() const { return consumed_; }
  // After `error`, in Redis's words: "Protocol error: invalid bulk length".
  const std::string& error() const { return error_; }

 private:
  struct Slice {
    std::size_t offset;
    std::size_t size;
  };
  enum class Step { need_more, request, nothing, error };

  Step parse_array(std::string_view input);
  Step parse_count(std::string_view input);
  Step parse_bulk(std::string_view input);
  Step parse_inline(std::string_view input);
  Step protocol_error(std::string_view what);
  void begin_request();

  ParserLimits limits_;
  bool authenticated_ = true;
  std::string error_;

  // Progress in the present request; offsets count from its first byte.
  std::size_t at_ = 0;
  std::size_t args_missing_ = 0;
  bool bulk_begun_ = false;
  std::size_t bulk_bytes_ = 0;
  std::vector<Slice> slices_;

  std::string inline_bytes_;
  std::vector<std::string_view> args_;
  std::size_t consumed_ = 0;
};

}  // namespace turnstone::resp
