#include "controlplane/config/reference.h"

#include <boost/json.hpp>
#include <set>
#include <string>

#include "controlplane/config/key_table.h"
#include "controlplane/config/schema.h"
#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

TEST(ReferenceTest, AKeyIsExplainedHoweverItsPathIsWritten) {
  const std::string text = ExplainKey("rules[].timeouts.connect").value();
  EXPECT_EQ(text,
            "KEY      rules[].timeouts.connect\n"
            "TYPE     a duration, 1ms to 1h\n"
            "WRITTEN  250ms, 5s, 10m or 1h\n"
            "DEFAULT  5s\n"
            "\n"
            "Connecting to one backend.\n");
  EXPECT_EQ(ExplainKey("rules[0].timeouts.connect").value(), text);
  EXPECT_TRUE(ExplainKey("rules.sni.backends.weight").ok());
  EXPECT_TRUE(ExplainKey("rules[1].tls.certificates[0].cert").ok());
  EXPECT_EQ(ExplainKey("rules.timeouts.connect").value(), text);
}

TEST(ReferenceTest, ALimitedListSaysHowManyItemsItMayHave) {
  const std::string text = ExplainKey("rules[].source").value();
  EXPECT_NE(text.find("TYPE     a list of at most 64\n"), std::string::npos) << text;
  const boost::json::value schema = boost::json::parse(ConfigSchema());
  EXPECT_EQ(schema.at_pointer("/properties/rules/items/properties/source/maxItems"), 64);
}

TEST(ReferenceTest, AMapIsExplainedWithItsMembers) {
  const std::string rules = ExplainKey("rules").value();
  EXPECT_NE(rules.find("KEYS\n  name: a name; required\n"), std::string::npos) << rules;
  const std::string top = ExplainKey("").value();
  EXPECT_NE(top.find("api: a map; not built yet\n"), std::string::npos) << top;
  EXPECT_TRUE(ExplainKey("rules.health_check.path").ok());
  EXPECT_TRUE(ExplainKey("rules[1].sni[0].backends[2].weight").ok());
}

TEST(ReferenceTest, AnUnknownPathIsNotFoundAndANearOneNamed) {
  const absl::Status status = ExplainKey("health_chek").status();
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_EQ(status.message(), "no key 'health_chek'; did you mean 'health_check'?");
  const std::pair<std::string_view, std::string> nearest[] = {
      {"rules.lisen", "rules.listen"},
      {"rules[].lisen", "rules[].listen"},
      {"rules[0].backend[1].weight", "rules[0].backends[1].weight"},
      {"rules.health_check.intervall_ms", "rules.health_check.interval_ms"},
      {"rules.health_check.interval", "rules.health_check.interval_ms"},
      {"health", "health_check"},
      {"listen", "rules[].listen"},
      {"dns[0]", "dns"},
  };
  for (const auto& [path, expected] : nearest) {
    EXPECT_EQ(ExplainKey(path).status().message(),
              "no key '" + std::string(path) + "'; did you mean '" + expected + "'?");
  }
  for (const std::string_view path : {"rules[", "rules]", ".", "..", "rules[].x", "dns[0]"})
    EXPECT_TRUE(absl::IsNotFound(ExplainKey(path).status())) << path;
}

TEST(ReferenceTest, EveryRowHasADescriptionAndItsOwnPath) {
  std::set<std::string_view> paths;
  for (const KeySpec& spec : KeyRows()) {
    EXPECT_FALSE(spec.description.empty()) << spec.path;
    EXPECT_TRUE(paths.insert(spec.path).second) << spec.path;
    EXPECT_LE(spec.min, spec.max) << spec.path;
    ASSERT_NE(KeyTable::Get().Find(spec.path), nullptr) << spec.path;
    EXPECT_EQ(KeyTable::Get().Find(spec.path)->spec, &spec);
  }
}

TEST(ReferenceTest, TheSchemaNamesEveryTopLevelKeyAndResolvesItsReferences) {
  const boost::json::value schema = boost::json::parse(ConfigSchema());
  EXPECT_EQ(schema.at("$schema"), "https://json-schema.org/draft/2020-12/schema");
  const boost::json::object& properties = schema.at("properties").as_object();
  for (const KeyNode* member : KeyTable::Get().root().members)
    EXPECT_TRUE(properties.contains(std::string(member->name))) << member->name;
  const std::string text = ConfigSchema();
  const std::string prefix = "\"$ref\":\"#/$defs/";
  for (size_t at = 0; (at = text.find(prefix, at)) != std::string::npos;) {
    at += prefix.size();
    const std::string name = text.substr(at, text.find('"', at) - at);
    EXPECT_TRUE(schema.at("$defs").as_object().contains(name)) << name;
  }
}

}  // namespace
}  // namespace lb::controlplane
