// Orders of operators about the keys of the cluster: asked of all members, gathered again.
// Threading: none.
#pragma once

#include "controlplane/admin/failure.h"
#include "controlplane/admin/view.h"
#include "controlplane/loop/event.h"
#include "controlplane/loop/parts.h"
#include "controlplane/membership/gossip.h"
#include "lb/admin/v1/member.pb.h"

namespace lb::controlplane {

// Each leaves in Parts::member_orders what all members are asked; the answer follows when each has
// said something, or has had its time. A list of a host whose others are not asked is its own.
Outcome<admin::v1::ListKeysResponse> ListKeys(const AdminRequest& event, const View& view,
                                              Parts& parts);
Outcome<admin::v1::ChangeKeyResponse> ChangeKey(const AdminRequest& event, const View& view,
                                                const admin::v1::ChangeKeyRequest& request,
                                                Parts& parts);

// What came of it.
void OnKeysAnswered(const swim::KeysAnswered& answered, Parts& parts, Turn& turn);
// Tells of a change that somebody ordered, or of its refusal.
void EmitKeysOrdered(const swim::KeysOrdered& ordered, Turn& turn);

// Whoever asked is gone.
void ForgetKeyQuestion(RequestId request, Parts& parts);

}  // namespace lb::controlplane
