#include "controlplane/admin/key_answers.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/utf8.h"
#include "controlplane/admin/member_answers.h"
#include "controlplane/config/cluster_keys.h"

namespace lb::controlplane {
namespace {

using admin::v1::ChangeKeyRequest;
using admin::v1::MemberKeys;

constexpr size_t kMaxErrorBytes = 256;

Failure Refused(const std::string& text, const char* reason) {
  return {absl::FailedPreconditionError(text), reason};
}

void ShowKeys(const std::vector<swim::KeyMark>& keys, const std::string& primary, MemberKeys& out) {
  for (const swim::KeyMark& key : keys) {
    admin::v1::ClusterKey& shown = *out.add_keys();
    shown.set_fingerprint(key.fingerprint);
    shown.set_bytes(static_cast<uint32_t>(key.bytes));
    shown.set_primary(key.fingerprint == primary);
  }
}

void ShowRow(const swim::KeysAnswered::Row& row, MemberKeys& out) {
  out.set_member(MemberName(row.member));
  out.set_result(!row.answered ? MemberKeys::RESULT_NO_ANSWER
                 : row.done    ? MemberKeys::RESULT_DONE
                               : MemberKeys::RESULT_FAILED);
  out.set_error(CutUtf8(row.error, kMaxErrorBytes));
  ShowKeys(row.keys, row.primary, out);
}

// The key that the request means.
Outcome<std::string> KeyOf(const swim::OrderedKeys& keys, const ChangeKeyRequest& request) {
  if (request.key().empty() == request.fingerprint().empty())
    return FieldFailure("key", "either it or the fingerprint says which key, not both");
  if (!request.key().empty()) {
    absl::StatusOr<std::string> key = ParseClusterKey(request.key());
    if (!key.ok()) return FieldFailure("key", "it " + std::string(key.status().message()));
    return *std::move(key);
  }
  if (request.action() == ChangeKeyRequest::ACTION_ADD)
    return FieldFailure("fingerprint", "a key that is added has to be given whole");
  for (const std::string& key : keys.keys())
    if (swim::MarkOf(key).fingerprint == request.fingerprint()) return key;
  return Failure{
      absl::NotFoundError("this member has no key of that fingerprint; see: lbctl member key list"),
      "KEY_NOT_FOUND"};
}

Outcome<swim::KeyVerb> VerbOf(const ChangeKeyRequest& request) {
  switch (request.action()) {
    case ChangeKeyRequest::ACTION_ADD:
      return swim::KeyVerb::kAdd;
    case ChangeKeyRequest::ACTION_USE:
      return swim::KeyVerb::kUse;
    case ChangeKeyRequest::ACTION_REMOVE:
      return swim::KeyVerb::kRemove;
    default:
      return FieldFailure("action", "it is none of ACTION_ADD, ACTION_USE and ACTION_REMOVE");
  }
}

Failure FailureOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kNotFound:
      return {status, "KEY_NOT_FOUND"};
    case absl::StatusCode::kResourceExhausted:
      return Refused(absl::StrCat(std::string(status.message()), "; remove one first"),
                     "TOO_MANY_KEYS");
    case absl::StatusCode::kInvalidArgument:
      return FieldFailure("key", std::string(status.message()));
    default:
      return {status, "KEY_SEALS"};
  }
}

}  // namespace

std::optional<Failure> CheckKeys(const swim::ClusterStatus& cluster) {
  if (!cluster.enabled) return ClusterDisabled();
  if (cluster.keys.empty())
    return Refused("the cluster has no key; give all members the same cluster.key first",
                   "CLUSTER_OPEN");
  return std::nullopt;
}

Outcome<KeyChange> ReadKeyChange(const swim::ClusterStatus& cluster, const swim::OrderedKeys& keys,
                                 const ChangeKeyRequest& request) {
  if (std::optional<Failure> failure = CheckKeys(cluster)) return *std::move(failure);
  if (!cluster.serf)
    return Refused(
        "with delegate: plain members cannot be asked; keys are changed by key_file there, which "
        "is followed without a restart",
        "KEYS_BY_FILE");
  if (cluster.stays_away || !cluster.problem.empty()) return NoMemberNow();
  const Outcome<swim::KeyVerb> verb = VerbOf(request);
  if (const auto* failure = std::get_if<Failure>(&verb)) return *failure;
  const Outcome<std::string> key = KeyOf(keys, request);
  if (const auto* failure = std::get_if<Failure>(&key)) return *failure;
  const absl::Status status = keys.Check(std::get<swim::KeyVerb>(verb), std::get<0>(key));
  if (!status.ok()) return FailureOf(status);
  return KeyChange{std::get<swim::KeyVerb>(verb), std::get<0>(key)};
}

Failure NoMemberNow() {
  return Refused("this host is no member of the cluster now; ask another one", "NO_MEMBER");
}

Failure TooManyKeyOrders() {
  return {absl::ResourceExhaustedError("this host waits for the answers to other key orders"),
          "TOO_MANY_CHANGES"};
}

admin::v1::ChangeKeyResponse PlanKeyChange(const swim::ClusterStatus& cluster,
                                           const swim::KeyMark& key) {
  admin::v1::ChangeKeyResponse out;
  out.mutable_key()->set_fingerprint(key.fingerprint);
  out.mutable_key()->set_bytes(static_cast<uint32_t>(key.bytes));
  for (const swim::MemberStatus& member : cluster.members)
    if (member.state == swim::State::kAlive || member.state == swim::State::kSuspect)
      out.add_members()->set_member(MemberName(member.name));
  return out;
}

admin::v1::ChangeKeyResponse DescribeKeyChange(const swim::KeyMark& key,
                                               const swim::KeysAnswered& answered) {
  admin::v1::ChangeKeyResponse out;
  out.mutable_key()->set_fingerprint(key.fingerprint);
  out.mutable_key()->set_bytes(static_cast<uint32_t>(key.bytes));
  for (const swim::KeysAnswered::Row& row : answered.rows) ShowRow(row, *out.add_members());
  return out;
}

admin::v1::ListKeysResponse DescribeKeys(bool keys_ordered, const swim::KeysAnswered& answered) {
  admin::v1::ListKeysResponse out;
  out.set_keys_ordered(keys_ordered);
  for (const swim::KeysAnswered::Row& row : answered.rows) ShowRow(row, *out.add_members());
  return out;
}

admin::v1::ListKeysResponse DescribeOwnKeys(const swim::ClusterStatus& cluster) {
  admin::v1::ListKeysResponse out;
  out.set_keys_ordered(cluster.keys_ordered);
  MemberKeys& own = *out.add_members();
  own.set_member(MemberName(cluster.name));
  own.set_result(MemberKeys::RESULT_DONE);
  ShowKeys(cluster.keys, cluster.keys.front().fingerprint, own);
  return out;
}

}  // namespace lb::controlplane
