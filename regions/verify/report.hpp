#pragma once
// What `turnstone verify` tells, as tables for people and as JSON lines for programs.
#include <string>
#include <vector>

#include "crdt/cell_image.hpp"

namespace turnstone::verify {

// What one leader has of a row, as text: the values and who wrote each, and the total of
// increments. "-" for nothing. `bytes` is the image; empty for no row.
std::string text_of(const crdt::CellName& name, const std::string& bytes);

// One differing row, with what each region has.
struct RowReport {
  std::size_t bucket = 0;
  crdt::CellName name;
  std::vector<std::pair<std::string, std::string>> holders;  // region, image
};
void print_table(const std::vector<RowReport>& rows);
void print_json(const RowReport& row);

// A row that a repair replaces, as a JSON line from which it can be put back.
std::string kept_line(const std::string& region, std::size_t bucket, const crdt::CellName& name,
                      const std::string& bytes);

}  // namespace turnstone::verify
