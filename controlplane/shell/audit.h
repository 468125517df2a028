// The audit trail: one log line "audit" for every call that changes something, also for those that
// were refused.
//
// Fields: who, role, certificate (of nobody: its names), method, resource, if (etag or revision
// that the caller had seen), details (what else the request says, but for a configuration's
// content), before and after (of the resource, from the loop), operation, request_id, dry_run,
// caller_gone, outcome, code, reason. Values are cut to kMaxValueBytes. Of refusals at most
// kMaxRefusalsPerS lines a second are written; the next line tells how many are missing. No level
// of the log suppresses a line. Threading: one thread.
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
#include "google/protobuf/descriptor.h"

namespace lb::controlplane {

// The method that takes a call's request; nullptr: none.
const google::protobuf::MethodDescriptor* MethodOf(const AdminCall& call);
// "package.Service/Method"; "" of nullptr.
std::string NameOf(const google::protobuf::MethodDescriptor* method);

// What is known of a call before it is answered.
struct AuditedCall {
  std::string method;
  Identity who;
  std::string resource;
  std::string details;   // What it asks for: "weight=3", "timeout={seconds: 5}".
  std::string expected;  // The etag or revision that the caller had seen.
  std::string request_id;
  bool dry_run = false;
  std::string certificate{};  // What the certificate of nobody says.
  // The caller had left before the loop answered: it was told something else.
  bool caller_gone = false;
  // The process stops and nobody knows whether the call has had its effect.
  bool unknown = false;
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

  // Writes a line of Line(), if there is one. Any thread.
  static void Write(const LogFields& line);

 private:
  bool HasRoom(Instant now);

  Instant second_{};
  uint64_t refusals_ = 0;  // In that second.
  uint64_t missing_ = 0;   // Since the last line.
};

}  // namespace lb::controlplane
