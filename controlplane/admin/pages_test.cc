#include "controlplane/admin/pages.h"

#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

constexpr char kKey[] = "the key of one life";

std::string ReasonOf(const Outcome<Page>& outcome) {
  const auto* failure = std::get_if<Failure>(&outcome);
  return failure == nullptr ? "" : failure->reason;
}

TEST(PagesTest, SizesAreCutToTheMostAndNegativeOnesRefused) {
  const struct {
    int32_t asked;
    size_t size;
  } kCases[] = {{0, kDefaultPageSize}, {1, 1}, {1000, kMaxPageSize}, {2'000'000, kMaxPageSize}};
  for (const auto& c : kCases)
    EXPECT_EQ(std::get<Page>(ParsePage(kKey, "rules", c.asked, "")).size, c.size) << c.asked;
  const Outcome<Page> negative = ParsePage(kKey, "rules", -1, "");
  EXPECT_EQ(ReasonOf(negative), "PAGE_SIZE_INVALID");
  EXPECT_TRUE(absl::IsInvalidArgument(std::get<Failure>(negative).status));
}

TEST(PagesTest, ATokenWorksOnlyForTheListItCameFrom) {
  const std::string token = MakePageToken(kKey, "rules", "web");
  EXPECT_EQ(std::get<Page>(ParsePage(kKey, "rules", 0, token)).after, "web");
  EXPECT_EQ(ReasonOf(ParsePage(kKey, "workers", 0, token)), "PAGE_TOKEN_INVALID");
}

TEST(PagesTest, ATokenWorksOnlyInTheLifeItWasMadeIn) {
  const std::string token = MakePageToken("another key", "rules", "web");
  EXPECT_EQ(ReasonOf(ParsePage(kKey, "rules", 0, token)), "PAGE_TOKEN_INVALID");
}

TEST(PagesTest, TokensThatWereNotMadeHereAreRefused) {
  std::string changed = MakePageToken(kKey, "rules", "web");
  changed.back() = changed.back() == 'A' ? 'B' : 'A';
  const std::string cut = MakePageToken(kKey, "rules", "web").substr(0, 8);
  for (const std::string& token :
       {changed, cut, std::string("web"), std::string("???"), std::string("AAAAAAAAAAAAAAAA")})
    EXPECT_EQ(ReasonOf(ParsePage(kKey, "rules", 0, token)), "PAGE_TOKEN_INVALID") << token;
}

}  // namespace
}  // namespace lb::controlplane
