#include "controlplane/config/secrets.h"

#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

constexpr char kText[] = R"(rules: []  # was c2VjcmV0LWNhbmFyeQ==
cluster:
  enabled: false
  key: "c2VjcmV0LWNhbmFyeQ=="
  bind_addr: "0.0.0.0:9090"
)";

TEST(SecretsTest, ADefaultBesideAReferenceIsHiddenToo) {
  for (const char* value : {"\"${X:-CANARY}\"", "\"${X:-}CANARY\"", "\"${X}CANARY${Y}\""})
    EXPECT_EQ(HideSecrets(std::string("cluster: {key: ") + value + "}\n").find("CANARY"),
              std::string::npos)
        << value;
  EXPECT_NE(HideSecrets("cluster: {key: \"${KEY}\"}\n").find("${KEY}"), std::string::npos);
  EXPECT_NE(HideSecrets("cluster: {key: \"${file:/run/key}\"}\n").find("/run/key"),
            std::string::npos);
}

TEST(SecretsTest, ASecretIsShownNowhereAndTheRestAsItIs) {
  const std::string shown = HideSecrets(kText);
  EXPECT_EQ(shown.find("c2VjcmV0"), std::string::npos) << shown;
  EXPECT_NE(shown.find("bind_addr: \"0.0.0.0:9090\""), std::string::npos) << shown;
  EXPECT_TRUE(HasHiddenSecret(shown));
  EXPECT_FALSE(HasHiddenSecret(kText));
}

TEST(SecretsTest, AReferenceIsNoSecretAndBrokenTextIsNotShown) {
  const std::string text = "rules: []\ncluster: {key: \"${file:/run/key}\"}\n";
  EXPECT_EQ(HideSecrets(text), text);
  EXPECT_EQ(HideSecrets("cluster: {key: c2VjcmV0"), "# not YAML\n");
  EXPECT_EQ(HideSecrets("rules: []\n"), "rules: []\n");
}

// What a reference falls back on, and what stands beside it, is in the text.
TEST(SecretsTest, OnlyAWholeReferenceIsNone) {
  for (const char* value :
       {"${X:-CANARY}", "${X:-}CANARY", "${X}CANARY", "CANARY${X}", "${file:/run/key}CANARY",
        "$${CANARY}", "${X:?CANARY}", "${CANARY", "${X}${Y:-CANARY}"}) {
    const std::string text = "rules: []\ncluster: {key: \"" + std::string(value) + "\"}\n";
    EXPECT_EQ(HideSecrets(text).find("CANARY"), std::string::npos) << value;
    EXPECT_EQ(MaskSecrets(text).find("CANARY"), std::string::npos) << value;
  }
  const std::string good = "cluster: {key: \"${KEY_1}\"}\n";
  EXPECT_EQ(HideSecrets(good), good);
  EXPECT_EQ(MaskSecrets(good), good);
}

TEST(SecretsTest, AMaskKeepsLinesAndColumns) {
  EXPECT_EQ(
      MaskSecrets("cluster: {key: \"CAN\xC3\x84RY12\", x: 1}  # CAN\xC3\x84RY12\nrules: []\n"),
      "cluster: {key: **********, x: 1}  # ********\nrules: []\n");
}

TEST(SecretsTest, InBrokenTextAllThatFollowsTheKeyIsMasked) {
  EXPECT_EQ(MaskSecrets("rules: [\ncluster:\n  key: |\n    CANARY\n  x: [\n"),
            "rules: [\ncluster:\n  key***\n**********\n******\n");
  EXPECT_EQ(MaskSecrets("cluster: {key_file: /x, monkey: 1\n"),
            "cluster: {key_file: /x, monkey: 1\n");
  EXPECT_EQ(MaskSecrets("\xFF key: CANARY\n"), "\xFF key********\n");
}

}  // namespace
}  // namespace lb::controlplane
