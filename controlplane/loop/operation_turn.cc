#include "controlplane/loop/operation_turn.h"

#include <algorithm>
#include <chrono>

#include "absl/strings/str_cat.h"
#include "controlplane/admin/proto_time.h"
#include "controlplane/loop/admin_turn.h"

namespace lb::controlplane {
namespace {

// How long a WaitOperation may wait.
Duration WaitTime(const admin::v1::WaitOperationRequest& request) {
  constexpr int64_t kDefaultS = 30;
  constexpr int64_t kMaxS = 3600;
  if (!request.has_timeout()) return std::chrono::seconds(kDefaultS);
  return std::clamp<Duration>(FromProto(request.timeout()), Duration::zero(),
                              std::chrono::seconds(kMaxS));
}

}  // namespace

Outcome<admin::v1::Operation> GetOperation(const std::string& name, const Parts& parts) {
  const admin::v1::Operation* operation = parts.operations.Find(name);
  if (operation != nullptr) return *operation;
  return Failure{absl::NotFoundError(absl::StrCat("'", name, "' does not exist")),
                 "OPERATION_NOT_FOUND"};
}

Outcome<admin::v1::Operation> WaitOperation(const admin::v1::WaitOperationRequest& call,
                                            RequestId request, Parts& parts, Turn& turn) {
  Outcome<admin::v1::Operation> found = GetOperation(call.name(), parts);
  const auto* operation = std::get_if<admin::v1::Operation>(&found);
  if (operation == nullptr || operation->done()) return found;
  parts.waiters[request] = {call.name(), turn.now + WaitTime(call)};
  return Later{};
}

void AnswerWaiters(Parts& parts, Turn& turn) {
  std::erase_if(parts.waiters, [&](const auto& entry) {
    const auto& [request, waiter] = entry;
    const admin::v1::Operation* operation = parts.operations.Find(waiter.operation);
    if (operation == nullptr) {
      Fail(request, {absl::NotFoundError("the operation is kept no more"), "OPERATION_NOT_FOUND"},
           turn);
      return true;
    }
    if (!operation->done() && turn.now < waiter.deadline) return false;
    Answer(request, *operation, turn);
    return true;
  });
}

Instant NextWaiter(const Parts& parts) {
  Instant next = Instant::max();
  for (const auto& [request, waiter] : parts.waiters) next = std::min(next, waiter.deadline);
  return next;
}

}  // namespace lb::controlplane
