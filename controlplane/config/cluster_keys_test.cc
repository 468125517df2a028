// The keys of `cluster`: what they mean, and what is refused or warned of.
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "controlplane/config/load.h"
#include "controlplane/config/test_sources.h"
#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

const std::string kKey(32, 'C');
const std::string kOldKey(16, 'O');

std::string Base64(const std::string& bytes) { return absl::Base64Escape(bytes); }

LoadResult LoadWith(const std::string& cluster, const std::string& key_file = "") {
  TestSources sources;
  sources.files["/keys"] = key_file;
  return Load(absl::StrCat("rules: [{name: a, listen: '127.0.0.1:1', backends: ['127.0.0.1:2']}]\n",
                           "cluster: {", cluster, "}\n"),
              sources.Get());
}

ClusterConfig Cluster(const std::string& cluster, const std::string& key_file = "") {
  const LoadResult result = LoadWith(cluster, key_file);
  EXPECT_TRUE(result.config) << cluster << result.findings.at(0).message;
  return result.config.value_or(Config()).cluster.value_or(ClusterConfig());
}

std::string Findings(const std::string& cluster, const std::string& key_file = "") {
  std::string text;
  for (const Finding& finding : LoadWith(cluster, key_file).findings)
    absl::StrAppend(&text, finding.code, " ", finding.field, ": ", finding.message, "\n");
  return text;
}

std::string KeyFileFinding(const std::string& key_file) {
  return Findings("key_file: /keys", key_file);
}

TEST(ClusterKeysTest, AHostIsInNoClusterUnlessSaid) {
  EXPECT_EQ(Load("rules: []\n", TestSources().Get()).config->cluster, std::nullopt);
  EXPECT_EQ(LoadWith("enabled: false, peers: ['10.0.0.2:7946']").config->cluster, std::nullopt);
}

TEST(ClusterKeysTest, EveryKeyInForceReachesTheConfiguration) {
  const ClusterConfig all = Cluster(absl::StrCat(
      "bind_addr: '10.0.0.1:9090', advertise_addr: '192.0.2.1:19090', name: lb-1, label: prod, "
      "peers: ['10.0.0.2:9090', 'peers.internal:9090', _lb._udp.internal], delegate: plain, key: ",
      Base64(kKey)));
  EXPECT_EQ(all.bind_addr.ToString(), "10.0.0.1:9090");
  EXPECT_EQ(all.advertise_addr->ToString(), "192.0.2.1:19090");
  EXPECT_EQ(all.name, "lb-1");
  EXPECT_EQ(all.label, "prod");
  ASSERT_EQ(all.peers.size(), 3u);
  EXPECT_EQ(all.peers[1].kind(), Endpoint::Kind::kName);
  EXPECT_EQ(all.peers[2].kind(), Endpoint::Kind::kSrv);
  EXPECT_FALSE(all.serf_delegate);
  EXPECT_EQ(all.keys, std::vector<std::string>{kKey});
}

TEST(ClusterKeysTest, WhereOthersReachAMemberIsWhereItListensUnlessThatIsEverywhere) {
  const ClusterConfig empty = Cluster("");
  EXPECT_EQ(empty.bind_addr.ToString(), "0.0.0.0:7946");
  EXPECT_EQ(empty.advertise_addr, std::nullopt);
  EXPECT_TRUE(empty.serf_delegate);
  EXPECT_EQ(Cluster("bind_addr: '[::]:1'").advertise_addr, std::nullopt);
  EXPECT_EQ(Cluster("bind_addr: '10.0.0.1:1'").advertise_addr->ToString(), "10.0.0.1:1");
}

TEST(ClusterKeysTest, AFileHasSeveralKeysOfWhichTheFirstSeals) {
  const std::string file =
      absl::StrCat("# new\n", Base64(kKey), "\r\n\n  # old\n", Base64(kOldKey));
  EXPECT_EQ(Cluster("key_file: /keys", file).keys, (std::vector<std::string>{kKey, kOldKey}));
}

TEST(ClusterKeysTest, ABadKeyIsRefusedAndNotShown) {
  constexpr char kSecret[] = "CANARY-CANARY-CANARY";
  EXPECT_EQ(Findings(absl::StrCat("key: ", kSecret)),
            "LB0117 cluster.key: the key is not base64\n");
  EXPECT_EQ(Findings(absl::StrCat("key: ", Base64(kSecret))),
            "LB0117 cluster.key: the key is base64 of 20 bytes, not of 16, 24 or 32\n");
  EXPECT_EQ(Findings("key: 12345678").find("1234"), std::string::npos);
  EXPECT_EQ(Findings(absl::StrCat("key: ", kSecret, kSecret, kSecret, kSecret)),
            "LB0106 cluster.key: the value is longer than 64 bytes\n");
}

