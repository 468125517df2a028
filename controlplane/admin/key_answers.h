// Answers about the keys of the cluster: fingerprints, never keys. Pure; threading: none.
#pragma once

#include <optional>
#include <string>

#include "controlplane/admin/failure.h"
#include "controlplane/membership/cluster_status.h"
#include "controlplane/membership/gossip.h"
#include "controlplane/membership/ordered_keys.h"
#include "lb/admin/v1/member.pb.h"

namespace lb::controlplane {

// Failures: CLUSTER_DISABLED, CLUSTER_OPEN.
std::optional<Failure> CheckKeys(const swim::ClusterStatus& cluster);

struct KeyChange {
  swim::KeyVerb verb = swim::KeyVerb::kAdd;
  std::string key;  // Raw bytes.
};

// What a ChangeKey asks for, good for OrderedKeys::CarryOut. Failures: those of CheckKeys,
// KEYS_BY_FILE, NO_MEMBER, FIELD_INVALID, KEY_NOT_FOUND, KEY_SEALS, TOO_MANY_KEYS.
Outcome<KeyChange> ReadKeyChange(const swim::ClusterStatus& cluster, const swim::OrderedKeys& keys,
                                 const admin::v1::ChangeKeyRequest& request);

// NO_MEMBER: nobody can be asked from here.
Failure NoMemberNow();
// TOO_MANY_CHANGES: this host waits for the answers to others.
Failure TooManyKeyOrders();

// Whom a change would be asked of.
admin::v1::ChangeKeyResponse PlanKeyChange(const swim::ClusterStatus& cluster,
                                           const swim::KeyMark& key);
// What became of it.
admin::v1::ChangeKeyResponse DescribeKeyChange(const swim::KeyMark& key,
                                               const swim::KeysAnswered& answered);
admin::v1::ListKeysResponse DescribeKeys(bool keys_ordered, const swim::KeysAnswered& answered);
// Of this host, where no other one is asked.
admin::v1::ListKeysResponse DescribeOwnKeys(const swim::ClusterStatus& cluster);

}  // namespace lb::controlplane
