#include "controlplane/discovery/service_book.h"

#include <string>
#include <variant>
#include <vector>

#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

using Trouble = ServiceBook::Trouble;

const ServiceRef kWeb{"shop", "web", "http"};
const ServiceRef kApi{"shop", "api", "http"};

// A configuration with one backend for each.
Config ConfigWith(const std::vector<ServiceRef>& services) {
  Config config;
  RuleConfig& rule = config.rules.emplace_back();
  for (const ServiceRef& service : services) {
    BackendConfig& backend = rule.backends.emplace_back();
    backend.service = service;
  }
  return config;
}

std::vector<ServiceEndpoint> Endpoints(size_t count) {
  std::vector<ServiceEndpoint> out;
  for (size_t i = 0; i < count; ++i)
    out.push_back(
        {Endpoint::FromIp("10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1), 80)
             .value(),
         "",
         {}});
  return out;
}

// The Services of the WatchServices that Run asks for; nullopt: for none.
std::optional<std::vector<ServiceRef>> Watches(ServiceBook& book) {
  std::vector<Action> actions;
  book.Run(actions);
  if (actions.empty()) return std::nullopt;
  return std::get<WatchServices>(actions.at(0)).services;
}

TEST(ServiceBookTest, WatchesAreAskedForWhereTheyChange) {
  ServiceBook book({});
  book.SetConfig(ConfigWith({}));
  EXPECT_EQ(Watches(book), std::nullopt);
  book.SetConfig(ConfigWith({kWeb, kWeb, kApi}));
  EXPECT_EQ(Watches(book), (std::vector<ServiceRef>{kApi, kWeb}));
  book.SetConfig(ConfigWith({kApi, kWeb}));
  EXPECT_EQ(Watches(book), std::nullopt);
  Config other = ConfigWith({kApi, kWeb});
  other.kubernetes.api_server = "https://10.0.0.1";
  book.SetConfig(other);
  EXPECT_EQ(Watches(book), (std::vector<ServiceRef>{kApi, kWeb}));
  other.dns.servers = {Endpoint::FromIp("10.0.0.53", 53).value()};  // Its name is asked for there.
  book.SetConfig(other);
  EXPECT_EQ(Watches(book), (std::vector<ServiceRef>{kApi, kWeb}));
  book.SetConfig(ConfigWith({}));
  EXPECT_EQ(Watches(book), std::vector<ServiceRef>{});
  EXPECT_EQ(Watches(book), std::nullopt);
}

TEST(ServiceBookTest, WhatIsKnownStaysWhenItsWatchIsLost) {
  ServiceBook book({});
  book.SetConfig(ConfigWith({kWeb}));
  EXPECT_FALSE(book.EachTried());
  EXPECT_TRUE(book.Found({kWeb, Endpoints(2)}).endpoints);
  EXPECT_TRUE(book.EachTried());
  EXPECT_FALSE(book.Found({kWeb, Endpoints(2)}).endpoints);
  EXPECT_TRUE(book.Find(kWeb)->synced);
  EXPECT_TRUE(book.Lost({kWeb, absl::UnavailableError("refused")}).trouble);
  EXPECT_FALSE(book.Lost({kWeb, absl::UnavailableError("refused")}).trouble);  // Told once.
  EXPECT_FALSE(book.Find(kWeb)->synced);
  EXPECT_EQ(book.services().at(kWeb).size(), 2u);
  const ServiceBook::News news = book.Found({kWeb, {}});
  EXPECT_TRUE(news.trouble && news.endpoints && news.emptied);
  EXPECT_TRUE(book.Find(kWeb)->synced);
}

TEST(ServiceBookTest, WhatIsStoredServesUntilThereIsBetter) {
  ServiceBook book({{kWeb, Endpoints(3)}, {kApi, Endpoints(1)}});
  book.SetConfig(ConfigWith({kWeb}));
  EXPECT_TRUE(book.EachTried());
  EXPECT_EQ(book.services().size(), 1u);
  book.Lost({kWeb, absl::UnavailableError("refused")});
  EXPECT_EQ(book.services().at(kWeb).size(), 3u);
}

TEST(ServiceBookTest, TooManyEndpointsAreRefusedAndTheKnownOnesStay) {
  ServiceBook book({});
  book.SetConfig(ConfigWith({kWeb}));
  book.Found({kWeb, Endpoints(5)});
  EXPECT_TRUE(book.Found({kWeb, Endpoints(ServiceBook::kMaxEndpoints + 1)}).trouble);
  EXPECT_EQ(book.Find(kWeb)->trouble, Trouble::kTooMany);
  EXPECT_FALSE(book.Find(kWeb)->error.ok());
  EXPECT_EQ(book.services().at(kWeb).size(), 5u);
  EXPECT_TRUE(book.Found({kWeb, Endpoints(ServiceBook::kMaxEndpoints)}).endpoints);
  EXPECT_EQ(book.Find(kWeb)->trouble, Trouble::kNone);
}

TEST(ServiceBookTest, AllServicesTogetherHaveABoundToo) {
  ServiceBook book({});
  const size_t uses = ServiceBook::kMaxBackends / ServiceBook::kMaxEndpoints;
  std::vector<ServiceRef> services(uses, kWeb);
  services.push_back(kApi);
  book.SetConfig(ConfigWith(services));
  EXPECT_TRUE(book.Found({kWeb, Endpoints(ServiceBook::kMaxEndpoints)}).endpoints);
  EXPECT_FALSE(book.Found({kApi, Endpoints(1)}).endpoints);
  EXPECT_EQ(book.Find(kApi)->trouble, Trouble::kTooMany);
  Watches(book);
  EXPECT_TRUE(book.Found({kWeb, Endpoints(10)}).endpoints);
  EXPECT_NE(Watches(book), std::nullopt);  // The other one's watch tells again what was refused.
  EXPECT_TRUE(book.Found({kApi, Endpoints(1)}).endpoints);
  EXPECT_EQ(Watches(book), std::nullopt);
}

TEST(ServiceBookTest, WordsOfServicesNotInUseAreIgnored) {
  ServiceBook book({});
  book.SetConfig(ConfigWith({}));
  EXPECT_FALSE(book.Found({kWeb, Endpoints(1)}).endpoints);
  EXPECT_FALSE(book.Lost({kWeb, absl::UnavailableError("refused")}).trouble);
  EXPECT_TRUE(book.services().empty());
}

}  // namespace
}  // namespace lb::controlplane