TEST(ClusterKeysTest, WithoutAKeyAnOpenAddressIsWarnedOf) {
  const std::string warning =
      "LB0206 cluster.bind_addr: without a key, whoever reaches 0.0.0.0:9090 hears what members "
      "say, and is believed\n";
  EXPECT_EQ(Findings("bind_addr: '0.0.0.0:9090', peers: ['10.0.0.2:9090']"), warning);
  EXPECT_EQ(Findings("peers: []").substr(0, 15), "LB0206 cluster:");
  EXPECT_EQ(Findings("bind_addr: '127.0.0.1:9090'"), "");
  EXPECT_EQ(Findings("bind_addr: '[::1]:9090'"), "");
  EXPECT_EQ(Findings("key: " + Base64(kKey)), "");
}

TEST(ClusterKeysTest, AFileOfKeysThatOthersMayReadIsWarnedOf) {
  TestSources files;
  files.files["/keys"] = Base64(kKey);
  Sources sources = files.Get();
  for (const auto& [mode, warns] : {std::pair(0100600u, false), std::pair(0100640u, true),
                                    std::pair(0100604u, true), std::pair(0100700u, false)}) {
    sources.read_mode = [mode = mode](const std::string&) { return std::optional(mode); };
    const LoadResult result = Load("rules: []\ncluster: {key_file: /keys}\n", sources);
    bool warned = false;
    for (const Finding& finding : result.findings)
      warned |= finding.code == "LB0246" && finding.field == "cluster.key_file";
    EXPECT_EQ(warned, warns) << mode;
    EXPECT_TRUE(result.config);
  }
}

TEST(ClusterKeysTest, AFileOfKeysThatIsNoGoodIsRefusedByItsLine) {
  const std::string prefix = "LB0117 cluster.key_file: the file of keys: it ";
  EXPECT_EQ(KeyFileFinding(""), prefix + "has no key\n");
  EXPECT_EQ(KeyFileFinding("# none\n"), prefix + "has no key\n");
  EXPECT_EQ(KeyFileFinding(Base64(kKey) + "\nCANARY!\n"), prefix + "line 2 is not base64\n");
  EXPECT_EQ(KeyFileFinding(Base64(kKey) + "\n" + Base64(kKey)),
            prefix + "line 2 is a key that stands above, too\n");
  std::string five;
  for (const char c : {'1', '2', '3', '4', '5'})
    absl::StrAppend(&five, Base64(std::string(24, c)), "\n");
  EXPECT_EQ(KeyFileFinding(five), prefix + "line 5 is a key too many: at most 4\n");
  EXPECT_EQ(Findings("key_file: /none"),
            "LB0113 cluster.key_file: cannot read '/none': No such file or directory\n");
}

TEST(ClusterKeysTest, AKeyAndAFileOfKeysContradictEachOther) {
  EXPECT_EQ(Findings(absl::StrCat("key_file: /keys, key: ", Base64(kKey)), Base64(kOldKey)),
            "LB0116 cluster.key_file: key and key_file both say the key\n");
}

TEST(ClusterKeysTest, AnAddressThatLeadsToNoOtherHostIsRefused) {
  const std::string key = absl::StrCat(", key: ", Base64(kKey));
  EXPECT_EQ(Findings("peers: ['unix:/run/x']" + key),
            "LB0108 cluster.peers[0]: a unix socket leads to no other host\n");
  EXPECT_EQ(Findings("peers: ['10.0.0.2:1', '0.0.0.0:1']" + key),
            "LB0108 cluster.peers[1]: 0.0.0.0 and [::] are no address of a host\n");
  EXPECT_EQ(Findings("advertise_addr: '[::]:1'" + key),
            "LB0108 cluster.advertise_addr: 0.0.0.0 and [::] are no address of a host\n");
}

TEST(ClusterKeysTest, HowFarABurstMayPassALimitIsAtLeastTheLimit) {
  const std::string key = absl::StrCat(", key: ", Base64(kKey));
  EXPECT_EQ(LoadWith("overcommit: 1" + key).config->cluster->overcommit_thousandths, 1'000u);
  EXPECT_EQ(LoadWith("overcommit: 1.5" + key).config->cluster->overcommit_thousandths, 1'500u);
  EXPECT_EQ(LoadWith("peers: []" + key).config->cluster->overcommit_thousandths, 2'000u);
  EXPECT_NE(Findings("overcommit: 0.9" + key), "");
}

TEST(ClusterKeysTest, WordsOfSerfAndConsulLeadToOurs) {
  const auto hint = [](const std::string& key) {
    const LoadResult result = LoadWith(key + ": x, bind_addr: '127.0.0.1:1'");
    return result.findings.empty() ? "" : result.findings[0].hint;
  };
  EXPECT_EQ(hint("encrypt"), "did you mean 'key'?");
  EXPECT_EQ(hint("retry_join"), "did you mean 'peers'?");
  EXPECT_EQ(hint("start-join"), "did you mean 'peers'?");
  EXPECT_EQ(hint("bind"), "did you mean 'bind_addr'?");
  EXPECT_EQ(hint("advertise"), "did you mean 'advertise_addr'?");
  EXPECT_EQ(hint("node_name"), "did you mean 'name'?");
  // Others' "keyfile" is a key of TLS; here one of our own is nearer.
  EXPECT_EQ(hint("keyfile"), "did you mean 'key_file'?");
}

}  // namespace
}  // namespace lb::controlplane
