#include "controlplane/admin/member_answers.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/check.h"
#include "base/utf8.h"
#include "controlplane/admin/list_query.h"
#include "controlplane/admin/proto_time.h"
#include "controlplane/config/suggest.h"

namespace lb::controlplane {
namespace {

using admin::v1::Member;

constexpr size_t kMaxShownPeers = 3;
constexpr size_t kMaxShownStrangers = 8;
constexpr size_t kMaxVersionBytes = 64;

// A name as it may stand in a command to copy: others may call themselves what a shell would run.
std::string ToType(const std::string& name) {
  for (const char c : name)
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '.' && c != '_' && c != '-')
      return "NAME";
  return name;
}

Member::State StateOf(swim::State state) {
  switch (state) {
    case swim::State::kAlive:
      return Member::STATE_ALIVE;
    case swim::State::kSuspect:
      return Member::STATE_SUSPECT;
    case swim::State::kDead:
      return Member::STATE_FAILED;
    case swim::State::kLeft:
      return Member::STATE_LEFT;
  }
  LB_CHECK(false);
}

uint32_t CountOf(const swim::ClusterStatus& cluster, swim::State state) {
  return static_cast<uint32_t>(
      std::count_if(cluster.members.begin(), cluster.members.end(),
                    [state](const swim::MemberStatus& member) { return member.state == state; }));
}

// "a, b and 4 more"
std::string Some(const std::vector<std::string>& all) {
  std::string out;
  for (size_t i = 0; i < all.size() && i < kMaxShownPeers; ++i)
    absl::StrAppend(&out, i == 0 ? "" : ", ", all[i]);
  if (all.size() > kMaxShownPeers)
    absl::StrAppend(&out, " and ", all.size() - kMaxShownPeers, " more");
  return out;
}

// "3m", "50s": since the state changed.
std::string Since(const swim::MemberStatus& member, Instant now) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - member.changed_at);
  const int64_t count = std::max<int64_t>(seconds.count(), 0);
  return count < 120 ? absl::StrCat(count, "s") : absl::StrCat(count / 60, "m");
}

admin::v1::Alert AlertOf(std::string resource, std::string message) {
  admin::v1::Alert alert;
  alert.set_resource(std::move(resource));
  alert.set_message(std::move(message));
  return alert;
}

// One alert for each of the busiest, and one for the rest.
void AddStrangers(const swim::StrangerBook::Strangers& strangers,
                  std::vector<admin::v1::Alert>& out) {
  size_t shown = 0;
  uint64_t others = strangers.others;
  for (const swim::StrangerBook::Row& row : strangers.rows) {
    if (shown++ < kMaxShownStrangers)
      out.push_back(AlertOf(absl::StrCat(kStrangerResource, row.address), swim::Describe(row)));
    else
      others += row.packets;
  }
  if (others > 0)
    out.push_back(AlertOf(absl::StrCat(kStrangerResource, "others"),
                          absl::StrCat("other addresses have another key or label, too (", others,
                                       " packets in the last minute)")));
}

// Hosts that are not heard keep their part, as far as nobody knows what became of them.
void AddReduced(const View& view, std::vector<admin::v1::Alert>& out) {
  const HostBook* const book = view.usage.book();
  if (book == nullptr) return;
  const double ratio = book->Others(view.clock.steady).side_ratio;
  if (ratio >= 1) return;
  const size_t heard = book->heard(view.clock.steady) + 1;
  const auto all = std::lround(static_cast<double>(heard) / ratio);
  out.push_back(
      AlertOf(kReducedResource, absl::StrCat(heard, " of ", all, " hosts heard: shared limits at ",
                                             std::lround(ratio * 100), " %")));
}

}  // namespace

Failure ClusterDisabled() {
  return {absl::FailedPreconditionError(
              "this control plane is in no cluster; give lb.yaml a section 'cluster'"),
          "CLUSTER_DISABLED"};
}

