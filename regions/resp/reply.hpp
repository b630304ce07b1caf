#pragma once
// The one place where replies become bytes, in the protocol (2 or 3) that the client chose.
#include <cstdint>
#include <string>
#include <string_view>

namespace turnstone::resp {

// Appends to a string that the caller owns. An aggregate is its head, then its elements,
// each written by one call (or one aggregate). What protocol 2 lacks is written as what a
// protocol 2 client of Redis gets.
class ReplyWriter {
 public:
  // One reply may not be larger: what goes beyond is dropped.
  static constexpr std::size_t reply_bytes_max = 512u * 1024 * 1024;

  explicit ReplyWriter(std::string& out, int protocol = 2, std::size_t bytes_max = reply_bytes_max)
      : out_(out), start_(out.size()), bytes_max_(bytes_max), protocol_(protocol) {}

  int protocol() const { return protocol_; }
  // For the replies that follow.
  void set_protocol(int protocol) { protocol_ = protocol; }

  // Marks where a reply begins.
  void begin();
  // The reply went beyond the limit and is not whole.
  bool overflowed() const { return overflowed_; }
  std::size_t bytes_max() const { return bytes_max_; }
  // Drops what was written since begin().
  void rewind();

  // A status, without line breaks.
  void simple(std::string_view text);
  void ok() { simple("OK"); }
  // With its code in front ("ERR no such key"); line breaks become blanks.
  void error(std::string_view text);
  void integer(std::int64_t value);
  void bulk(std::string_view bytes);
  // Text for people: protocol 3 marks it as such.
  void verbatim(std::string_view text);
  void real(double value);
  void boolean(bool value);
  // An absent value, and an absent array.
  void null();
  void null_array();

  void array(std::size_t elements);
  void set(std::size_t elements);
  // Followed by a key and a value for each.
  void map(std::size_t pairs);
  // Out of band; protocol 2 knows plain arrays only.
  void push(std::size_t elements);

 private:
  void head(char type, std::size_t count);
  void line(char type, std::string_view text);
  // False, and nothing may be appended, when the limit is reached.
  bool room_for(std::size_t bytes);

  std::string& out_;
  std::size_t start_;
  std::size_t bytes_max_;
  int protocol_;
  bool overflowed_ = false;
};

}  // namespace turnstone::resp
