#include "controlplane/config/build_cluster.h"

#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "controlplane/config/cluster_keys.h"
#include "controlplane/config/codes.h"
#include "controlplane/config/section_view.h"
#include "controlplane/membership/place.h"

namespace lb::controlplane {
namespace {

using std::chrono::milliseconds;

constexpr char kDefaultBind[] = "0.0.0.0:7946";
// Read by the group, or by all.
constexpr uint32_t kOpenKeysMode = 0044;
constexpr char kMakeKey[] = "make one with: head -c 32 /dev/urandom | base64";

Endpoint Parsed(std::string_view text) {
  absl::StatusOr<Endpoint> endpoint = Endpoint::Parse(text);
  LB_CHECK(endpoint.ok());
  return *std::move(endpoint);
}

// A good address of the section, or what it is without one.
std::optional<Endpoint> AddressOf(const SectionView& cluster, std::string_view key) {
  const YamlNode* node = cluster.Value(key);
  if (node == nullptr) return std::nullopt;
  return Parsed(node->text);
}

std::optional<milliseconds> DurationOf(const SectionView& cluster, std::string_view key) {
  const YamlNode* node = cluster.Value(key);
  if (node == nullptr) return std::nullopt;
  return milliseconds(node->number);
}

class Builder final {
 public:
  Builder(const SectionView& cluster, const Sources& sources, FindingList& findings)
      : cluster_(cluster), sources_(sources), findings_(findings) {}

  ClusterConfig Build() {
    config_.bind_addr = AddressOf(cluster_, "bind_addr").value_or(Parsed(kDefaultBind));
    config_.name = cluster_.Text("name");
    config_.label = cluster_.Text("label");
    config_.serf_delegate = cluster_.Text("delegate") != "plain";
    ReadAdvertised();
    ReadPeers();
    ReadKeys();
    ReadSharing();
    WarnOfOpen();
    return std::move(config_);
  }

 private:
  void ReadAdvertised() {
    config_.advertise_addr = AddressOf(cluster_, "advertise_addr");
    if (config_.advertise_addr && IsAnyAddress(*config_.advertise_addr))
      NoAddress(*cluster_.Value("advertise_addr"), cluster_.FieldOf("advertise_addr"));
    const bool bound = !IsAnyAddress(config_.bind_addr);
    if (!config_.advertise_addr && bound) config_.advertise_addr = config_.bind_addr;
  }

  void ReadPeers() {
    const YamlNode* peers = cluster_.Find("peers");
    if (peers == nullptr) return;
    for (size_t i = 0; i < peers->children.size(); ++i) {
      const YamlNode& node = peers->children[i];
      if (!node.valid) continue;
      Endpoint peer = Parsed(node.text);
      const std::string field = absl::StrCat(cluster_.FieldOf("peers"), "[", i, "]");
      if (IsAnyAddress(peer)) NoAddress(node, field);
      if (peer.kind() == Endpoint::Kind::kUnix)
        findings_.Add({.code = codes::kBadFormat,
                       .span = node.span,
                       .field = field,
                       .message = "a unix socket leads to no other host",
                       .hint = "write an address or a DNS name, with a port"});
      config_.peers.push_back(std::move(peer));
    }
  }

  void NoAddress(const YamlNode& node, std::string field) {
    findings_.Add({.code = codes::kBadFormat,
                   .span = node.span,
                   .field = std::move(field),
                   .message = "0.0.0.0 and [::] are no address of a host",
                   .hint = "write one that the other members reach"});
  }

  void ReadKeys() {
    const YamlNode* key = cluster_.Value("key");
    const YamlNode* file = cluster_.Value("key_file");
    if (key != nullptr) Take(*key, ParseOne(key->text));
    if (file == nullptr) return;
    if (key != nullptr) {
      findings_.Add({.code = codes::kContradiction,
                     .span = file->span,
                     .field = cluster_.FieldOf("key_file"),
                     .message = "key and key_file both say the key",
                     .hint = "remove one of them"});
      return;
    }
    const absl::StatusOr<std::string> text = sources_.read_file(file->text);
    if (text.ok()) {
      WarnOfMode(*file);
      return Take(*file, ParseClusterKeys(*text));
    }
    const std::string name = file->expanded ? "the file that ${...} names" : Quote(file->text);
    findings_.Add({.code = codes::kFile,
                   .span = file->span,
                   .field = cluster_.FieldOf("key_file"),
                   .message = absl::StrCat("cannot read ", name, ": ", text.status().message())});
  }

  void WarnOfMode(const YamlNode& file) {
    if (!sources_.read_mode) return;
    const std::optional<uint32_t> mode = sources_.read_mode(file.text);
    if (!mode || (*mode & kOpenKeysMode) == 0) return;
    findings_.Add({.severity = Finding::Severity::kWarning,
                   .code = codes::kOpenKey,
                   .span = file.span,
                   .field = cluster_.FieldOf("key_file"),
                   .message = "others than its owner may read the keys of the cluster",
                   .hint = "chmod 600 it, and replace them when others have read it"});
  }

  static absl::StatusOr<std::vector<std::string>> ParseOne(std::string_view text) {
    absl::StatusOr<std::string> key = ParseClusterKey(text);
    if (!key.ok()) return key.status();
    return std::vector<std::string>{*std::move(key)};
  }

  void Take(const YamlNode& node, absl::StatusOr<std::vector<std::string>> keys) {
    if (keys.ok()) {
      config_.keys = *std::move(keys);
      return;
    }
    findings_.Add({.code = codes::kBadClusterKey,
                   .span = node.span,
                   .field = cluster_.FieldOf(node.key),
                   .message = absl::StrCat(node.key == "key" ? "the key " : "the file of keys: it ",
                                           keys.status().message()),
                   .hint = kMakeKey});
  }

  void ReadSharing() {
    config_.usage_bind_addr = AddressOf(cluster_, "usage_bind_addr");
    if (cluster_.Text("on_partition") == "local")
      config_.on_partition = ClusterConfig::OnPartition::kLocal;
    if (cluster_.Text("minority") == "full") config_.minority = ClusterConfig::Minority::kFull;
    if (const YamlNode* overcommit = cluster_.Value("overcommit"))
      config_.overcommit_thousandths = static_cast<uint32_t>(overcommit->number);
    config_.reclaim_after = DurationOf(cluster_, "reclaim_after");
    config_.forget_after = DurationOf(cluster_, "forget_after");
  }

  // A key that is no good has its finding.
  void WarnOfOpen() {
    if (cluster_.Says("key") || cluster_.Says("key_file")) return;
    if (swim::IsLoopback(config_.bind_addr)) return;
    const YamlNode* bind = cluster_.Value("bind_addr");
    findings_.Add(
        {.severity = Finding::Severity::kWarning,
         .code = codes::kOpenCluster,
         .span = bind == nullptr ? cluster_.Place() : bind->span,
         .field = bind == nullptr ? cluster_.Field() : cluster_.FieldOf("bind_addr"),
         .message = absl::StrCat("without a key, whoever reaches ", config_.bind_addr.ToString(),
                                 " hears what members say, and is believed"),
         .hint = absl::StrCat("set key or key_file; ", kMakeKey)});
  }

  const SectionView& cluster_;
  const Sources& sources_;
  FindingList& findings_;
  ClusterConfig config_;
};

}  // namespace

std::optional<ClusterConfig> BuildCluster(const YamlNode& root, const Sources& sources,
                                          FindingList& findings) {
  const SectionView cluster(root, "cluster");
  if (!cluster.on()) return std::nullopt;
  return Builder(cluster, sources, findings).Build();
}

}  // namespace lb::controlplane
