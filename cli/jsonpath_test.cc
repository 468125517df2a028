#include "cli/jsonpath.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace lb::cli {
namespace {

std::string Evaluate(const std::string& path) {
  const boost::json::value value = boost::json::parse(
      R"({"kind":"RuleList","items":[{"name":"a","n":"1"},{"name":"b\u001b[2J","q":{"max":3}}]})");
  const auto result = EvaluateJsonPath(path, value);
  return result.ok() ? *result : "error: " + std::string(result.status().message());
}

TEST(JsonPathTest, SelectsFieldsElementsAndAllElements) {
  EXPECT_EQ(Evaluate("{.kind}"), "RuleList");
  EXPECT_EQ(Evaluate("{.items[0].name}"), "a");
  EXPECT_EQ(Evaluate("{.items[*].n}"), "1");
  EXPECT_EQ(Evaluate("{.items[1].q}"), R"({"max":3})");
}

TEST(JsonPathTest, TextAndSeveralExpressionsAreJoined) {
  EXPECT_EQ(Evaluate("kind={.kind}{\"\\n\"}{.items[0].name}!"), "kind=RuleList\na!");
}

TEST(JsonPathTest, WhatDoesNotExistGivesNothing) {
  EXPECT_EQ(Evaluate("{.nothing.here}{.items[9].name}{.kind[*]}"), "");
}

TEST(JsonPathTest, ControlCharactersAreEscaped) {
  EXPECT_EQ(Evaluate("{.items[*].name}"), "a b\\x1b[2J");
}

TEST(JsonPathTest, BadTemplatesAreNamed) {
  for (const char* path : {"", "{.a", "{a}", "{}", "{.a[x]}", "{.a[0}", "{.a..b}", "{.a[0]b}"})
    EXPECT_EQ(Evaluate(path).rfind("error: -o jsonpath", 0), 0u) << path << Evaluate(path);
}

}  // namespace
}  // namespace lb::cli
