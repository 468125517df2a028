#include "controlplane/discovery/watch_reader.h"

#include <string>
#include <variant>
#include <vector>

#include "base/overloaded.h"
#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

std::string Event(const std::string& type, const std::string& version) {
  return R"({"type":")" + type + R"(","object":{"metadata":{"name":"a","resourceVersion":")" +
         version + R"("},"addressType":"IPv4"}})" + "\n";
}

// "put a 1", "gone a 2", "bookmark 3", "error 410" of what is read in pieces of so many bytes.
std::vector<std::string> ReadIn(const std::string& text, size_t piece, absl::Status& status) {
  WatchReader reader;
  std::vector<WatchWord> words;
  status = absl::OkStatus();
  for (size_t at = 0; at < text.size() && status.ok(); at += piece)
    status = reader.Take(std::string_view(text).substr(at, piece), words);
  std::vector<std::string> out;
  for (const WatchWord& word : words)
    out.push_back(std::visit(
        Overloaded{
            [](const SlicePut& put) { return "put " + put.slice.name + " " + put.slice.version; },
            [](const SliceGone& gone) { return "gone " + gone.name + " " + gone.version; },
            [](const Bookmark& mark) { return "bookmark " + mark.version; },
            [](const WatchError& error) { return "error " + std::to_string(error.status.code); }},
        word));
  return out;
}

TEST(WatchReaderTest, EachLineIsAWordHoweverTheBytesAreCut) {
  const std::string text =
      Event("ADDED", "1") + "\n \n" + Event("MODIFIED", "2") + Event("DELETED", "3") +
      Event("BOOKMARK", "4") +
      "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410}}\r\n" + "{\"type\":\"ADD";
  for (const size_t piece : {size_t{1}, size_t{13}, text.size()}) {
    absl::Status status;
    EXPECT_EQ(
        ReadIn(text, piece, status),
        (std::vector<std::string>{"put a 1", "put a 2", "gone a 3", "bookmark 4", "error 410"}));
    EXPECT_TRUE(status.ok()) << status;
  }
}

TEST(WatchReaderTest, WhatIsNoEventIsRefused) {
  for (const std::string& bad :
       {std::string("x\n"), std::string("{}\n"), std::string("{\"type\":\"ADDED\"}\n"),
        std::string("{\"type\":\"ADDED\",\"object\":{}}\n"), Event("RENAMED", "1"),
        Event("ADDED", "")}) {
    absl::Status status;
    ReadIn(bad, 4, status);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << bad;
  }
}

TEST(WatchReaderTest, ALineHasABound) {
  absl::Status status;
  ReadIn(std::string(WatchReader::kMaxLineBytes + 1, ' '), 70'000, status);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace lb::controlplane
