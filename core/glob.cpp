#include "core/glob.hpp"

#include <algorithm>

namespace turnstone {
namespace {

unsigned char folded(char c, GlobCase letters) {
  const bool upper = c >= 'A' && c <= 'Z';
  return static_cast<unsigned char>(upper && letters == GlobCase::insensitive ? c - 'A' + 'a' : c);
}

// The pattern, element by element, each of which stands for one byte.
class Elements {
 public:
  Elements(std::string_view pattern, GlobCase letters) : pattern_(pattern), letters_(letters) {}

  bool at_end() const { return at_ == pattern_.size(); }
  bool at_star() const { return !at_end() && pattern_[at_] == '*'; }
  void skip_stars() {
    while (at_star()) ++at_;
  }
  std::size_t position() const { return at_; }
  void go_to(std::size_t position) { at_ = position; }

  // Moves past one element; true if the byte is one that it stands for.
  bool take(char c) {
    const char element = pattern_[at_++];
    if (element == '?') return true;
    if (element == '[') return take_class(c);
    if (element == '\\' && !at_end()) return same(pattern_[at_++], c);
    return same(element, c);
  }

 private:
  bool same(char a, char b) const { return folded(a, letters_) == folded(b, letters_); }

  // Behind the bracket. An open class ends with the pattern.
  bool take_class(char c) {
    const bool negated = !at_end() && pattern_[at_] == '^';
    if (negated) ++at_;
    bool found = false;
    while (!at_end() && pattern_[at_] != ']') {
      if (pattern_[at_] == '\\' && at_ + 1 < pattern_.size()) {
        found = same(pattern_[at_ + 1], c) || found;
        at_ += 2;
      } else if (at_ + 2 < pattern_.size() && pattern_[at_ + 1] == '-') {
        found = in_range(pattern_[at_], pattern_[at_ + 2], c) || found;
        at_ += 3;
      } else {
        found = same(pattern_[at_++], c) || found;
      }
    }
    if (!at_end()) ++at_;
    return found != negated;
  }

  bool in_range(char a, char b, char c) const {
    const unsigned char first = folded(a, letters_);
    const unsigned char last = folded(b, letters_);
    const unsigned char byte = folded(c, letters_);
    return byte >= std::min(first, last) && byte <= std::max(first, last);
  }

  std::string_view pattern_;
  GlobCase letters_;
  std::size_t at_ = 0;
};

}  // namespace

bool glob_match(std::string_view pattern, std::string_view text, GlobCase letters) {
  Elements elements(pattern, letters);
  std::size_t at = 0;
  // Behind the last star seen, and the first byte that the star does not take. An earlier
  // star need not take more: the last one can.
  std::size_t behind_star = std::string_view::npos;
  std::size_t star_end = 0;
  while (at < text.size()) {
    if (elements.at_star()) {
      elements.skip_stars();
      if (elements.at_end()) return true;
      behind_star = elements.position();
      star_end = at;
    } else if (!elements.at_end() && elements.take(text[at])) {
      ++at;
    } else if (behind_star != std::string_view::npos) {
      elements.go_to(behind_star);
      at = ++star_end;
    } else {
      return false;
    }
  }
  elements.skip_stars();
  return elements.at_end();
}

}  // namespace turnstone
