#include "regions/resp/inline_words.hpp"

namespace turnstone::resp {
namespace {

bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

char escaped(char c) {
  switch (c) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'b':
      return '\b';
    case 'a':
      return '\a';
    default:
      return c;
  }
}

class Splitter {
 public:
  Splitter(std::string_view line, std::string& out) : line_(line), out_(out) {}

  // False at the end of the line.
  bool skip_blanks() {
    while (at_ < line_.size() && is_blank(line_[at_])) ++at_;
    return at_ < line_.size();
  }

  // Appends one word to the output; false when a quote stays open or is followed by text.
  bool word() {
    while (at_ < line_.size() && !is_blank(line_[at_])) {
      const char c = line_[at_++];
      if (c == '"' || c == '\'') return c == '"' ? double_quoted() : single_quoted();
      out_ += c;
    }
    return true;
  }

 private:
  bool double_quoted() {
    while (at_ < line_.size()) {
      const char c = line_[at_++];
      if (c == '"') return ends_here();
      if (c != '\\' || at_ == line_.size()) {
        out_ += c;
      } else {
        escape();
      }
    }
    return false;
  }

  void escape() {
    const char c = line_[at_++];
    if (c == 'x' && at_ + 1 < line_.size() && hex_digit(line_[at_]) >= 0 && hex_digit(line_[at_ + 1]) >= 0) {
      out_ += static_cast<char>(hex_digit(line_[at_]) * 16 + hex_digit(line_[at_ + 1]));
      at_ += 2;
    } else {
      out_ += escaped(c);
    }
  }

  bool single_quoted() {
    while (at_ < line_.size()) {
      const char c = line_[at_++];
      if (c == '\'') return ends_here();
      if (c == '\\' && at_ < line_.size() && line_[at_] == '\'') {
        out_ += line_[at_++];
      } else {
        out_ += c;
      }
    }
    return false;
  }

  bool ends_here() const { return at_ == line_.size() || is_blank(line_[at_]); }

  std::string_view line_;
  std::size_t at_ = 0;
  std::string& out_;
};

}  // namespace

bool split_inline_words(std::string_view line, std::string& bytes, std::vector<std::string_view>& words) {
  // Unquoting never makes text longer, so the buffer does not move under the words.
  bytes.reserve(line.size());
  Splitter splitter(line, bytes);
  while (splitter.skip_blanks()) {
    const std::size_t begin = bytes.size();
    if (!splitter.word()) return false;
    words.push_back(std::string_view(bytes).substr(begin));
  }
  return true;
}

}  // namespace turnstone::resp
