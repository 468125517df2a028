#include "controlplane/shell/audit.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <google/protobuf/text_format.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <string_view>
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

// A message as text in one line, without what it has of a secret or of a whole file.
std::string Details(const Message& request) {
  constexpr std::string_view kElsewhere[] = {"name",          "request_id", "content",
                                             "validate_only", "etag",       "if_revision"};
  std::vector<const FieldDescriptor*> fields;
  request.GetReflection()->ListFields(request, &fields);
  std::vector<std::string> parts;
  for (const FieldDescriptor* field : fields) {
    if (std::find(std::begin(kElsewhere), std::end(kElsewhere), field->name()) !=
            std::end(kElsewhere) ||
        field->is_repeated())
      continue;
    std::string text;
    google::protobuf::TextFormat::PrintFieldValueToString(request, field, -1, &text);
    parts.push_back(absl::StrCat(field->name(), "=", text));
  }
  return absl::StrJoin(parts, " ");
}

// What the answer says of what holds now.
std::string After(const Reply& reply) {
  if (const auto* applied = std::get_if<admin::v1::ApplyConfigResponse>(&reply.answer))
    return applied->config().name();
  if (const auto* config = std::get_if<admin::v1::Config>(&reply.answer)) return config->name();
  if (const auto* backend = std::get_if<admin::v1::Backend>(&reply.answer))
    return absl::StrCat("weight=", backend->weight(),
                        " state=", type::v1::AdminState_Name(backend->admin_state()));
  if (const auto* operation = std::get_if<admin::v1::Operation>(&reply.answer))
    return operation->name();
  return "";
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
          Value(request, "validate_only") == "true",
          Details(request)};
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
  // What the caller said that it had seen; "0" is a revision that it did not say.
  if (call.before != "0") Add(fields, "if", call.before);
  Add(fields, "details", call.details);
  if (!reply.failure) Add(fields, "after", After(reply));
  Add(fields, "request_id", call.request_id);
  if (call.dry_run) Add(fields, "dry_run", "true");
  if (call.caller_gone) Add(fields, "caller_gone", "true");
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
