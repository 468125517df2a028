// Orders of operators about members of the cluster. Threading: none.
#pragma once

#include "controlplane/admin/failure.h"
#include "controlplane/admin/view.h"
#include "controlplane/loop/parts.h"
#include "lb/admin/v1/member.pb.h"

namespace lb::controlplane {

// Answer at once, and leave in Parts::member_orders what is to be done.
Outcome<admin::v1::JoinMembersResponse> JoinMembers(const View& view,
                                                    const admin::v1::JoinMembersRequest& request,
                                                    Parts& parts);
Outcome<admin::v1::Member> ForgetMember(const View& view,
                                        const admin::v1::ForgetMemberRequest& request,
                                        Parts& parts);
Outcome<admin::v1::LeaveClusterResponse> LeaveCluster(const View& view,
                                                      const admin::v1::LeaveClusterRequest& request,
                                                      Parts& parts);

}  // namespace lb::controlplane
