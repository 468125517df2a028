// What names things in flight between the loop and its shell. Numbers; threading: none.
#pragma once

#include <cstdint>

namespace lb::controlplane {

using SessionId = uint64_t;  // One stream of one worker; never reused.
using ProbeId = uint64_t;    // One health check in flight; never reused.
using QueryId = uint64_t;    // One DNS query in flight; never reused.
using RequestId = uint64_t;  // One admin request; never reused.

}  // namespace lb::controlplane
