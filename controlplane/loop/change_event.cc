#include "controlplane/loop/change_event.h"

#include <string>
#include <utility>

#include "absl/strings/strip.h"
#include "google/protobuf/descriptor.h"

namespace lb::controlplane {
namespace {

// A string field of a message, or "" when it has none of that name.
std::string TextOf(const google::protobuf::Message& message, const char* name) {
  const auto* field = message.GetDescriptor()->FindFieldByName(name);
  if (field == nullptr || field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_STRING)
    return "";
  return message.GetReflection()->GetString(message, field);
}

bool IsChange(const google::protobuf::Message& call) {
  const google::protobuf::Descriptor& type = *call.GetDescriptor();
  const auto* only_look = type.FindFieldByName("validate_only");
  if (type.FindFieldByName("request_id") == nullptr) return false;
  return only_look == nullptr || !call.GetReflection()->GetBool(call, only_look);
}

admin::v1::Event Refused(admin::v1::Event event, const Failure& failure) {
  event.set_severity(admin::v1::Event::SEVERITY_WARNING);
  event.set_message("a change was refused");
  (*event.mutable_attributes())["reason"] = failure.reason;
  return event;
}

}  // namespace

void NoteChange(const AdminRequest& event, const google::protobuf::Message& call, bool answered,
                const Failure* failure, Parts& parts, Turn& turn) {
  if (!IsChange(call)) return;
  admin::v1::Event asked;
  asked.set_kind("api.change");
  asked.set_severity(admin::v1::Event::SEVERITY_INFO);
  asked.set_resource(TextOf(call, "name"));
  asked.set_message("a change was asked for");
  auto& attributes = *asked.mutable_attributes();
  attributes["call"] = std::string(absl::StripSuffix(call.GetDescriptor()->name(), "Request"));
  attributes["caller"] = event.caller.name;
  if (failure != nullptr)
    turn.happened.push_back(Refused(std::move(asked), *failure));
  else if (answered)
    turn.happened.push_back(std::move(asked));
  else
    parts.changes_asked.emplace(event.request, std::move(asked));
}

void NoteAnsweredChanges(Parts& parts, Turn& turn) {
  if (parts.changes_asked.empty()) return;
  for (const Action& action : turn.actions) {
    const auto* reply = std::get_if<Reply>(&action);
    if (reply == nullptr) continue;
    auto asked = parts.changes_asked.extract(reply->request);
    if (asked.empty()) continue;
    turn.happened.push_back(reply->failure ? Refused(std::move(asked.mapped()), *reply->failure)
                                           : std::move(asked.mapped()));
  }
}

void NoteAbandonedChange(RequestId request, Parts& parts, Turn& turn) {
  auto asked = parts.changes_asked.extract(request);
  if (asked.empty()) return;
  asked.mapped().set_message("a change was asked for; the caller did not wait for the answer");
  turn.happened.push_back(std::move(asked.mapped()));
}

}  // namespace lb::controlplane
