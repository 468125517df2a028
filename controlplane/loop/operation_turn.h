// Operations looked at and waited for. Threading: none.
#pragma once

#include <string>

#include "controlplane/admin/failure.h"
#include "controlplane/loop/parts.h"
#include "lb/admin/v1/admin.pb.h"

namespace lb::controlplane {

Outcome<admin::v1::Operation> GetOperation(const std::string& name, const Parts& parts);

// Answers when it is done, or as it is when the time is over.
Outcome<admin::v1::Operation> WaitOperation(const admin::v1::WaitOperationRequest& call,
                                            RequestId request, Parts& parts, Turn& turn);

// Answers those whose wait is over. Once a turn, after everything that ends operations.
void AnswerWaiters(Parts& parts, Turn& turn);
// When a wait is over without an event.
Instant NextWaiter(const Parts& parts);

}  // namespace lb::controlplane
