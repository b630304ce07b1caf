// The only file that sees hiredis.
#include "regions/client/resp_client.hpp"

#include <fmt/format.h>
#include <hiredis/hiredis.h>

#include <utility>

namespace turnstone::client {
namespace {

struct FreeContext {
  void operator()(redisContext* context) const { redisFree(context); }
};
struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};

Reply read(const redisReply& from) {
  Reply reply;
  switch (from.type) {
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
      reply.type = Reply::Type::text;
      reply.text.assign(from.str, from.len);
      break;
    case REDIS_REPLY_ERROR:
      reply.type = Reply::Type::error;
      reply.text.assign(from.str, from.len);
      break;
    case REDIS_REPLY_INTEGER:
      reply.type = Reply::Type::number;
      reply.number = from.integer;
      break;
    case REDIS_REPLY_ARRAY:
      reply.type = Reply::Type::list;
      for (std::size_t i = 0; i < from.elements; ++i) reply.items.push_back(read(*from.element[i]));
      break;
    default:
      break;
  }
  return reply;
}

timeval milliseconds(std::uint64_t ms) {
  return {static_cast<time_t>(ms / 1000), static_cast<suseconds_t>(ms % 1000 * 1000)};
}

}  // namespace

struct RespClient::Connection {
  std::string address;
  std::unique_ptr<redisContext, FreeContext> context;
};

RespClient::RespClient(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}
RespClient::RespClient(RespClient&&) noexcept = default;
RespClient& RespClient::operator=(RespClient&&) noexcept = default;
RespClient::~RespClient() = default;

Result<RespClient> RespClient::connect(const std::string& host, std::uint16_t port,
                                       const std::string& password) {
  auto connection = std::make_unique<Connection>();
  connection->address = fmt::format("{}:{}", host, port);
  connection->context.reset(redisConnectWithTimeout(host.c_str(), port, milliseconds(timeout_ms)));
  redisContext* context = connection->context.get();
  if (context == nullptr || context->err != 0) {
    return fail(Errc::io, fmt::format("{} cannot be reached: {}", connection->address,
                                      context == nullptr ? "out of memory" : context->errstr));
  }
  redisSetTimeout(context, milliseconds(timeout_ms));
  RespClient client(std::move(connection));
  if (password.empty()) return client;
  const auto accepted = client.call({"AUTH", password});
  if (!accepted) return tl::make_unexpected(accepted.error());
  if (accepted->type == Reply::Type::error)
    return fail(Errc::config, fmt::format("{} does not accept the password: {}", client.connection_->address,
                                          accepted->text));
  return client;
}

Result<Reply> RespClient::call(const std::vector<std::string>& words) {
  std::vector<const char*> texts;
  std::vector<std::size_t> sizes;
  for (const std::string& word : words) {
    texts.push_back(word.data());
    sizes.push_back(word.size());
  }
  redisContext* context = connection_->context.get();
  const std::unique_ptr<redisReply, FreeReply> reply(static_cast<redisReply*>(
      redisCommandArgv(context, static_cast<int>(words.size()), texts.data(), sizes.data())));
  if (reply == nullptr)
    return fail(Errc::io, fmt::format("{} does not answer: {}", connection_->address, context->errstr));
  return read(*reply);
}

}  // namespace turnstone::client
