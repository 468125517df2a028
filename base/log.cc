#include "base/log.h"

#include <spdlog/common.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <cstdlib>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace lb {
namespace {

constexpr const char* kLevelNames[] = {"trace", "debug", "info", "warn", "error"};

struct Settings {
  std::atomic<LogLevel> level{LogLevel::kInfo};
  std::atomic<LogLevel> set_up_level{LogLevel::kInfo};
  std::atomic<LogFormat> format{LogFormat::kText};
  std::atomic<bool> journal{false};  // Standard error is systemd's journal.
};

Settings& TheSettings() {
  static Settings settings;
  return settings;
}

spdlog::logger& TheLogger() {
  static const std::shared_ptr<spdlog::logger> logger = [] {
    auto made =
        std::make_shared<spdlog::logger>("lb", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%v");
    made->set_level(spdlog::level::trace);
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *logger;
}

const char* NameOf(LogLevel level) { return kLevelNames[static_cast<size_t>(level)]; }

// Whether standard error is what JOURNAL_STREAM names, its device and inode: a program that a
// service started inherits the variable, also where it writes to somewhere else. systemd.exec(5).
bool WritesToJournal() {
  const char* const stream = std::getenv("JOURNAL_STREAM");
  struct stat file {};
  if (stream == nullptr || ::fstat(STDERR_FILENO, &file) != 0) return false;
  return stream == absl::StrCat(file.st_dev, ":", file.st_ino);
}

// What the journal reads as the line's priority and takes away: sd-daemon(3).
const char* PriorityPrefix(LogLevel level) {
  switch (level) {
    case LogLevel::kError:
      return "<3>";
    case LogLevel::kWarn:
      return "<4>";
    case LogLevel::kInfo:
      return "<6>";
    case LogLevel::kDebug:
    case LogLevel::kTrace:
      break;
  }
  return "<7>";
}

bool NeedsQuotes(std::string_view value) {
  if (value.empty()) return true;
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= ' ' || byte >= 0x7f || c == '"' || c == '=' || c == '\\') return true;
  }
  return false;
}

// Escapes what would break a line or a pair of double quotes; a single quote breaks neither.
std::string EscapeText(std::string_view text) {
  std::string out;
  while (true) {
    const size_t quote = std::min(text.find('\''), text.size());
    out += absl::Utf8SafeCHexEscape(absl::string_view(text.data(), quote));
    if (quote == text.size()) return out;
    out += '\'';
    text.remove_prefix(quote + 1);
  }
}

std::string RenderText(std::string_view time, LogLevel level, std::string_view message,
                       const LogFields& fields) {
  std::string line(time);
  absl::StrAppend(&line, " ", NameOf(level), " ",
                  absl::CHexEscape(absl::string_view(message.data(), message.size())));
  for (const auto& [key, value] : fields) {
    absl::StrAppend(&line, " ", key, "=");
    if (NeedsQuotes(value)) {
      absl::StrAppend(&line, "\"", EscapeText(value), "\"");
    } else {
      line += value;
    }
  }
  return line;
}

// JSON strings must be UTF-8; other bytes are shown as hexadecimal escapes.
std::string JsonString(std::string_view text) {
  const absl::string_view view(text.data(), text.size());
  bool ascii = true;
  for (const char c : text) ascii = ascii && static_cast<unsigned char>(c) < 0x80;
  return boost::json::serialize(
      boost::json::string_view(ascii ? std::string(text) : absl::CHexEscape(view)));
}

std::string RenderJson(std::string_view time, LogLevel level, std::string_view message,
                       const LogFields& fields) {
  std::string line = absl::StrCat("{\"ts\":", JsonString(time), ",\"level\":\"", NameOf(level),
                                  "\",\"msg\":", JsonString(message));
  for (const auto& [key, value] : fields)
    absl::StrAppend(&line, ",", JsonString(key), ":", JsonString(value));
  return line + "}";
}

}  // namespace

absl::Status SetUpLog(std::string_view level, std::string_view format) {
  bool known = false;
  for (size_t i = 0; i < std::size(kLevelNames); ++i) {
    if (level != kLevelNames[i]) continue;
    TheSettings().set_up_level = static_cast<LogLevel>(i);
    ChangeLogLevel(std::nullopt);
    known = true;
  }
  if (!known)
    return absl::InvalidArgumentError(absl::StrCat("log level '",
                                                   absl::string_view(level.data(), level.size()),
                                                   "': use error, warn, info, debug or trace"));
  if (format != "text" && format != "json")
    return absl::InvalidArgumentError(absl::StrCat(
        "log format '", absl::string_view(format.data(), format.size()), "': use text or json"));
  TheSettings().format = format == "json" ? LogFormat::kJson : LogFormat::kText;
  TheSettings().journal = WritesToJournal();
  return absl::OkStatus();
}

void ChangeLogLevel(std::optional<LogLevel> level) {
  TheSettings().level = level.value_or(TheSettings().set_up_level);
}

LogLevel LogLevelAtStart() { return TheSettings().set_up_level; }

void Log(LogLevel level, std::string_view message, const LogFields& fields) {
  if (level < TheSettings().level.load(std::memory_order_relaxed)) return;
  LogAtAnyLevel(level, message, fields);
}

void LogAtAnyLevel(LogLevel level, std::string_view message, const LogFields& fields) {
  const std::string time =
      absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::Now(), absl::UTCTimeZone());
  const char* const prefix =
      TheSettings().journal.load(std::memory_order_relaxed) ? PriorityPrefix(level) : "";
  TheLogger().info(prefix + RenderLogLine(TheSettings().format.load(std::memory_order_relaxed),
                                          time, level, message, fields));
}

std::string RenderLogLine(LogFormat format, std::string_view time, LogLevel level,
                          std::string_view message, const LogFields& fields) {
  return format == LogFormat::kJson ? RenderJson(time, level, message, fields)
                                    : RenderText(time, level, message, fields);
}

}  // namespace lb
