// Answers about the cluster: who is a member, and what an operator should look at. Pure; threading:
// none.
#pragma once

#include <string>
#include <vector>

#include "base/endpoint.h"
#include "base/time.h"
#include "controlplane/admin/failure.h"
#include "controlplane/admin/view.h"
#include "controlplane/membership/cluster_status.h"
#include "lb/admin/v1/admin.pb.h"
#include "lb/admin/v1/member.pb.h"

namespace lb::controlplane {

// Most addresses of one JoinMembers.
inline constexpr int kMaxJoinAddresses = 100;

// Alerts about an address whose packets are not those of a member: "cluster/strangers/10.0.0.3".
inline constexpr char kStrangerResource[] = "cluster/strangers/";
// The alert that shared limits are reduced.
inline constexpr char kReducedResource[] = "cluster/limits";

// CLUSTER_DISABLED: the configuration has none.
Failure ClusterDisabled();

// "members/lb-1"; a name of other programs may have any bytes, which are written as "%2F" is.
std::string MemberName(const std::string& name);

// By name. Failures as ListQuery::Read.
Outcome<admin::v1::ListMembersResponse> ListMembers(const View& view,
                                                    const admin::v1::ListMembersRequest& request);

// One of them. Failures as FindMember.
Outcome<admin::v1::Member> GetMember(const View& view, const admin::v1::GetMemberRequest& request);

// The member of a resource name. Failures: MEMBER_NOT_FOUND, with the closest name.
Outcome<swim::MemberStatus> FindMember(const swim::ClusterStatus& cluster, const std::string& name);

// Shows a member.
admin::v1::Member DescribeMember(const swim::MemberStatus& member,
                                 const swim::ClusterStatus& cluster, const ClockReading& clock);

// What is to be called for a JoinMembers. Failures: CLUSTER_DISABLED, FIELD_INVALID.
Outcome<std::vector<Endpoint>> ReadJoin(const swim::ClusterStatus& cluster,
                                        const admin::v1::JoinMembersRequest& request);

// Who is to be forgotten. Failures: CLUSTER_DISABLED, MEMBER_NOT_FOUND, MEMBER_ALIVE.
Outcome<swim::MemberStatus> ReadForget(const swim::ClusterStatus& cluster,
                                       const admin::v1::ForgetMemberRequest& request);

// What a LeaveCluster leaves. Failures: CLUSTER_DISABLED, NO_MEMBER.
Outcome<admin::v1::LeaveClusterResponse> ReadLeave(const swim::ClusterStatus& cluster);

// The summary of a cluster that is on.
admin::v1::Cluster DescribeCluster(const swim::ClusterStatus& cluster);

// One alert each for a cluster that does not work or was left by order, that strangers may speak
// to, whose keys are not those of the configuration, whose peers are missing, that shares less of
// its limits since hosts are not heard; for each address with another key or label, and for each
// member that failed, by name.
std::vector<admin::v1::Alert> ClusterAlerts(const View& view);

}  // namespace lb::controlplane
