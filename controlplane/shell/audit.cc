#include "controlplane/shell/audit.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <google/protobuf/text_format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>
#include <variant>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/utf8.h"
#include "controlplane/config/cluster_keys.h"
#include "controlplane/membership/key_mark.h"

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

// What has a field of its own in the line, and what must stand in none.
constexpr std::array<std::string_view, 9> kElsewhere{"name",          "parent",  "etag",
                                                     "if_revision",   "key",     "request_id",
                                                     "validate_only", "content", "read_mask"};

// In quotes, so that no text passes for another field.
std::string Quoted(const std::string& text) {
  return absl::StrCat("\"", absl::CHexEscape(text.substr(0, Audit::kMaxValueBytes)), "\"");
}

// The other fields that are set, "timeout={seconds: 5} force=true".
std::string Details(const Message& message) {
  std::vector<const FieldDescriptor*> set;
  message.GetReflection()->ListFields(message, &set);
  google::protobuf::TextFormat::Printer printer;
  printer.SetSingleLineMode(true);
  std::vector<std::string> out;
  for (const FieldDescriptor* field : set) {
    if (std::find(kElsewhere.begin(), kElsewhere.end(), field->name()) != kElsewhere.end())
      continue;
    const bool is_message = field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    const int count = field->is_repeated() ? message.GetReflection()->FieldSize(message, field) : 1;
    for (int i = 0; i < count && out.size() < Audit::kMaxValueBytes; ++i) {
      std::string value;
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING && !field->is_repeated())
        value = Quoted(message.GetReflection()->GetString(message, field));
      else
        printer.PrintFieldValueToString(message, field, field->is_repeated() ? i : -1, &value);
      if (is_message) value = absl::StrCat("{", absl::StripAsciiWhitespace(value), "}");
      out.push_back(absl::StrCat(field->name(), "=", value));
    }
  }
  return absl::StrJoin(out, " ");
}

// Of a key that is given whole, which must not be shown: "fingerprint=1f2e3d4c".
std::string KeyDetail(const AdminCall& call) {
  const auto* change = std::get_if<admin::v1::ChangeKeyRequest>(&call);
  if (change == nullptr || change->key().empty()) return "";
  const absl::StatusOr<std::string> key = ParseClusterKey(change->key());
  return key.ok() ? absl::StrCat(" fingerprint=", Quoted(swim::MarkOf(*key).fingerprint)) : "";
}

std::string OperationOf(const Reply& reply) {
  const auto* operation = std::get_if<admin::v1::Operation>(&reply.answer);
  return reply.failure || operation == nullptr ? "" : operation->name();
}

void Add(LogFields& fields, const char* name, const std::string& value) {
  if (!value.empty()) fields.emplace_back(name, CutUtf8(value, Audit::kMaxValueBytes));
}

}  // namespace

const google::protobuf::MethodDescriptor* MethodOf(const AdminCall& call) {
  const auto* type = Request(call).GetDescriptor();
  const auto* file = type->file();
  for (int s = 0; s < file->service_count(); ++s) {
    const auto* service = file->service(s);
    for (int m = 0; m < service->method_count(); ++m)
      if (service->method(m)->input_type() == type) return service->method(m);
  }
  return nullptr;
}

std::string NameOf(const google::protobuf::MethodDescriptor* method) {
  if (method == nullptr) return "";
  return absl::StrCat(method->service()->full_name(), "/", method->name());
}

AuditedCall DescribeCall(const AdminCall& call, std::string method, const Identity& who) {
  const Message& request = Request(call);
  return {std::move(method),
          who,
          First(request, {"name", "parent"}),
          Details(request) + KeyDetail(call),
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
  if (reply.failure && !call.unknown && !HasRoom(now)) {
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
  // 0 is a revision that the caller did not name.
  if (call.expected != "0") Add(fields, "if", call.expected);
  Add(fields, "details", call.details);
  Add(fields, "before", reply.before);
  Add(fields, "after", reply.after);
  Add(fields, "operation", OperationOf(reply));
  Add(fields, "request_id", call.request_id);
  if (call.dry_run) Add(fields, "dry_run", "true");
  if (call.caller_gone) Add(fields, "caller_gone", "true");
  if (call.unknown) Add(fields, "outcome", "unknown");
  Add(fields, "code",
      absl::StatusCodeToString(reply.failure ? reply.failure->status.code()
                                             : absl::StatusCode::kOk));
  if (reply.failure) Add(fields, "reason", reply.failure->reason);
  if (missing_ > 0) Add(fields, "refusals_not_shown", absl::StrCat(missing_));
  missing_ = 0;
  return fields;
}

void Audit::Write(const LogFields& line) {
  if (!line.empty()) LogAtAnyLevel(LogLevel::kInfo, "audit", line);
}

bool Audit::HasRoom(Instant now) {
  if (now - second_ >= std::chrono::seconds(1)) {
    second_ = now;
    refusals_ = 0;
  }
  return ++refusals_ <= kMaxRefusalsPerS;
}

}  // namespace lb::controlplane
