#include "controlplane/loop/repeat_turn.h"

#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "controlplane/admin/failure.h"
#include "controlplane/loop/admin_turn.h"

namespace lb::controlplane {

bool IsRepeat(const AdminRequest& event, const google::protobuf::Message& call, Parts& parts,
              Turn& turn) {
  if (!RequestLedger::IsGoodId(call)) {
    Fail(event.request,
         FieldFailure("request_id", absl::StrCat("it is not 1 to ", RequestLedger::kMaxIdBytes,
                                                 " printable ASCII characters, as a UUID is")),
         turn);
    return true;
  }
  const RequestLedger::Begun begun =
      parts.requests.Begin(event.request, event.caller.name, call, turn.now);
  switch (begun.verdict) {
    case RequestLedger::Verdict::kNew:
      return false;
    case RequestLedger::Verdict::kWait:
      return true;
    case RequestLedger::Verdict::kRepeat:
      Answer(event.request, parts.kept_replies.at(begun.first).answer, turn);
      return true;
    case RequestLedger::Verdict::kReused:
      Fail(event.request, FieldFailure("request_id", "another request had it", "REQUEST_ID_REUSED"),
           turn);
      return true;
  }
  return false;
}

void AnswerRepeats(Parts& parts, Turn& turn) {
  for (const uint64_t request : parts.requests.TakeExpired(turn.now))
    parts.kept_replies.erase(request);
  std::vector<Reply> more;
  for (const Action& action : turn.actions) {
    const auto* reply = std::get_if<Reply>(&action);
    if (reply == nullptr || !parts.requests.Holds(reply->request)) continue;
    std::optional<size_t> bytes;
    if (!reply->failure)
      bytes = std::visit([](const auto& answer) { return answer.ByteSizeLong(); }, reply->answer);
    for (const uint64_t waiting : parts.requests.Ended(reply->request, bytes))
      more.push_back({waiting, reply->failure, reply->answer});
    if (!reply->failure) parts.kept_replies[reply->request] = *reply;
  }
  for (Reply& reply : more) turn.actions.push_back(std::move(reply));
}

}  // namespace lb::controlplane
