#include "controlplane/loop/member_turn.h"

#include <variant>

#include "controlplane/admin/member_answers.h"

namespace lb::controlplane {

Outcome<admin::v1::JoinMembersResponse> JoinMembers(const View& view,
                                                    const admin::v1::JoinMembersRequest& request,
                                                    Parts& parts) {
  const Outcome<std::vector<Endpoint>> addresses = ReadJoin(view.cluster, request);
  if (const auto* failure = std::get_if<Failure>(&addresses)) return *failure;
  admin::v1::JoinMembersResponse out;
  for (const Endpoint& address : std::get<0>(addresses)) {
    out.add_addresses(address.ToString());
    if (!request.validate_only()) parts.member_orders.join.push_back(address);
  }
  return out;
}

Outcome<admin::v1::Member> ForgetMember(const View& view,
                                        const admin::v1::ForgetMemberRequest& request,
                                        Parts& parts) {
  const Outcome<swim::MemberStatus> member = ReadForget(view.cluster, request);
  if (const auto* failure = std::get_if<Failure>(&member)) return *failure;
  const swim::MemberStatus& found = std::get<0>(member);
  if (!request.validate_only()) parts.member_orders.forget.push_back(found.name);
  return DescribeMember(found, view.cluster, view.clock);
}

Outcome<admin::v1::LeaveClusterResponse> LeaveCluster(const View& view,
                                                      const admin::v1::LeaveClusterRequest& request,
                                                      Parts& parts) {
  Outcome<admin::v1::LeaveClusterResponse> response = ReadLeave(view.cluster);
  const bool good = std::holds_alternative<admin::v1::LeaveClusterResponse>(response);
  if (good && !request.validate_only()) parts.member_orders.leave = true;
  return response;
}

}  // namespace lb::controlplane
