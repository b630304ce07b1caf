#include "regions/settings/log.hpp"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <unistd.h>

#include <chrono>
#include <memory>

#include "regions/settings/log_line.hpp"

namespace turnstone::regions::log {
namespace {

// spdlog brings the sink, its lock and the level. The line is formatted here, because
// spdlog's patterns do not escape: a quote in a message would break a JSON line.
struct Output {
  Output() : logger("turnstone", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    logger.set_formatter(std::make_unique<spdlog::pattern_formatter>("%v"));
    logger.flush_on(spdlog::level::trace);
  }

  spdlog::logger logger;
  bool json = isatty(STDERR_FILENO) == 0;
  std::string region;
};

Output& output() {
  static Output instance;
  return instance;
}

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::trace:
      return spdlog::level::trace;
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::int64_t now_ms() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count();
}

void write(LogLevel level, std::string_view message, Fields fields) {
  Output& out = output();
  const auto spdlog_level = to_spdlog(level);
  if (!out.logger.should_log(spdlog_level)) return;
  const Line line{now_ms(), level, out.region, message, {fields.begin(), fields.size()}};
  out.logger.log(spdlog_level, spdlog::string_view_t(out.json ? json_line(line) : text_line(line)));
}

}  // namespace

void setup(LogLevel level, LogFormat format, const std::string& region) {
  Output& out = output();
  out.logger.set_level(to_spdlog(level));
  out.json = format == LogFormat::json || (format == LogFormat::automatic && isatty(STDERR_FILENO) == 0);
  out.region = region;
}

void trace(std::string_view message, Fields fields) { write(LogLevel::trace, message, fields); }
void debug(std::string_view message, Fields fields) { write(LogLevel::debug, message, fields); }
void info(std::string_view message, Fields fields) { write(LogLevel::info, message, fields); }
void warning(std::string_view message, Fields fields) { write(LogLevel::warning, message, fields); }
void error(std::string_view message, Fields fields) { write(LogLevel::error, message, fields); }

bool enabled(LogLevel level) { return output().logger.should_log(to_spdlog(level)); }

}  // namespace turnstone::regions::log
