#pragma once
// A document from the events of a parser that does not recurse.
#include <string>
#include <vector>

#include "crdt/merge/document.hpp"

namespace turnstone::crdt {

// Every call returns false, for the parser to stop, once there is a problem.
class DocumentBuilder {
 public:
  // A scalar: an element, the value of the field named last, or all of it.
  bool add(Document scalar);
  // An empty array or object; what follows is in it until close().
  bool open(Document container);
  bool close();
  // In an object, before each value.
  bool key(std::string name);
  bool refuse(std::string problem);

  const std::string& problem() const { return problem_; }
  Document take() { return std::move(root_); }

 private:
  Document* place(Document document);

  Document root_;
  // An array does not grow while one of its elements is open, so these stay where they are.
  std::vector<Document*> open_;
  std::vector<std::string> keys_;
  std::string problem_;
};

}  // namespace turnstone::crdt
