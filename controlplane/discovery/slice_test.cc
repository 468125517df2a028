#include "controlplane/discovery/slice.h"

#include <string>

#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

// A slice with these endpoints, as the API server sends it.
std::string SliceOf(const std::string& endpoints, const std::string& type = "IPv4") {
  return R"({"metadata":{"name":"web-abc","namespace":"shop","resourceVersion":"17"},)"
         R"("addressType":")" +
         type + R"(","endpoints":[)" + endpoints +
         R"(],"ports":[{"name":"http","protocol":"TCP","port":8080},)"
         R"({"name":"dns","protocol":"UDP","port":53}]})";
}

std::string EndpointWith(const std::string& conditions) {
  return R"({"addresses":["10.0.0.1"],"conditions":)" + conditions +
         R"(,"targetRef":{"kind":"Pod","name":"web-1"}})";
}

// The state of the only endpoint: "ready", "ending" or "out".
std::string StateWith(const std::string& conditions) {
  const absl::StatusOr<Slice> slice = ReadSlice(SliceOf(EndpointWith(conditions)));
  if (!slice.ok()) return std::string(slice.status().message());
  if (slice->places.empty()) return "out";
  return slice->places[0].state == EndpointState::kReady ? "ready" : "ending";
}

TEST(SliceTest, HasWhatIsUsedOfIt) {
  const absl::StatusOr<Slice> slice =
      ReadSlice(SliceOf(EndpointWith("{}") +
                        R"(,{"addresses":["10.0.0.2","10.0.0.3"],"conditions":{"ready":true}})"));
  ASSERT_TRUE(slice.ok()) << slice.status();
  EXPECT_EQ(slice->name, "web-abc");
  EXPECT_EQ(slice->version, "17");
  ASSERT_EQ(slice->ports.size(), 1u);  // TCP alone.
  EXPECT_EQ(slice->ports[0].name, "http");
  EXPECT_EQ(slice->ports[0].number, 8080);
  ASSERT_EQ(slice->places.size(), 2u);
  EXPECT_EQ(slice->places[0].host, "10.0.0.1");
  EXPECT_EQ(slice->places[0].pod, "web-1");
  EXPECT_EQ(slice->places[1].host, "10.0.0.2");  // The others stand for the same.
  EXPECT_EQ(slice->places[1].pod, "");
}

TEST(SliceTest, ConditionsAreStates) {
  EXPECT_EQ(StateWith("{}"), "ready");
  EXPECT_EQ(StateWith("null"), "ready");
  EXPECT_EQ(StateWith(R"({"ready":null})"), "ready");
  EXPECT_EQ(StateWith(R"({"ready":true,"serving":true,"terminating":false})"), "ready");
  EXPECT_EQ(StateWith(R"({"ready":false,"serving":true,"terminating":true})"), "ending");
  EXPECT_EQ(StateWith(R"({"ready":false,"serving":false,"terminating":true})"), "out");
  EXPECT_EQ(StateWith(R"({"ready":false,"serving":true,"terminating":false})"), "out");
  EXPECT_EQ(StateWith(R"({"ready":false})"), "out");
  EXPECT_EQ(StateWith(R"({"ready":"yes"})"), "'ready' is not true or false");
}

TEST(SliceTest, Ipv6IsCanonicalAndNamesAreNoPlaces) {
  const auto v6 = ReadSlice(SliceOf(R"({"addresses":["fd00:0:0::0A"]})", "IPv6"));
  ASSERT_TRUE(v6.ok()) << v6.status();
  EXPECT_EQ(v6->places.at(0).host, "fd00::a");
  const auto names = ReadSlice(SliceOf(R"({"addresses":["db.example"]})", "FQDN"));
  ASSERT_TRUE(names.ok()) << names.status();
  EXPECT_TRUE(names->places.empty());
}

TEST(SliceTest, APodThatCouldNotBeANameHasNone) {
  for (const char* pod : {"Web", "a b", "a/b", "a@b", "\\u001b[2J", ""}) {
    const auto slice = ReadSlice(SliceOf(
        std::string(R"({"addresses":["10.0.0.1"],"targetRef":{"name":")") + pod + R"("}})"));
    ASSERT_TRUE(slice.ok()) << slice.status();
    EXPECT_EQ(slice->places.at(0).pod, "") << pod;
  }
}

TEST(SliceTest, WhatIsNoSliceIsRefusedWhole) {
  const std::string good = R"({"addresses":["10.0.0.1"]},)";
  for (const std::string& bad :
       {std::string(""), std::string("[]"), std::string("{"), std::string("{}"),
        std::string(R"({"metadata":{}})"), std::string(R"({"metadata":{"name":7}})"),
        SliceOf(good + "7"), SliceOf(good + R"({"addresses":[]})"),
        SliceOf(good + R"({"addresses":[7]})"), SliceOf(good + R"({"addresses":["db.example"]})"),
        SliceOf(good + R"({"addresses":["10.0.0.2"],"targetRef":"web"})"), SliceOf("") + "x",
        std::string(200, '[')})
    EXPECT_EQ(ReadSlice(bad).status().code(), absl::StatusCode::kInvalidArgument) << bad;
  for (const char* port : {"0", "65536", "-1", "1.5", "\"80\""}) {
    const std::string text = std::string(R"({"metadata":{"name":"a"},"addressType":"IPv4",)") +
                             R"("ports":[{"port":)" + port + "}]}";
    EXPECT_FALSE(ReadSlice(text).ok()) << port;
  }
}

TEST(SliceTest, AStatusIsPrintable) {
  const ApiStatus status =
      ReadApiStatus(R"({"kind":"Status","code":410,"message":"too old:\n1, now 2"})");
  EXPECT_EQ(status.code, 410);
  EXPECT_EQ(status.message, "too old: 1, now 2");
  EXPECT_EQ(ReadApiStatus("<html>").code, 0);
  EXPECT_EQ(ReadApiStatus(R"({"message":")" + std::string(1'000, 'a') + "\"}").message.size(),
            256u);
}

TEST(SliceTest, MetadataOfAListNeedsAVersion) {
  const auto page = ReadListMetadata(R"({"metadata":{"resourceVersion":"9","continue":"abc"}})");
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->version, "9");
  EXPECT_EQ(page->continue_key, "abc");
  EXPECT_FALSE(ReadListMetadata(R"({"metadata":{"continue":"abc"}})").ok());
}

}  // namespace
}  // namespace lb::controlplane
