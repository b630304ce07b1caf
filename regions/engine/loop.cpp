#include "regions/engine/loop.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <csignal>
#include <utility>
#include <vector>

namespace turnstone::regions {
namespace asio = boost::asio;
using Failure = boost::system::error_code;

struct Loop::Asio {
  asio::io_context context{1};
  asio::signal_set stop_signals{context};
  asio::signal_set reload_signals{context};
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

  void wait_signal(asio::signal_set& signals, std::shared_ptr<Handler> handler) {
    signals.async_wait([this, &signals, handler](const Failure& failure, int) {
      if (failure) return;
      (*handler)();
      wait_signal(signals, handler);
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

void Loop::on_stop_signal(Handler handler) {
  asio_->stop_signals.add(SIGTERM);
  asio_->stop_signals.add(SIGINT);
  asio_->wait_signal(asio_->stop_signals, std::make_shared<Handler>(std::move(handler)));
}

namespace {

void mask_reload_signal(int how) {
  sigset_t reload;
  sigemptyset(&reload);
  sigaddset(&reload, SIGHUP);
  pthread_sigmask(how, &reload, nullptr);
}

}  // namespace

// Without a handler it would end the process; ignored, a change that was made while it started
// would be missed.
void Loop::hold_reload_signal() { mask_reload_signal(SIG_BLOCK); }

void Loop::on_reload_signal(Handler handler) {
  asio_->reload_signals.add(SIGHUP);
  asio_->wait_signal(asio_->reload_signals, std::make_shared<Handler>(std::move(handler)));
  mask_reload_signal(SIG_UNBLOCK);
}

void Loop::run() { asio_->context.run(); }
void Loop::stop() { asio_->context.stop(); }
asio::io_context& Loop::context() { return asio_->context; }

}  // namespace turnstone::regions
