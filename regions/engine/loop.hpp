#pragma once
// The event loop of a leader: everything that happens in the engine happens in a handler
// of this loop, on the thread that runs it. A thin coat over Boost.Asio, which stays out of
// headers.
#include <cstdint>
#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace turnstone::regions {

class Loop {
 public:
  using Handler = std::function<void()>;

  Loop();
  ~Loop();

  // From any thread: runs the handler after those that are ready now.
  void post(Handler handler);
  // Runs the handler once, or again and again.
  void after(std::uint64_t ms, Handler handler);
  void every(std::uint64_t ms, Handler handler);
  // Runs the handler whenever the descriptor, which stays its owner's, becomes readable.
  void when_readable(int descriptor, Handler handler);
  // Before the owner closes them: none of the descriptors is looked at any more.
  void forget_descriptors();
  // From here on the signals wait for their handlers: in this thread and those that it starts,
  // so this comes before any other thread.
  static void hold_stop_signals();
  static void hold_reload_signal();
  // SIGTERM or SIGINT, and one that came since it is held.
  void on_stop_signal(Handler handler);
  // SIGHUP, the same.
  void on_reload_signal(Handler handler);

  void run();
  // From any thread: run() returns after the handler in progress.
  void stop();

  boost::asio::io_context& context();

 private:
  struct Asio;
  std::unique_ptr<Asio> asio_;
};

}  // namespace turnstone::regions
