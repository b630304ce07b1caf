#include "regions/engine/resp_door.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "regions/commands/execute.hpp"
#include "regions/engine/loop.hpp"
#include "regions/resp/parser.hpp"
#include "regions/resp/reply.hpp"

namespace turnstone::regions {
namespace asio = boost::asio;
using asio::ip::tcp;
using Failure = boost::system::error_code;

namespace {

constexpr std::size_t read_bytes = 64 * 1024;
// What a client may hold though all together hold too much.
constexpr std::size_t fair_bytes = 64 * 1024;
// Until it is asked again whether the log has caught up.
constexpr std::chrono::milliseconds log_wait{5};
// Input and output buffers that grew beyond this give their memory back when empty.
constexpr std::size_t keep_bytes = 256 * 1024;

std::string address_of(const tcp::endpoint& endpoint) {
  return fmt::format("{}:{}", endpoint.address().to_string(), endpoint.port());
}

}  // namespace

struct RespDoor::State {
  State(Loop& the_loop, RespDoorHost& the_host, RespDoorLimits the_limits)
      : loop(the_loop), host(the_host), limits(the_limits), acceptor(the_loop.context()) {}

  void accept();
  // Not in the middle of a handler of the connection itself.
  void remove(std::uint64_t id) { connections.erase(id); }

  Loop& loop;
  RespDoorHost& host;
  RespDoorLimits limits;
  tcp::acceptor acceptor;
  RespDoorCounters counters;
  std::uint64_t next_id = 1;
  bool reading = true;
  std::vector<char> input = std::vector<char>(read_bytes);
  std::map<std::uint64_t, std::shared_ptr<Connection>> connections;
  // Connections with held replies, in the order of their tickets.
  std::deque<std::pair<sync::Lsn, std::weak_ptr<Connection>>> waiting;
  // Those that await a reply of this number.
  std::map<std::uint64_t, std::weak_ptr<Connection>> awaiting;
  sync::Lsn acknowledged = 0;
  // As the connections last accounted for it.
  std::size_t held_bytes = 0;
  bool full() const { return held_bytes > limits.clients_bytes_max; }
};

class RespDoor::Connection : public std::enable_shared_from_this<RespDoor::Connection> {
 public:
  Connection(State& door, tcp::socket socket)
      : door_(door),
        socket_(std::move(socket)),
        timer_(door.loop.context()),
        parser_({door.limits.value_bytes_max}) {}

  commands::Session session;

  void start() {
    Failure ignored;
    socket_.set_option(tcp::no_delay(true), ignored);
    socket_.non_blocking(true, ignored);
    parser_.set_authenticated(session.authenticated);
    resume();
  }

  // Replies held for what is acknowledged, or was answered, may leave.
  void release() {
    const auto is_due = [this](const Held& held) {
      return held.awaited == 0 && held.ticket <= door_.acknowledged;
    };
    while (!held_.empty() && is_due(held_.front())) held_.pop_front();
    write();
    if (stalled_) resume();
  }

  // Puts the reply in the place that is kept for it.
  void answer(std::uint64_t number, const std::function<void(resp::ReplyWriter&)>& write_reply) {
    const auto held = std::ranges::find(held_, number, &Held::awaited);
    if (held == held_.end()) return;
    std::string bytes;
    resp::ReplyWriter reply(bytes, held->protocol);
    write_reply(reply);
    output_.insert(held->begin, bytes);
    held->awaited = 0;
    for (auto later = std::next(held); later != held_.end(); ++later) later->begin += bytes.size();
    account();
    release();
  }

  bool idle() const { return held_.empty() && sent_ == output_.size(); }
  std::uint64_t input_bytes() const { return input_.size(); }
  std::uint64_t output_bytes() const { return output_.size() - sent_; }

 private:
  struct Held {
    sync::Lsn ticket;           // what has to be durable; 0 for nothing
    std::size_t begin;          // offset in output_ of the first byte that waits
    std::uint64_t awaited = 0;  // the reply that belongs there has this number
    int protocol = 2;
  };

  // Goes on where it stopped: with requests that wait because of unread output, then with
  // new ones.
  void resume() {
    if (stalled_) run({});
    if (stalled_ || closing_ || reading_ || !door_.reading) return;
    reading_ = true;
    if (door_.host.log_is_behind()) {
      timer_.expires_after(log_wait);
      timer_.async_wait([self = shared_from_this()](const Failure& failure) {
        self->reading_ = false;
        if (!failure) self->resume();
      });
      return;
    }
    const auto delay = door_.host.read_delay_ms();
    if (delay == 0) return wait_readable();
    timer_.expires_after(std::chrono::milliseconds(delay));
    timer_.async_wait([self = shared_from_this()](const Failure& failure) {
      if (!failure) self->wait_readable();
    });
  }

