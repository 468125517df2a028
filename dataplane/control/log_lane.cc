#include "dataplane/control/log_lane.h"

#include "absl/strings/str_cat.h"

namespace lb::dataplane {
namespace {

absl::Status LevelOf(lb::type::v1::LogLevel level, std::optional<LogLevel>& out) {
  switch (level) {
    case lb::type::v1::LOG_LEVEL_UNSPECIFIED:
      out.reset();
      return absl::OkStatus();
    case lb::type::v1::LOG_LEVEL_TRACE:
      out = LogLevel::kTrace;
      return absl::OkStatus();
    case lb::type::v1::LOG_LEVEL_DEBUG:
      out = LogLevel::kDebug;
      return absl::OkStatus();
    case lb::type::v1::LOG_LEVEL_INFO:
      out = LogLevel::kInfo;
      return absl::OkStatus();
    case lb::type::v1::LOG_LEVEL_WARN:
      out = LogLevel::kWarn;
      return absl::OkStatus();
    case lb::type::v1::LOG_LEVEL_ERROR:
      out = LogLevel::kError;
      return absl::OkStatus();
    default:
      return absl::InvalidArgumentError(
          absl::StrCat("log level ", static_cast<int>(level), " is none"));
  }
}

}  // namespace

lb::type::v1::LogLevel LevelAtStart() {
  switch (LogLevelAtStart()) {
    case LogLevel::kTrace:
      return lb::type::v1::LOG_LEVEL_TRACE;
    case LogLevel::kDebug:
      return lb::type::v1::LOG_LEVEL_DEBUG;
    case LogLevel::kInfo:
      return lb::type::v1::LOG_LEVEL_INFO;
    case LogLevel::kWarn:
      return lb::type::v1::LOG_LEVEL_WARN;
    case LogLevel::kError:
      return lb::type::v1::LOG_LEVEL_ERROR;
  }
  return lb::type::v1::LOG_LEVEL_UNSPECIFIED;
}

absl::Status LogLane::Take(const lb::worker::v1::Command::SetLogLevel& order, Instant now) {
  std::optional<LogLevel> level;
  if (absl::Status status = LevelOf(order.level(), level); !status.ok()) return status;
  const int64_t seconds = order.duration().seconds();
  if (seconds < 0 || seconds > kMaxDuration.count() || order.duration().nanos() < 0)
    return absl::InvalidArgumentError(absl::StrCat("a log level for ", seconds, " s"));
  Setting& setting = order.grpc() ? grpc_ : own_;
  const bool is_news = setting.level != level;
  setting.level = level;
  setting.until =
      now + std::chrono::seconds(seconds) + std::chrono::nanoseconds(order.duration().nanos());
  setting.change(level);
  // As a warning, so that it is seen at any level but "error".
  if (is_news)
    LogWarn("log level set", {{"of", order.grpc() ? "grpc" : "process"},
                              {"level", lb::type::v1::LogLevel_Name(order.level())},
                              {"seconds", absl::StrCat(seconds)}});
  return absl::OkStatus();
}

void LogLane::Step(Instant now) {
  for (Setting* setting : {&own_, &grpc_}) {
    if (!setting->level || now < setting->until) continue;
    setting->level.reset();
    setting->change(std::nullopt);
    LogInfo("log level is as before", {{"of", setting == &grpc_ ? "grpc" : "process"}});
  }
}

}  // namespace lb::dataplane
