#include "controlplane/events/resource_book.h"

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

using admin::v1::RESOURCE_TYPE_BACKEND;
using admin::v1::RESOURCE_TYPE_RULE;
using States = std::vector<std::pair<std::string, uint64_t>>;

const ResourceScope kRules{{RESOURCE_TYPE_RULE}, ""};

void Look(ResourceBook& book, const States& states) {
  book.BeginLook();
  for (const auto& [name, state] : states) book.Note(RESOURCE_TYPE_RULE, name, state);
  book.EndLook(RESOURCE_TYPE_RULE);
}

// "+a" came, "~a" changed, "-a" is gone.
std::vector<std::string> After(const ResourceBook& book, uint64_t& said, uint64_t begin = 0,
                               size_t most = 1'000, const ResourceScope& scope = kRules) {
  std::vector<ResourceBook::Change> changes;
  said = book.After(said, begin, scope, most, changes);
  std::vector<std::string> out;
  for (const auto& change : changes)
    out.push_back((change.kind == admin::v1::ResourceChange::KIND_ADDED      ? "+"
                   : change.kind == admin::v1::ResourceChange::KIND_MODIFIED ? "~"
                                                                             : "-") +
                  change.name);
  return out;
}

using Words = std::vector<std::string>;

TEST(ResourceBookTest, FirstAllThenOnlyWhatChanged) {
  ResourceBook book("life");
  Look(book, {{"a", 1}, {"b", 1}, {"c", 1}});
  uint64_t said = 0;
  EXPECT_EQ(After(book, said), (Words{"+a", "+b", "+c"}));
  Look(book, {{"a", 1}, {"b", 2}, {"d", 1}});
  EXPECT_EQ(After(book, said), (Words{"~b", "+d", "-c"}));
  Look(book, {{"a", 1}, {"b", 2}, {"d", 1}});
  EXPECT_EQ(After(book, said), Words{});
}

TEST(ResourceBookTest, AnyTokenGoesOnWithoutLossOrRepetition) {
  ResourceBook book("life");
  Look(book, {{"a", 1}, {"b", 1}, {"c", 1}});
  uint64_t said = 0;
  EXPECT_EQ(After(book, said, 0, 1), Words{"+a"});
  const std::string token = book.TokenOf(said, kRules);
  Look(book, {{"a", 2}, {"b", 1}, {"c", 1}});
  uint64_t resumed = std::get<uint64_t>(book.Resume(token, kRules));
  EXPECT_EQ(After(book, resumed), (Words{"+b", "+c", "~a"}));
}

TEST(ResourceBookTest, WhatCameAndWentMeanwhileIsLeftOut) {
  ResourceBook book("life");
  Look(book, {{"a", 1}});
  uint64_t said = book.newest();
  Look(book, {{"a", 1}, {"b", 1}});
  Look(book, {{"a", 1}});
  EXPECT_EQ(After(book, said), Words{});
  Look(book, {});
  Look(book, {{"a", 1}});
  EXPECT_EQ(After(book, said), Words{"+a"});
}

TEST(ResourceBookTest, AScopeSeesItsTypesAndItsParentOnly) {
  ResourceBook book("life");
  Look(book, {{"rules/web", 1}, {"rules/web2", 1}});
  book.BeginLook();
  book.Note(RESOURCE_TYPE_BACKEND, "rules/web/backends/a", 1);
  book.EndLook(RESOURCE_TYPE_BACKEND);
  uint64_t said = 0;
  EXPECT_EQ(After(book, said, 0, 9, {{RESOURCE_TYPE_RULE, RESOURCE_TYPE_BACKEND}, "rules/web"}),
            (Words{"+rules/web", "+rules/web/backends/a"}));
  said = 0;
  EXPECT_EQ(After(book, said, 0, 9, {{RESOURCE_TYPE_BACKEND}, ""}), Words{"+rules/web/backends/a"});
}

std::string ReasonOf(const ResourceBook& book, const std::string& token,
                     const ResourceScope& scope = kRules) {
  const auto outcome = book.Resume(token, scope);
  const auto* failure = std::get_if<Failure>(&outcome);
  return failure == nullptr ? "" : failure->reason;
}

TEST(ResourceBookTest, AGapIsSaidAndNotPassedOver) {
  ResourceBook book("life");
  States many;
  for (size_t i = 0; i <= ResourceBook::kMaxGone; ++i) many.emplace_back(absl::StrCat(i), 1);
  Look(book, many);
  const std::string token = book.TokenOf(book.newest(), kRules);
  many.resize(1);
  Look(book, many);
  EXPECT_EQ(ReasonOf(book, token), "");  // All deletions are remembered.
  Look(book, {});
  EXPECT_EQ(ReasonOf(book, token), "RESUME_TOKEN_TOO_OLD");
  EXPECT_EQ(ReasonOf(ResourceBook("other"), token), "RESUME_TOKEN_TOO_OLD");
  EXPECT_EQ(book.size(), 0u);
}

TEST(ResourceBookTest, ATokenOfSomethingElseIsRefused) {
  ResourceBook book("life");
  Look(book, {{"a", 1}});
  const ResourceScope other{{RESOURCE_TYPE_RULE}, "rules/web"};
  EXPECT_EQ(ReasonOf(book, book.TokenOf(1, other)), "RESUME_TOKEN_INVALID");
  for (const char* token : {"x", ".", "..", "1.2", "life.x.1", "a.b.c", ".1"})
    EXPECT_EQ(ReasonOf(book, token), "RESUME_TOKEN_INVALID") << token;
}

}  // namespace
}  // namespace lb::controlplane