  void wait_readable() {
    socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](const Failure& failure) {
      self->reading_ = false;
      if (failure) return self->close();
      self->read();
    });
  }

  // An idle client has no buffer: all share one, and what is not a whole request yet is
  // put aside.
  void read() {
    Failure failure;
    const std::size_t bytes = socket_.read_some(asio::buffer(door_.input), failure);
    if (failure && failure != asio::error::would_block) return close();
    door_.counters.input_bytes += bytes;
    run(std::string_view(door_.input.data(), bytes));
    resume();
  }

  // Runs every whole request of what was put aside and of what is new.
  void run(std::string_view fresh) {
    if (!input_.empty()) {
      input_.append(fresh);
      fresh = input_;
    }
    stalled_ = false;
    const std::uint64_t now_ms = door_.host.now_ms();
    session.active_ms = now_ms;
    resp::ReplyWriter reply(output_, session.protocol);
    bool wrote = false;
    std::size_t at = 0;
    while (!closing_ && !stalled_) {
      const auto status = parser_.parse(fresh.substr(at));
      if (status == resp::ParseStatus::request) {
        wrote = execute(reply, now_ms) || wrote;
      } else if (status == resp::ParseStatus::error) {
        reply.error("ERR " + parser_.error());
        closing_ = true;
      }
      at += parser_.consumed();
      if (status != resp::ParseStatus::request) break;
      // A client that does not read its replies is not served further.
      const std::size_t most = door_.full() ? fair_bytes : door_.limits.output_bytes_max;
      if (output_.size() - sent_ > most && send_now() == 0) {
        stalled_ = true;
        ++door_.counters.stalled;
      }
    }
    if (input_.empty()) {
      input_.assign(fresh.substr(at));
    } else {
      input_.erase(0, at);
    }
    if (input_.empty() && input_.capacity() > keep_bytes) input_.shrink_to_fit();
    if (wrote) door_.host.written();
    account();
    if (door_.full() && input_.size() + session.held_bytes() > fair_bytes && !closing_) {
      ++door_.counters.shed;
      reply.error("ERR all clients together hold too much, clients_bytes_max is " +
                  std::to_string(door_.limits.clients_bytes_max));
      closing_ = true;
      input_ = {};
      session.transaction.queue.clear();
    }
    write();
  }

  void account() {
    if (closed_) return;
    const std::size_t now = input_.size() + (output_.size() - sent_) + session.held_bytes();
    door_.held_bytes = door_.held_bytes - accounted_ + now;
    accounted_ = now;
  }

  bool execute(resp::ReplyWriter& reply, std::uint64_t now_ms) {
    ++door_.counters.commands;
    const std::size_t begin = output_.size();
    commands::Call call{door_.host.replica(), session, door_.host.port(), reply, now_ms};
    const commands::Outcome outcome = commands::execute(call, parser_.args());
    reply.set_protocol(session.protocol);
    parser_.set_authenticated(session.authenticated);
    closing_ = closing_ || outcome.close || session.closing;
    if (const std::uint64_t awaited = std::exchange(session.awaited, 0); awaited != 0) {
      held_.push_back({0, begin, awaited, session.protocol});
      door_.awaiting.emplace(awaited, weak_from_this());
    }
    if (!outcome.ticket) return false;
    if (held_.empty() || held_.back().ticket != *outcome.ticket) {
      held_.push_back({*outcome.ticket, begin});
      door_.waiting.emplace_back(*outcome.ticket, weak_from_this());
    }
    return true;
  }

  // Bytes of the output that may leave.
  std::size_t sendable() const { return (held_.empty() ? output_.size() : held_.front().begin) - sent_; }

  // Writes what the socket takes at once.
  std::size_t send_now() {
    std::size_t total = 0;
    while (sendable() > 0) {
      Failure failure;
      const std::size_t bytes = socket_.write_some(asio::buffer(output_.data() + sent_, sendable()), failure);
      if (failure == asio::error::would_block) break;
      if (failure) {
        broken_ = true;
        break;
      }
      sent_ += bytes;
      total += bytes;
    }
    door_.counters.output_bytes += total;
    forget_sent();
    return total;
  }

  void forget_sent() {
    if (sent_ < output_.size() && sent_ < keep_bytes) return;
    output_.erase(0, sent_);
    for (Held& held : held_) held.begin -= sent_;
    sent_ = 0;
    if (output_.empty() && output_.capacity() > keep_bytes) output_.shrink_to_fit();
    account();
  }

  void write() {
    if (writing_) return;
    // It may have broken while requests were run: nobody else would close it.
    if (!broken_) send_now();
    if (broken_) return close_later();
    if (sendable() > 0) {
      writing_ = true;
      socket_.async_wait(tcp::socket::wait_write, [self = shared_from_this()](const Failure& failure) {
        self->writing_ = false;
        if (failure) return self->close();
        self->write();
        if (self->stalled_) self->resume();
      });
    } else if (closing_ && held_.empty()) {
      close_later();
    }
  }

  void close_later() {
    door_.loop.post([self = shared_from_this()] { self->close(); });
  }

  void close() {
    closing_ = true;
    Failure ignored;
    timer_.cancel(ignored);
    socket_.shutdown(tcp::socket::shutdown_both, ignored);
    socket_.close(ignored);
    door_.host.port().unwatch(session);
    door_.held_bytes -= std::exchange(accounted_, 0);
    closed_ = true;
    door_.remove(session.id);
  }

  State& door_;
  tcp::socket socket_;
  asio::steady_timer timer_;
  resp::RequestParser parser_;
  std::string input_;
  std::string output_;
  std::size_t sent_ = 0;
  std::size_t accounted_ = 0;
  std::deque<Held> held_;
  bool reading_ = false;
  bool writing_ = false;
  bool stalled_ = false;
  bool closing_ = false;
  bool broken_ = false;
  bool closed_ = false;
};

