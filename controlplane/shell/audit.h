// The audit trail: one log line "audit" for every call that changes something, also for those that
// were refused.
//
// Fields: who, role, certificate (of nobody: its names), method, resource, before and after (etag,
// revision or state, where the call or its answer has one), request_id, dry_run, code, reason.
// Values are cut to kMaxValueBytes. Of refusals at most kMaxRefusalsPerS lines a second are
// written; the next line tells how many are missing. Threading: one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/time.h"
#include "controlplane/access/identity.h"
#include "controlplane/loop/action.h"

namespace lb::controlplane {

// "package.Service/Method" of a call, from its request's type; "" where no method takes it.
std::string MethodOf(const AdminCall& call);

// What is known of a call before it is answered.
struct AuditedCall {
  std::string method;
  Identity who;
  std::string resource;
  std::string before;
  std::string request_id;
  bool dry_run = false;
  std::string details{};      // What it asks for: "weight=3", "timeout=30s".
  bool caller_gone = false;   // It did not wait for the answer.
  std::string certificate{};  // What the certificate of nobody says.
};

AuditedCall DescribeCall(const AdminCall& call, std::string method, const Identity& who);

// A call of nobody, which is not read.
AuditedCall DescribeStranger(const std::vector<std::string>& uri_sans, std::string_view method);

class Audit final {
 public:
  static constexpr size_t kMaxValueBytes = 200;
  static constexpr uint64_t kMaxRefusalsPerS = 20;

  // The fields of the line of a call that has ended, or none: it is one refusal too many.
  LogFields Line(const AuditedCall& call, const Reply& reply, Instant now);

 private:
  bool HasRoom(Instant now);

  Instant second_{};
  uint64_t refusals_ = 0;  // In that second.
  uint64_t missing_ = 0;   // Since the last line.
};

}  // namespace lb::controlplane
