#include "regions/engine/loop.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <csignal>
#include <list>
#include <utility>

namespace turnstone::regions {
namespace asio = boost::asio;
using Failure = boost::system::error_code;

struct Loop::Asio {
  asio::io_context context{1};
  asio::signal_set signals{context};
  std::list<asio::posix::stream_descriptor> descriptors;

  ~Asio() {
    // The descriptors belong to ZeroMQ, which closes them itself.
    for (auto& descriptor : descriptors) descriptor.release();
  }

  void wait_readable(asio::posix::stream_descriptor& descriptor, std::shared_ptr<Handler> handler) {
    descriptor.async_wait(asio::posix::descriptor_base::wait_read,
                          [this, &descriptor, handler](const Failure& failure) {
                            if (failure) return;
                            (*handler)();
                            wait_readable(descriptor, handler);
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

  void wait_signal(std::shared_ptr<Handler> handler) {
    signals.async_wait([this, handler](const Failure& failure, int) {
      if (failure) return;
      (*handler)();
      wait_signal(handler);
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
  asio_->descriptors.emplace_back(asio_->context, descriptor);
  asio_->wait_readable(asio_->descriptors.back(), std::make_shared<Handler>(std::move(handler)));
}

void Loop::on_stop_signal(Handler handler) {
  asio_->signals.add(SIGTERM);
  asio_->signals.add(SIGINT);
  asio_->wait_signal(std::make_shared<Handler>(std::move(handler)));
}

void Loop::run() { asio_->context.run(); }
void Loop::stop() { asio_->context.stop(); }
asio::io_context& Loop::context() { return asio_->context; }

}  // namespace turnstone::regions
