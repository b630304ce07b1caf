#include "crdt/merge/document_builder.hpp"

#include <fmt/format.h>

#include <utility>

namespace turnstone::crdt {

bool DocumentBuilder::add(Document scalar) {
  place(std::move(scalar));
  return true;
}

bool DocumentBuilder::open(Document container) {
  if (open_.size() == document_depth_max)
    return refuse(fmt::format("it is nested more than {} levels deep", document_depth_max));
  open_.push_back(place(std::move(container)));
  keys_.emplace_back();
  return true;
}

bool DocumentBuilder::close() {
  open_.pop_back();
  keys_.pop_back();
  return true;
}

bool DocumentBuilder::key(std::string name) {
  if (std::get<Document::Object>(open_.back()->value).contains(name))
    return refuse(fmt::format("the field \"{}\" occurs twice", name));
  keys_.back() = std::move(name);
  return true;
}

bool DocumentBuilder::refuse(std::string problem) {
  problem_ = std::move(problem);
  return false;
}

Document* DocumentBuilder::place(Document document) {
  if (open_.empty()) {
    root_ = std::move(document);
    return &root_;
  }
  if (auto* array = std::get_if<Document::Array>(&open_.back()->value))
    return &array->emplace_back(std::move(document));
  auto& object = std::get<Document::Object>(open_.back()->value);
  return &object.insert_or_assign(std::move(keys_.back()), std::move(document)).first->second;
}

}  // namespace turnstone::crdt
