#include "controlplane/discovery/slice_set.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

using Places = std::vector<Slice::Place>;

constexpr auto kReady = EndpointState::kReady;
constexpr auto kEnding = EndpointState::kEnding;

Slice SliceOf(const std::string& name, Places places,
              std::vector<Slice::Port> ports = {{"http", 80}}) {
  return {.name = name, .version = "1", .ports = std::move(ports), .places = std::move(places)};
}

// "address pod" of each, with "!" where it ends.
std::vector<std::string> Merged(const SliceSet& slices, const std::string& port = "http") {
  std::vector<std::string> out;
  for (const ServiceEndpoint& endpoint : slices.Merge(port))
    out.push_back(endpoint.address.ToString() + " " + endpoint.pod +
                  (endpoint.state == kEnding ? "!" : ""));
  return out;
}

using Texts = std::vector<std::string>;

TEST(SliceSetTest, SlicesAreMergedByAddressAndTheBestWordCounts) {
  SliceSet slices;
  ASSERT_TRUE(
      slices.Put(SliceOf("b", {{"10.0.0.2", "p2", kEnding}, {"10.0.0.3", "p3", kReady}})).ok());
  ASSERT_TRUE(
      slices.Put(SliceOf("a", {{"10.0.0.2", "p2", kReady}, {"10.0.0.1", "p1", kEnding}})).ok());
  ASSERT_TRUE(slices.Put(SliceOf("six", {{"fd00::1", "p9", kReady}})).ok());
  EXPECT_EQ(Merged(slices),
            (Texts{"10.0.0.1:80 p1!", "10.0.0.2:80 p2", "10.0.0.3:80 p3", "[fd00::1]:80 p9"}));
  slices.Remove("a");
  EXPECT_EQ(Merged(slices), (Texts{"10.0.0.2:80 p2!", "10.0.0.3:80 p3", "[fd00::1]:80 p9"}));
  ASSERT_TRUE(slices.Put(SliceOf("b", {})).ok());
  slices.Remove("six");
  slices.Remove("never there");
  EXPECT_EQ(Merged(slices), Texts{});
  EXPECT_EQ(slices.endpoints(), 0u);
}

TEST(SliceSetTest, WhereThereIsNoneItSaysWhy) {
  SliceSet slices;
  EXPECT_EQ(slices.WhyNone("http"), "it has no EndpointSlice: is there a Service of that name?");
  ASSERT_TRUE(slices.Put(SliceOf("a", {}, {})).ok());
  EXPECT_EQ(slices.WhyNone("http"), "no pod of it is ready, or it has no TCP port");
  ASSERT_TRUE(slices.Put(SliceOf("b", {}, {{"http", 80}, {"bad\nname", 81}, {"admin", 82}})).ok());
  EXPECT_EQ(slices.WhyNone("http"), "none of its pods is ready");
  EXPECT_EQ(slices.WhyNone("80"), "none of its pods is ready");
  EXPECT_EQ(slices.WhyNone("web"), "its pods listen on other ports: 81, admin (82), http (80)");
  ASSERT_TRUE(slices.Put(SliceOf("c", {}, {{"", std::nullopt}, {"a", 1}, {"b", 2}})).ok());
  EXPECT_EQ(slices.WhyNone("web"),
            "its pods listen on other ports: 81, a (1), admin (82), all, http (80)");
}

TEST(SliceSetTest, APortIsLookedUpInEachSlice) {
  SliceSet slices;
  ASSERT_TRUE(
      slices.Put(SliceOf("a", {{"10.0.0.1", "", kReady}}, {{"http", 80}, {"admin", 81}})).ok());
  ASSERT_TRUE(slices.Put(SliceOf("b", {{"10.0.0.2", "", kReady}}, {{"http", 8080}})).ok());
  ASSERT_TRUE(slices.Put(SliceOf("c", {{"10.0.0.3", "", kReady}}, {{"", std::nullopt}})).ok());
  EXPECT_EQ(Merged(slices, "http"), (Texts{"10.0.0.1:80 ", "10.0.0.2:8080 "}));
  EXPECT_EQ(Merged(slices, "admin"), Texts{"10.0.0.1:81 "});
  EXPECT_EQ(Merged(slices, "8080"), (Texts{"10.0.0.2:8080 ", "10.0.0.3:8080 "}));
  EXPECT_EQ(Merged(slices, "grpc"), Texts{});
}

TEST(SliceSetTest, APodAtSeveralAddressesNamesNone) {
  SliceSet slices;
  ASSERT_TRUE(
      slices.Put(SliceOf("a", {{"10.0.0.1", "p1", kReady}, {"10.0.0.2", "p2", kReady}})).ok());
  ASSERT_TRUE(slices.Put(SliceOf("six", {{"fd00::1", "p1", kReady}})).ok());
  EXPECT_EQ(Merged(slices), (Texts{"10.0.0.1:80 ", "10.0.0.2:80 p2", "[fd00::1]:80 "}));
}

TEST(SliceSetTest, ThereAreBoundsAndWhatPassesThemChangesNothing) {
  SliceSet slices;
  Places places;
  for (size_t i = 0; i < kMaxSliceEndpoints; ++i)
    places.push_back(
        {"10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250), "", kReady});
  const size_t fit = SliceSet::kMaxEndpoints / kMaxSliceEndpoints;
  for (size_t i = 0; i < fit; ++i)
    ASSERT_TRUE(slices.Put(SliceOf("s" + std::to_string(i), places)).ok());
  EXPECT_TRUE(slices.Put(SliceOf("s0", places)).ok());  // In its own place.
  EXPECT_EQ(slices.Put(SliceOf("more", {{"10.9.9.9", "", kReady}})).code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(slices.slices(), fit);
  EXPECT_EQ(slices.endpoints(), SliceSet::kMaxEndpoints);
  for (size_t i = fit; i < SliceSet::kMaxSlices; ++i)
    ASSERT_TRUE(slices.Put(SliceOf("s" + std::to_string(i), {})).ok());
  EXPECT_EQ(slices.Put(SliceOf("more", {})).code(), absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace lb::controlplane
