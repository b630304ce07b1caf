#pragma once
// The connections that others have opened to the doors for leaders. ZeroMQ takes every one that
// comes, so that whoever reaches a door could use up the process's descriptors; what is beyond
// the limit is closed here, the newest first, and may come again.
//
// One thread, the gate's.
#include <cstddef>
#include <set>
#include <string_view>

namespace turnstone::regions {

class DoorConnections {
 public:
  explicit DoorConnections(std::size_t connections_max) : connections_max_(connections_max) {}

  // ZeroMQ has taken a connection, at "tcp://HOST:PORT". False when it was one too many.
  bool accepted(int descriptor, std::string_view door);
  void ended(int descriptor) { open_.erase({descriptor, 0}); }
  std::size_t size() const { return open_.size(); }

 private:
  struct Connection {
    int descriptor = -1;
    int port = 0;  // of the door
    friend bool operator<(const Connection& a, const Connection& b) { return a.descriptor < b.descriptor; }
  };
  static bool is_there(const Connection& connection);

  std::size_t connections_max_;
  std::set<Connection> open_;
};

}  // namespace turnstone::regions
