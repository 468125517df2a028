// Early returns for absl::Status and absl::StatusOr.
#pragma once

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define LB_STATUS_CONCAT_INNER(a, b) a##b
#define LB_STATUS_CONCAT(a, b) LB_STATUS_CONCAT_INNER(a, b)

// Returns from the calling function when `expression` (an absl::Status) is not OK.
#define LB_RETURN_IF_ERROR(expression)     \
  do {                                     \
    absl::Status lb_status = (expression); \
    if (!lb_status.ok()) return lb_status; \
  } while (false)

// Declares or assigns `target` from an absl::StatusOr, or returns its error.
#define LB_ASSIGN_OR_RETURN(target, expression) \
  LB_ASSIGN_OR_RETURN_IMPL(LB_STATUS_CONCAT(lb_status_or_, __LINE__), target, expression)

#define LB_ASSIGN_OR_RETURN_IMPL(result, target, expression) \
  auto result = (expression);                                \
  if (!result.ok()) return std::move(result).status();       \
  target = std::move(result).value()
