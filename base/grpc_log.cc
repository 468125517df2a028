#include "base/grpc_log.h"

#include <grpc/support/log.h>

#include <chrono>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "base/mutex.h"
#include "base/time.h"

namespace lb {
namespace {

// What was written in this second, and left out since the last line.
struct Budget {
  Mutex mutex;
  Instant second ABSL_GUARDED_BY(mutex){};
  uint64_t written ABSL_GUARDED_BY(mutex) = 0;
  uint64_t missing ABSL_GUARDED_BY(mutex) = 0;
};

// nullopt: one line too many. Else how many were left out before it.
std::optional<uint64_t> TakeLine(Instant now) {
  static Budget budget;
  const MutexLock lock(budget.mutex);
  if (now - budget.second >= std::chrono::seconds(1)) {
    budget.second = now;
    budget.written = 0;
  }
  if (budget.written >= kMaxGrpcLinesPerS) {
    ++budget.missing;
    return std::nullopt;
  }
  ++budget.written;
  const uint64_t missing = budget.missing;
  budget.missing = 0;
  return missing;
}

LogLevel LevelOf(gpr_log_severity severity) {
  if (severity == GPR_LOG_SEVERITY_ERROR) return LogLevel::kError;
  return severity == GPR_LOG_SEVERITY_INFO ? LogLevel::kInfo : LogLevel::kDebug;
}

gpr_log_severity SeverityOf(LogLevel level) {
  if (level == LogLevel::kError) return GPR_LOG_SEVERITY_ERROR;
  return level >= LogLevel::kInfo ? GPR_LOG_SEVERITY_INFO : GPR_LOG_SEVERITY_DEBUG;
}

void Write(gpr_log_func_args* line) {
  const std::optional<uint64_t> missing = TakeLine(ReadClocks().steady);
  if (!missing) return;
  std::string_view file = line->file;
  file.remove_prefix(file.rfind('/') + 1);
  LogFields fields{{"text", line->message},
                   {"at", absl::StrCat(std::string(file), ":", line->line)}};
  if (*missing > 0) fields.emplace_back("lines_not_shown", absl::StrCat(*missing));
  LogAtAnyLevel(LevelOf(line->severity), "grpc", fields);
}

}  // namespace

void RouteGrpcLog() {
  ChangeGrpcLogLevel(std::nullopt);
  gpr_set_log_function(Write);
}

void ChangeGrpcLogLevel(std::optional<LogLevel> level) {
  gpr_set_log_verbosity(SeverityOf(level.value_or(kGrpcLogLevelAtStart)));
}

}  // namespace lb
