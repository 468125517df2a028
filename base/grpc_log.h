// gRPC's own log lines, written through base/log with a level of their own.
//
// Source: grpc/support/log.h, which knows three severities: debug and trace are its DEBUG, info and
// warn its INFO. What gRPC's environment variables switch on comes through here, too. Thread-safe.
#pragma once

#include <cstdint>
#include <optional>

#include "base/log.h"

namespace lb {

// Lines of gRPC in one second; the next line after them says how many are missing. Clients that
// speak no TLS, by the ten thousand, must not fill a disk.
inline constexpr uint64_t kMaxGrpcLinesPerS = 100;

// Takes gRPC's lines from now on; errors only, until ChangeGrpcLogLevel says otherwise. Call once,
// before gRPC is used.
void RouteGrpcLog();

// Writes lines of `level` and above from now on, whatever the level of the process; nullopt: errors
// only.
void ChangeGrpcLogLevel(std::optional<LogLevel> level);

}  // namespace lb
