#include "controlplane/config/place.h"

#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

constexpr char kText[] = R"(rules:
  - name: "web"
    listen: "0.0.0.0:80"
    backends:
      - "10.0.0.1:80"
      - {name: b, address: "app:80"}
  - name: db
    listen: "0.0.0.0:81"
    sni:
      - names: [a.example]
        backends: ["10.0.0.3:80", {name: c, address: "c:80"}]
)";

std::string Place(const char* path) {
  const auto place = PlaceOf(kText, path);
  return place ? std::to_string(place->line) + ":" + std::to_string(place->column) : "none";
}

TEST(PlaceTest, PathsOfASnapshotAreFoundInTheFile) {
  EXPECT_EQ(Place("rules/web/listen"), "3:13");
  EXPECT_EQ(Place("rules/db/listen"), "8:13");
  EXPECT_EQ(Place("rules/web/backends/10.0.0.1:80"), "5:9");
  EXPECT_EQ(Place("rules/web/backends/b/address"), "6:28");
  EXPECT_EQ(Place("rules/db/backends/10.0.0.3:80"), "11:20");
  EXPECT_EQ(Place("rules/db/backends/c@10.0.0.4:80/address"), "11:54");
}

TEST(PlaceTest, WhatIsNotWrittenIsTheThingAroundIt) {
  EXPECT_EQ(Place("rules/web/backends/b@10.0.0.9:80/weight").substr(0, 2), "6:");
  EXPECT_EQ(Place("rules/web/timeouts/idle_ms").substr(0, 2), "2:");
  EXPECT_EQ(Place("rules/db/backends/x/address").substr(0, 2), "7:");
}

TEST(PlaceTest, NothingIsFoundForAnotherFile) {
  EXPECT_EQ(Place("nothing/at/all"), "none");
  EXPECT_EQ(PlaceOf("][", "rules/web"), std::nullopt);
}

}  // namespace
}  // namespace lb::controlplane