std::string MemberName(const std::string& name) {
  std::string out = "members/";
  for (std::string_view rest = name; !rest.empty();) {
    const size_t length = std::max<size_t>(Utf8Length(rest.substr(0, 4)), 1);
    const auto byte = static_cast<unsigned char>(rest.front());
    const bool plain = length > 1 || (absl::ascii_isgraph(byte) && byte != '%' && byte != '/');
    if (plain)
      out.append(rest.substr(0, length));
    else
      absl::StrAppend(&out, absl::StrFormat("%%%02X", byte));
    rest.remove_prefix(length);
  }
  return out;
}

Member DescribeMember(const swim::MemberStatus& member, const swim::ClusterStatus& cluster,
                      const ClockReading& clock) {
  Member out;
  out.set_name(MemberName(member.name));
  out.set_address(member.address.ToString());
  out.set_state(StateOf(member.state));
  out.set_incarnation(member.incarnation);
  *out.mutable_state_change_time() = ToProto(clock.ToWall(member.changed_at));
  out.set_version(CutUtf8(member.version, kMaxVersionBytes));
  out.set_self(member.name == cluster.name);
  return out;
}

Outcome<admin::v1::ListMembersResponse> ListMembers(const View& view,
                                                    const admin::v1::ListMembersRequest& request) {
  const Outcome<ListQuery> query = ListQuery::Read(view.page_key, request, *Member::descriptor());
  if (const auto* failure = std::get_if<Failure>(&query)) return *failure;
  const std::string& after = std::get<ListQuery>(query).after();
  PageMaker<Member> page(std::get<ListQuery>(query));
  admin::v1::ListMembersResponse out;
  for (const swim::MemberStatus& member : view.cluster.members) {
    if (member.name <= after) continue;
    if (!page.Offer(DescribeMember(member, view.cluster, view.clock), member.name)) break;
  }
  page.Finish(*out.mutable_members(), *out.mutable_next_page_token());
  return out;
}

Outcome<swim::MemberStatus> FindMember(const swim::ClusterStatus& cluster,
                                       const std::string& name) {
  std::vector<std::string> names;
  for (const swim::MemberStatus& member : cluster.members) {
    names.push_back(MemberName(member.name));
    if (names.back() == name) return member;
  }
  std::string message = absl::StrCat("'", name, "' does not exist");
  const std::string_view nearest = Nearest(name, {names.begin(), names.end()});
  if (!nearest.empty()) absl::StrAppend(&message, "; did you mean '", std::string(nearest), "'?");
  return Failure{absl::NotFoundError(message), "MEMBER_NOT_FOUND"};
}

Outcome<Member> GetMember(const View& view, const admin::v1::GetMemberRequest& request) {
  const Outcome<swim::MemberStatus> member = FindMember(view.cluster, request.name());
  if (const auto* failure = std::get_if<Failure>(&member)) return *failure;
  return DescribeMember(std::get<0>(member), view.cluster, view.clock);
}

Outcome<std::vector<Endpoint>> ReadJoin(const swim::ClusterStatus& cluster,
                                        const admin::v1::JoinMembersRequest& request) {
  if (!cluster.enabled) return ClusterDisabled();
  if (request.addresses_size() == 0 || request.addresses_size() > kMaxJoinAddresses)
    return FieldFailure("addresses", absl::StrCat(request.addresses_size(), " of them, not 1 to ",
                                                  kMaxJoinAddresses));
  std::vector<Endpoint> found;
  for (const std::string& text : request.addresses()) {
    absl::StatusOr<Endpoint> endpoint = Endpoint::FromIp(text, cluster.address.port());
    if (!endpoint.ok()) endpoint = Endpoint::Parse(text);
    if (!endpoint.ok()) return FieldFailure("addresses", std::string(endpoint.status().message()));
    if (endpoint->kind() != Endpoint::Kind::kIp)
      return FieldFailure("addresses",
                          absl::StrCat("'", text,
                                       "' is not an IP address, with a port or without; names are "
                                       "looked up of cluster.peers alone"));
    found.push_back(*std::move(endpoint));
  }
  return found;
}

