// `lbctl wait TYPE/NAME --for=CONDITION`: asks again until it is so, or time is over.
// Threading: main thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "cli/exit_code.h"
#include "cli/globals.h"
#include "cli/resource.h"
#include "cli/views.h"

namespace lb::cli {

// What a resource is waited for to be.
struct Condition {
  enum class Kind { kHealthy, kDrained, kSynced, kConnected, kDone };
  Kind kind = Kind::kHealthy;
  uint32_t backends = 1;  // kHealthy of a rule: so many of its backends at least.
};

// Parses "healthy", "healthy=3", "drained", "synced", "connected" or "done" for a type that it
// fits: rules are healthy, backends healthy or drained, workers drained, synced or connected,
// operations done, which they are by default ("").
absl::StatusOr<Condition> ParseCondition(std::string_view text, Type type);

// Whether it is so now. Pure.
bool Meets(const Item& item, const Condition& condition);

// kDone once every resource of the selection is so; kNotFound when a name does not exist by the end
// of `limit`; kFindings when one is not so by then, or when an operation is done without success.
absl::StatusOr<ExitCode> RunWait(const Globals& globals, const Selection& selection,
                                 const std::string& condition, std::chrono::milliseconds limit);

}  // namespace lb::cli
