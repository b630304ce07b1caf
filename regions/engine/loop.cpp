#include "regions/engine/loop.hpp"

#include <sys/signalfd.h>
#include <unistd.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <initializer_list>
#include <system_error>
#include <utility>
#include <vector>

namespace turnstone::regions {
namespace asio = boost::asio;
using Failure = boost::system::error_code;

struct Loop::Asio {
  asio::io_context context{1};
  using Descriptor = std::shared_ptr<asio::posix::stream_descriptor>;
  std::vector<Descriptor> descriptors;

  ~Asio() { release_descriptors(); }

  // They belong to ZeroMQ, which closes them itself.
  void release_descriptors() {
    for (const Descriptor& descriptor : descriptors) descriptor->release();
    descriptors.clear();
  }

  void wait_readable(const Descriptor& descriptor, std::shared_ptr<Handler> handler) {
    descriptor->async_wait(asio::posix::descriptor_base::wait_read,
                           [this, descriptor, handler](const Failure& failure) {
                             // Released in the meantime, perhaps by the handler itself.
                             if (failure || !descriptor->is_open()) return;
                             (*handler)();
                             if (descriptor->is_open()) wait_readable(descriptor, handler);
                           });
  }

  void repeat(std::shared_ptr<asio::steady_timer> timer, std::chrono::milliseconds period, Handler handler) {
    timer->async_wait([this, timer, period, handler = std::move(handler)](const Failure& failure) {
      if (failure) return;
      handler();
      // Late is late: missed beats are not made up for.
      timer->expires_after(period);
      repeat(timer, period, handler);
    });
  }

  // Signals that are held are read like anything else: a handler would interrupt what the
  // thread is at, and ZeroMQ's calls throw then.
  void take_signals(const sigset_t& signals, Handler handler) {
    const int fd = ::signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0) throw std::system_error(errno, std::generic_category(), "signalfd");
    wait_signal(std::make_shared<asio::posix::stream_descriptor>(context, fd), std::move(handler));
  }

  void wait_signal(const Descriptor& descriptor, Handler handler) {
    descriptor->async_wait(asio::posix::descriptor_base::wait_read,
                           [this, descriptor, handler = std::move(handler)](const Failure& failure) {
                             if (failure) return;
                             signalfd_siginfo signal{};
                             while (::read(descriptor->native_handle(), &signal, sizeof signal) > 0)
                               handler();
                             wait_signal(descriptor, handler);
                           });
  }
};

Loop::Loop() : asio_(std::make_unique<Asio>()) {}
Loop::~Loop() = default;

void Loop::post(Handler handler) { asio::post(asio_->context, std::move(handler)); }

void Loop::after(std::uint64_t ms, Handler handler) {
  auto timer = std::make_shared<asio::steady_timer>(asio_->context, std::chrono::milliseconds(ms));
  timer->async_wait([timer, handler = std::move(handler)](const Failure& failure) {
    if (!failure) handler();
  });
}

void Loop::every(std::uint64_t ms, Handler handler) {
  const std::chrono::milliseconds period(ms);
  asio_->repeat(std::make_shared<asio::steady_timer>(asio_->context, period), period, std::move(handler));
}

void Loop::when_readable(int descriptor, Handler handler) {
  asio_->descriptors.push_back(std::make_shared<asio::posix::stream_descriptor>(asio_->context, descriptor));
  asio_->wait_readable(asio_->descriptors.back(), std::make_shared<Handler>(std::move(handler)));
}

void Loop::forget_descriptors() { asio_->release_descriptors(); }

namespace {

sigset_t set_of(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) sigaddset(&set, signal);
  return set;
}

sigset_t stop_signals() { return set_of({SIGTERM, SIGINT}); }
sigset_t reload_signal() { return set_of({SIGHUP}); }

void hold(const sigset_t& signals) { pthread_sigmask(SIG_BLOCK, &signals, nullptr); }

}  // namespace

void Loop::hold_stop_signals() { hold(stop_signals()); }

// Without a handler it would end the process; ignored, a change that was made while it started
// would be missed.
void Loop::hold_reload_signal() { hold(reload_signal()); }

void Loop::on_stop_signal(Handler handler) { asio_->take_signals(stop_signals(), std::move(handler)); }
void Loop::on_reload_signal(Handler handler) { asio_->take_signals(reload_signal(), std::move(handler)); }

void Loop::run() { asio_->context.run(); }
void Loop::stop() { asio_->context.stop(); }
asio::io_context& Loop::context() { return asio_->context; }

}  // namespace turnstone::regions
