#include "controlplane/discovery/list_reader.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

std::string Item(const std::string& name) {
  return absl::StrCat(R"({"metadata":{"name":")", name,
                      R"(","annotations":{"text":"\"}]{[\\"}},"addressType":"IPv4",)",
                      R"("endpoints":[{"addresses":["10.0.0.1"]}]})");
}

std::string Page(const std::string& items) {
  return absl::StrCat(R"({"kind":"EndpointSliceList","metadata":{"resourceVersion":"9",)",
                      R"("continue":"k"},"items":[)", items, R"(],"more":{"items":[1]}})");
}

struct Result {
  absl::Status status;
  std::vector<std::string> names;
  ListMetadata metadata;
};

// Reads `text` in pieces of so many bytes.
Result ReadIn(const std::string& text, size_t piece) {
  ListReader reader;
  Result result;
  std::vector<Slice> slices;
  for (size_t at = 0; at < text.size() && result.status.ok(); at += piece)
    result.status = reader.Take(std::string_view(text).substr(at, piece), slices);
  for (const Slice& slice : slices) result.names.push_back(slice.name);
  if (!result.status.ok()) return result;
  const absl::StatusOr<ListMetadata> end = reader.Finish();
  result.status = end.status();
  if (end.ok()) result.metadata = *end;
  return result;
}

TEST(ListReaderTest, ItemsComeOneByOneHoweverTheBytesAreCut) {
  const std::string text = Page(Item("a") + " ,\n" + Item("b"));
  for (const size_t piece : {size_t{1}, size_t{2}, size_t{7}, text.size()}) {
    const Result result = ReadIn(text, piece);
    ASSERT_TRUE(result.status.ok()) << result.status;
    EXPECT_EQ(result.names, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(result.metadata.version, "9");
    EXPECT_EQ(result.metadata.continue_key, "k");
  }
}

TEST(ListReaderTest, AnEmptyListIsOne) {
  EXPECT_TRUE(ReadIn(Page(""), 3).status.ok());
  EXPECT_TRUE(ReadIn(R"({"metadata":{"resourceVersion":"1"},"items":null})", 3).status.ok());
}

TEST(ListReaderTest, WhatIsNoListIsRefused) {
  for (const std::string& bad :
       {std::string(""), std::string("{}"), std::string("<html>"), std::string("]"), Page("7"),
        Page("\"a\""), Page("[]"), Page("{}"), Page(Item("a") + "x"),
        Page(Item("a")) + Page(Item("a")), Page(Item("a")).substr(0, 90),
        std::string(R"({"items":[],"items":[],"metadata":{"resourceVersion":"1"}})"),
        std::string(100, '[')})
    EXPECT_EQ(ReadIn(bad, 5).status.code(), absl::StatusCode::kInvalidArgument) << bad;
}

TEST(ListReaderTest, WhatIsTooLongIsRefused) {
  const std::string long_text(kMaxSliceBytes, 'a');
  EXPECT_EQ(ReadIn(Page("{\"a\":\"" + long_text + "\"}"), 60'000).status.code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReadIn("{\"a\":\"" + long_text + "\"}", 60'000).status.code(),
            absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace lb::controlplane
