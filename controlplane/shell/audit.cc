#include "controlplane/shell/audit.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <chrono>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace lb::controlplane {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

const Message& Request(const AdminCall& call) {
  return std::visit([](const auto& request) -> const Message& { return request; }, call);
}

// A singular field's value as text; "" where there is none of this name or kind.
std::string Value(const Message& message, const char* name) {
  const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(name);
  if (field == nullptr || field->is_repeated()) return "";
  const auto* reflection = message.GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return reflection->GetString(message, field);
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection->GetBool(message, field) ? "true" : "";
    case FieldDescriptor::CPPTYPE_ENUM:
      return reflection->GetEnum(message, field)->name();
    case FieldDescriptor::CPPTYPE_UINT64:
      return absl::StrCat(reflection->GetUInt64(message, field));
    case FieldDescriptor::CPPTYPE_MESSAGE:
      if (!reflection->HasField(message, field)) return "";
      return reflection->GetMessage(message, field).ShortDebugString();
    default:
      return "";
  }
}

std::string First(const Message& message, std::initializer_list<const char*> names) {
  for (const char* name : names)
    if (std::string value = Value(message, name); !value.empty()) return value;
  return "";
}

std::string After(const Reply& reply) {
  return std::visit(
      [](const auto& answer) {
        return First(answer, {"etag", "revision", "state"});
      },
      reply.answer);
}

void Add(LogFields& fields, const char* name, const std::string& value) {
  if (!value.empty()) fields.emplace_back(name, value.substr(0, Audit::kMaxValueBytes));
}

}  // namespace

std::string MethodOf(const AdminCall& call) {
  const auto* type = Request(call).GetDescriptor();
  const auto* file = type->file();
  for (int s = 0; s < file->service_count(); ++s) {
    const auto* service = file->service(s);
    for (int m = 0; m < service->method_count(); ++m)
      if (service->method(m)->input_type() == type)
        return absl::StrCat(service->full_name(), "/", service->method(m)->name());
  }
  return "";
}

AuditedCall DescribeCall(const AdminCall& call, std::string method, const Identity& who) {
  const Message& request = Request(call);
  return {std::move(method),
          who,
          First(request, {"name", "parent", "rule"}),
          First(request, {"etag", "if_revision"}),
          Value(request, "request_id"),
          Value(request, "validate_only") == "true"};
}

AuditedCall DescribeStranger(const std::vector<std::string>& uri_sans, std::string_view method) {
  AuditedCall call;
  call.method = std::string(method);
  call.who.caller.name = "nobody";
  call.certificate = absl::StrJoin(uri_sans, " ");
  return call;
}

LogFields Audit::Line(const AuditedCall& call, const Reply& reply, Instant now) {
  if (reply.failure && !HasRoom(now)) {
    ++missing_;
    return {};
  }
  const bool is_worker = !call.who.worker.empty();
  LogFields fields;
  Add(fields, "who", is_worker ? "worker/" + call.who.worker : call.who.caller.name);
  Add(fields, "role", is_worker ? "worker" : std::string(RoleName(call.who.caller.role)));
  Add(fields, "certificate", call.certificate);
  Add(fields, "method", call.method);
  Add(fields, "resource", call.resource);
  Add(fields, "before", call.before);
  if (!reply.failure) Add(fields, "after", After(reply));
  Add(fields, "request_id", call.request_id);
  if (call.dry_run) Add(fields, "dry_run", "true");
  Add(fields, "code",
      absl::StatusCodeToString(reply.failure ? reply.failure->status.code()
                                             : absl::StatusCode::kOk));
  if (reply.failure) Add(fields, "reason", reply.failure->reason);
  if (missing_ > 0) Add(fields, "refusals_not_shown", absl::StrCat(missing_));
  missing_ = 0;
  return fields;
}

bool Audit::HasRoom(Instant now) {
  if (now - second_ >= std::chrono::seconds(1)) {
    second_ = now;
    refusals_ = 0;
  }
  return ++refusals_ <= kMaxRefusalsPerS;
}

}  // namespace lb::controlplane
