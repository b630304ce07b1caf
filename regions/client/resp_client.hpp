#pragma once
// A client of leaders' Redis doors, for the program's own subcommands. Waits for each
// answer. One thread at a time.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/error.hpp"

namespace turnstone::client {

struct Reply {
  enum class Type : std::uint8_t { nothing, text, number, list, error };
  Type type = Type::nothing;
  std::string text;  // of an error, too
  std::int64_t number = 0;
  std::vector<Reply> items;
};

class RespClient {
 public:
  static constexpr std::uint64_t timeout_ms = 10'000;

  // Errors: io, naming the address; config when the password is not accepted.
  static Result<RespClient> connect(const std::string& host, std::uint16_t port, const std::string& password);
  RespClient(RespClient&&) noexcept;
  RespClient& operator=(RespClient&&) noexcept;
  ~RespClient();

  // One command. Errors: io; the connection is of no use afterwards. An error reply is a reply.
  Result<Reply> call(const std::vector<std::string>& words);

 private:
  struct Connection;
  explicit RespClient(std::unique_ptr<Connection> connection);
  std::unique_ptr<Connection> connection_;
};

}  // namespace turnstone::client