Outcome<swim::MemberStatus> ReadForget(const swim::ClusterStatus& cluster,
                                       const admin::v1::ForgetMemberRequest& request) {
  if (!cluster.enabled) return ClusterDisabled();
  Outcome<swim::MemberStatus> member = FindMember(cluster, request.name());
  if (const auto* failure = std::get_if<Failure>(&member)) return *failure;
  const swim::State state = std::get<swim::MemberStatus>(member).state;
  if (state == swim::State::kDead || state == swim::State::kLeft) return member;
  return Failure{absl::FailedPreconditionError(absl::StrCat(
                     "'", request.name(),
                     "' is a member that lives: only one that failed or left is forgotten")),
                 "MEMBER_ALIVE",
                 {{"name", request.name()}}};
}

Outcome<admin::v1::LeaveClusterResponse> ReadLeave(const swim::ClusterStatus& cluster) {
  if (!cluster.enabled) return ClusterDisabled();
  if (cluster.stays_away)
    return Failure{absl::FailedPreconditionError(
                       "this host left by order already; lbctl member join ADDRESS brings it back"),
                   "NO_MEMBER"};
  admin::v1::LeaveClusterResponse out;
  out.set_name(MemberName(cluster.name));
  const uint32_t alive =
      CountOf(cluster, swim::State::kAlive) + CountOf(cluster, swim::State::kSuspect);
  out.set_members_alive(alive == 0 ? 0 : alive - 1);
  return out;
}

admin::v1::Cluster DescribeCluster(const swim::ClusterStatus& cluster) {
  admin::v1::Cluster out;
  out.set_name(CutUtf8(cluster.name, cluster.name.size()));
  out.set_label(cluster.label);
  out.set_address(cluster.address.ToString());
  out.set_keys(static_cast<uint32_t>(cluster.keys.size()));
  out.set_keys_ordered(cluster.keys_ordered);
  out.set_stays_away(cluster.stays_away);
  out.set_open(cluster.open);
  out.set_problem(cluster.problem);
  out.set_members_alive(CountOf(cluster, swim::State::kAlive));
  out.set_members_suspect(CountOf(cluster, swim::State::kSuspect));
  out.set_members_failed(CountOf(cluster, swim::State::kDead));
  out.set_members_left(CountOf(cluster, swim::State::kLeft));
  for (const std::string& peer : cluster.seeds_missing) out.add_peers_missing(peer);
  return out;
}

std::vector<admin::v1::Alert> ClusterAlerts(const View& view) {
  const swim::ClusterStatus& cluster = view.cluster;
  std::vector<admin::v1::Alert> out;
  if (!cluster.enabled) return out;
  if (!cluster.problem.empty())
    out.push_back(AlertOf("cluster", absl::StrCat("this host is no member: ", cluster.problem)));
  if (cluster.stays_away) {
    out.push_back(AlertOf("cluster",
                          "this host left by order and is no member; lbctl member join ADDRESS "
                          "brings it back"));
    return out;
  }
  if (cluster.keys_ordered)
    out.push_back(AlertOf("cluster",
                          "keys set by lbctl member key, or by serf keys, hold instead of the "
                          "configuration's: bring cluster.key or key_file up to date"));
  if (cluster.open)
    out.push_back(
        AlertOf("cluster", absl::StrCat("no key: whoever reaches ", cluster.address.ToString(),
                                        " hears what members say, and is believed")));
  if (!cluster.seeds_missing.empty())
    out.push_back(AlertOf("cluster", absl::StrCat("configured peers that are no members: ",
                                                  Some(cluster.seeds_missing))));
  AddReduced(view, out);
  AddStrangers(cluster.strangers, out);
  for (const swim::MemberStatus& member : cluster.members)
    if (member.state == swim::State::kDead)
      out.push_back(AlertOf(MemberName(member.name),
                            absl::StrCat("failed ", Since(member, view.clock.steady), " ago at ",
                                         member.address.ToString(),
                                         "; if it is gone for good, forget it on every host: ",
                                         "lbctl member forget ", ToType(member.name))));
  return out;
}

}  // namespace lb::controlplane