void RespDoor::State::accept() {
  acceptor.async_accept([this](const Failure& failure, tcp::socket socket) {
    if (failure == asio::error::operation_aborted || !reading) return;
    if (failure) {
      // Out of descriptors, most likely: those who are here go on, others wait.
      loop.after(100, [this] { accept(); });
      return;
    }
    Failure gone;
    const auto remote = socket.remote_endpoint(gone);
    const auto local = socket.local_endpoint(gone);
    if (connections.size() >= limits.clients_max) {
      ++counters.rejected;
      const std::string refusal = "-ERR max number of clients reached\r\n";
      socket.non_blocking(true, gone);
      socket.write_some(asio::buffer(refusal), gone);
    } else if (!gone) {
      ++counters.connections;
      auto connection = std::make_shared<Connection>(*this, std::move(socket));
      connection->session.id = next_id++;
      connection->session.address = address_of(remote);
      connection->session.local_address = address_of(local);
      connection->session.created_ms = connection->session.active_ms = host.now_ms();
      connection->session.authenticated = !host.port().password().has_value();
      connections.emplace(connection->session.id, connection);
      connection->start();
    }
    accept();
  });
}

RespDoor::RespDoor(Loop& loop, RespDoorHost& host, RespDoorLimits limits)
    : state_(std::make_unique<State>(loop, host, limits)) {}

RespDoor::~RespDoor() = default;

Result<void> RespDoor::open(const std::string& host, std::uint16_t port) {
  Failure failure;
  const auto address = asio::ip::make_address(host, failure);
  if (failure) return fail(Errc::config, fmt::format("'{}' is no IP address to listen on", host));
  const tcp::endpoint endpoint(address, port);
  tcp::acceptor& acceptor = state_->acceptor;
  acceptor.open(endpoint.protocol(), failure);
  if (!failure) acceptor.set_option(tcp::acceptor::reuse_address(true), failure);
  if (!failure) acceptor.bind(endpoint, failure);
  if (!failure) acceptor.listen(511, failure);
  if (failure) {
    const Errc code = failure == asio::error::address_in_use ? Errc::in_use : Errc::io;
    return fail(code, fmt::format("cannot listen on {}:{}: {}", host, port, failure.message()));
  }
  state_->accept();
  return {};
}

void RespDoor::acknowledge(sync::Lsn up_to) {
  state_->acknowledged = up_to;
  auto& waiting = state_->waiting;
  while (!waiting.empty() && waiting.front().first <= up_to) {
    const auto connection = waiting.front().second.lock();
    waiting.pop_front();
    if (connection) connection->release();
  }
}

void RespDoor::answer(std::uint64_t number, const std::function<void(resp::ReplyWriter&)>& write) {
  const auto found = state_->awaiting.find(number);
  if (found == state_->awaiting.end()) return;
  const auto connection = found->second.lock();
  state_->awaiting.erase(found);
  if (connection) connection->answer(number, write);
}

void RespDoor::stop_reading() {
  state_->reading = false;
  Failure ignored;
  state_->acceptor.close(ignored);
}

bool RespDoor::idle() const {
  for (const auto& [id, connection] : state_->connections) {
    if (!connection->idle()) return false;
  }
  return true;
}

void RespDoor::each_session(const std::function<void(const commands::Session&)>& visit) const {
  for (const auto& [id, connection] : state_->connections) visit(connection->session);
}

std::size_t RespDoor::sessions() const { return state_->connections.size(); }

RespDoorBuffers RespDoor::buffers() const {
  RespDoorBuffers all;
  for (const auto& [id, connection] : state_->connections) {
    all.input_bytes += connection->input_bytes();
    all.output_bytes += connection->output_bytes();
    all.session_bytes += connection->session.held_bytes();
    all.output_bytes_most = std::max(all.output_bytes_most, connection->output_bytes());
  }
  return all;
}

const RespDoorCounters& RespDoor::counters() const { return state_->counters; }
void RespDoor::reset_counters() { state_->counters = {}; }

}  // namespace turnstone::regions
