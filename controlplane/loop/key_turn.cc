#include "controlplane/loop/key_turn.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/utf8.h"
#include "controlplane/admin/key_answers.h"
#include "controlplane/loop/admin_turn.h"

namespace lb::controlplane {
namespace {

constexpr size_t kMaxShownBytes = 256;  // Of what other members say.

const char* DoneText(swim::KeyVerb verb) {
  switch (verb) {
    case swim::KeyVerb::kAdd:
      return "a key of the cluster was added by order";
    case swim::KeyVerb::kUse:
      return "another key of the cluster seals by order";
    case swim::KeyVerb::kRemove:
      return "a key of the cluster was removed by order";
    case swim::KeyVerb::kList:
      break;
  }
  return "";
}

void Ask(KeyQuestion question, swim::KeyVerb verb, std::string key, Parts& parts) {
  const uint64_t round = parts.key_questions.next++;
  parts.key_questions.open.emplace(round, std::move(question));
  parts.member_orders.keys.push_back({round, verb, std::move(key)});
}

}  // namespace

Outcome<admin::v1::ListKeysResponse> ListKeys(const AdminRequest& event, const View& view,
                                              Parts& parts) {
  if (std::optional<Failure> failure = CheckKeys(view.cluster)) return *std::move(failure);
  if (!parts.cluster->can_ask_keys()) return DescribeOwnKeys(view.cluster);
  if (parts.cluster->asks_no_more()) return TooManyKeyOrders();
  Ask({event.request}, swim::KeyVerb::kList, "", parts);
  return Later{};
}

Outcome<admin::v1::ChangeKeyResponse> ChangeKey(const AdminRequest& event, const View& view,
                                                const admin::v1::ChangeKeyRequest& request,
                                                Parts& parts) {
  const Outcome<KeyChange> change = ReadKeyChange(view.cluster, parts.cluster->keys(), request);
  if (const auto* failure = std::get_if<Failure>(&change)) return *failure;
  if (!parts.cluster->can_ask_keys()) return NoMemberNow();
  if (parts.cluster->asks_no_more()) return TooManyKeyOrders();
  const KeyChange& wanted = std::get<0>(change);
  const swim::KeyMark mark = swim::MarkOf(wanted.key);
  if (request.validate_only()) return PlanKeyChange(view.cluster, mark);
  Ask({event.request, mark}, wanted.verb, wanted.key, parts);
  return Later{};
}

void OnKeysAnswered(const swim::KeysAnswered& answered, Parts& parts, Turn& turn) {
  const auto question = parts.key_questions.open.extract(answered.round);
  if (question.empty()) return;
  const KeyQuestion& asked = question.mapped();
  if (asked.changed) {
    Answer(asked.request, DescribeKeyChange(*asked.changed, answered), turn);
    return;
  }
  Answer(asked.request, DescribeKeys(parts.cluster->keys().differ(), answered), turn);
}

void EmitKeysOrdered(const swim::KeysOrdered& ordered, Turn& turn) {
  LogFields fields{{"key", ordered.key.fingerprint},
                   {"bytes", absl::StrCat(ordered.key.bytes)},
                   {"by", CutUtf8(ordered.by, kMaxShownBytes)}};
  if (ordered.error.empty())
    return turn.Emit("cluster.key", "", LogLevel::kInfo, DoneText(ordered.verb), fields);
  fields.emplace_back("error", ordered.error);
  turn.Emit("cluster.key", "", LogLevel::kWarn, "an order to change the cluster's keys was refused",
            fields);
}

void ForgetKeyQuestion(RequestId request, Parts& parts) {
  std::erase_if(parts.key_questions.open,
                [&](const auto& entry) { return entry.second.request == request; });
}

}  // namespace lb::controlplane
