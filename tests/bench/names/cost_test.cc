// What a look at names costs, ten of them and ten thousand: of certificates, and of routes by SNI.
// Its figures are for docs/tls.md; it fails only where a look has become another order of
// magnitude.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "dataplane/snapshot/sni_table.h"
#include "dataplane/tls/certificates.h"
#include "gtest/gtest.h"

namespace lb::dataplane {
namespace {

constexpr int kFew = 10;
constexpr int kMany = 10'000;

// Every third is a wildcard.
std::string Name(int i) { return absl::StrCat(i % 3 == 0 ? "*" : "www", ".shop", i, ".example"); }

// What clients ask for: a quarter of them by names that nobody has.
std::vector<std::string> Asked(int names) {
  std::vector<std::string> asked;
  for (int i = 0; i < 4 * kMany; ++i)
    asked.push_back(absl::StrCat("www.", i % 4 == 3 ? "none" : "shop", i % names, ".example"));
  return asked;
}

// Nanoseconds of a look that `find` makes, the best of three rounds. `find` says whether it found
// one; three quarters are found.
template <typename Find>
double LookNs(int names, const Find& find) {
  const std::vector<std::string> asked = Asked(names);
  double best = 1e9;
  for (int round = 0; round < 3; ++round) {
    size_t found = 0;
    const auto begin = std::chrono::steady_clock::now();
    for (const std::string& name : asked) found += find(name) ? 1 : 0;
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begin;
    EXPECT_EQ(found, asked.size() / 4 * 3);
    best = std::min(best, took.count() / static_cast<double>(asked.size()));
  }
  return best;
}

void Compare(const char* what, double few_ns, double many_ns) {
  std::printf("%s: %.0f ns a look with %d names, %.0f ns with %d\n", what, few_ns, kFew, many_ns,
              kMany);
  EXPECT_LT(many_ns, 10 * few_ns + 1'000);
}

TEST(NamesCost, ACertificateAmongTenThousandIsOneFastLook) {
  const auto look_ns = [](int names) {
    std::vector<std::shared_ptr<const tls::Pair>> pairs;
    for (int i = 0; i < names; ++i) {
      auto pair = std::make_shared<tls::Pair>();
      pair->names = {Name(i)};
      pairs.push_back(std::move(pair));
    }
    const tls::Certificates certificates(std::move(pairs));
    return LookNs(names, [&](const std::string& name) { return certificates.Has(name); });
  };
  Compare("certificates", look_ns(kFew), look_ns(kMany));
}

TEST(NamesCost, ARouteAmongTenThousandNamesIsOneFastLook) {
  const auto look_ns = [](int names) {
    SniTable table;
    for (int i = 0; i < names; ++i) {
      const std::string name = Name(i);
      table.names.emplace(name[0] == '*' ? name.substr(1) : name, static_cast<uint32_t>(i + 1));
    }
    return LookNs(names, [&](const std::string& name) { return table.RouteOf(name) != 0; });
  };
  Compare("routes", look_ns(kFew), look_ns(kMany));
}

}  // namespace
}  // namespace lb::dataplane
