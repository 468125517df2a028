// Process logs of both programs: one line an event, text or JSON, to standard error, through
// spdlog.
//
// A message is a constant; what varies goes into fields, so that lines can be searched and parsed.
// Thread-safe. Control characters in values are escaped.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"

namespace lb {

enum class LogLevel { kTrace, kDebug, kInfo, kWarn, kError };
enum class LogFormat { kText, kJson };

using LogField = std::pair<std::string, std::string>;
using LogFields = std::vector<LogField>;

// Sets level ("error", "warn", "info", "debug", "trace") and format ("text", "json") for the
// process. InvalidArgument names the bad word and the allowed ones. Call once, before threads
// start.
absl::Status SetUpLog(std::string_view level, std::string_view format);

// Writes lines of `level` and above from now on; nullopt: as SetUpLog said.
void ChangeLogLevel(std::optional<LogLevel> level);

// What SetUpLog said; info before it was called.
LogLevel LogLevelAtStart();
// Of what gRPC itself says (base/grpc_log), whatever the level of the process.
inline constexpr LogLevel kGrpcLogLevelAtStart = LogLevel::kError;

// Writes one line when `level` is enabled.
void Log(LogLevel level, std::string_view message, const LogFields& fields = {});

// Writes one line whatever level is enabled, for lines whose source has a level of its own.
void LogAtAnyLevel(LogLevel level, std::string_view message, const LogFields& fields = {});

inline void LogInfo(std::string_view message, const LogFields& fields = {}) {
  Log(LogLevel::kInfo, message, fields);
}
inline void LogWarn(std::string_view message, const LogFields& fields = {}) {
  Log(LogLevel::kWarn, message, fields);
}
inline void LogError(std::string_view message, const LogFields& fields = {}) {
  Log(LogLevel::kError, message, fields);
}

// Renders one line without its end, as Log does. `time` is already formatted.
std::string RenderLogLine(LogFormat format, std::string_view time, LogLevel level,
                          std::string_view message, const LogFields& fields);

}  // namespace lb
