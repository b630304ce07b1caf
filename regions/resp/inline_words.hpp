#pragma once
// The words of a line, quoted as in Redis (sdssplitargs):
//   plain words, 'single quotes' (\' inside), "double quotes" (\n \r \t \b \a \xHH \" \\).
// A closing quote ends the word and must be followed by a blank or the end.
#include <string>
#include <string_view>
#include <vector>

namespace turnstone::resp {

// Appends the words to `words`; they point into `bytes`, which must be empty and is filled
// with the unquoted text. False when the quotes do not match.
bool split_inline_words(std::string_view line, std::string& bytes, std::vector<std::string_view>& words);

}  // namespace turnstone::resp
