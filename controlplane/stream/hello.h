// What a hello must be for its worker to be served. Pure; threading: none.
#pragma once

#include "absl/status/status.h"
#include "lb/worker/v1/worker.pb.h"

namespace lb::controlplane {

// The one protocol spoken here.
inline constexpr uint32_t kProtocol = 1;

// Longest id and incarnation, in bytes: they become file names and metric labels.
inline constexpr size_t kMaxIdBytes = 64;

// Longest version text, in bytes: it is kept and shown.
inline constexpr size_t kMaxVersionBytes = 128;

// Most slot entries of one hello: a bound on what one stream can make us keep.
inline constexpr int kMaxHelloSlots = 100'000;
inline constexpr int kMaxHelloTookOver = 16;  // As worker.proto says.

// OK, or InvalidArgument naming the field (id, incarnation, version, pid, running version, slots),
// or FailedPrecondition when no protocol is common.
absl::Status CheckHello(const worker::v1::Hello& hello);

}  // namespace lb::controlplane
