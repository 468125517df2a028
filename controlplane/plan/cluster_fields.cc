#include "controlplane/plan/cluster_fields.h"

#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/sha256.h"

namespace lb::controlplane {
namespace {

constexpr char kAnew[] =
    "the member leaves the cluster and joins it anew; no connection is touched";
constexpr size_t kMaxPeersShown = 8;
constexpr size_t kShownDigestBytes = 6;

// A few peers as they are; of many, how many and a digest.
std::string PeersText(const std::vector<Endpoint>& peers) {
  std::string all = absl::StrJoin(peers, ", ", [](std::string* out, const Endpoint& peer) {
    absl::StrAppend(out, peer.ToString());
  });
  if (peers.size() <= kMaxPeersShown) return all;
  const std::string digest = Sha256(all).substr(0, kShownDigestBytes);
  return absl::StrCat(peers.size(), " peers, ", absl::BytesToHexString(digest));
}

// A digest would let a weak key be guessed.
std::string KeysText(size_t keys, bool other_keys) {
  if (keys == 0) return "";
  return absl::StrCat(keys, keys == 1 ? " key" : " keys", other_keys ? ", not the same" : "");
}

}  // namespace

std::vector<Field> FieldsOf(const ClusterConfig& cluster, bool other_keys) {
  return {
      {"bind_addr", cluster.bind_addr.ToString(), kAnew},
      {"advertise_addr", cluster.advertise_addr ? cluster.advertise_addr->ToString() : "", kAnew},
      {"peers", PeersText(cluster.peers), "for joining, from now on; members stay"},
      {"name", cluster.name, kAnew},
      {"label", cluster.label, kAnew},
      {"key", KeysText(cluster.keys.size(), other_keys),
       "for what members say from now on; who has no key in common is not heard"},
      {"delegate", cluster.serf_delegate ? "serf" : "plain", kAnew},
  };
}

}  // namespace lb::controlplane
