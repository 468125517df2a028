// Everything that a View refers to, for tests of answers.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "controlplane/admin/rule_answers.h"
#include "controlplane/admin/view.h"

namespace lb::controlplane {

inline constexpr Instant kNow = Instant(std::chrono::hours(5));
inline constexpr WallTime kWall = WallTime(std::chrono::seconds(1'000));

class AnswersTest : public testing::Test {
 protected:
  void AddRule(const std::string& name, const std::vector<std::string>& backends) {
    LiveRule& rule = live_.emplace_back();
    rule.name = name;
    rule.listen = Endpoint::FromIp("127.0.0.1", 8080).value();
    rule.health_check.enabled = true;
    for (const std::string& backend : backends)
      rule.backends.push_back({.name = backend,
                               .address = Endpoint::FromIp("10.0.0.1", 80).value(),
                               .weight = 3,
                               .max_connections = 7,
                               .check_host = ""});
    std::vector<BackendKey> changed;
    health_.SetRules(live_, kNow, changed);
  }

  // Answers every check that is due within an interval.
  void CheckAll(bool passed, const std::string& detail) {
    std::vector<Action> actions;
    health_.Run(kNow + std::chrono::seconds(5), actions);
    for (const Action& action : actions)
      health_.Done({std::get<StartProbe>(action).probe, passed, detail, {}}, kNow);
  }

  WorkerRecord& Connect(SessionId session, const std::string& id, const std::string& incarnation) {
    worker::v1::Hello hello;
    hello.mutable_worker()->set_id(id);
    hello.mutable_worker()->set_incarnation(incarnation);
    hello.mutable_worker()->set_pid(static_cast<uint32_t>(session));
    hello.set_threads(4);
    std::optional<SessionId> replaced;
    return *workers_.Connect(session, hello, kNow, replaced);
  }

  View view() const {
    return {.self = self_,
            .file = file_,
            .live = live_,
            .resolver = resolver_,
            .services = services_,
            .health = health_,
            .outliers = outliers_,
            .versions = versions_,
            .workers = workers_,
            .totals = totals_,
            .operations = operations_,
            .history = history_,
            .confirmation = confirmation_,
            .overrides = overrides_,
            .certificates = certificates_,
            .tickets = tickets_,
            .cluster = cluster_,
            .channel = channel_,
            .usage = usage_,
            .slots = slots_,
            .rates = rates_,
            .bandwidths = bandwidths_,
            .page_key = page_key_,
            .clock = {kNow, kWall}};
  }

  // The names of all backends below `parent`, read in pages of `size`.
  std::vector<std::string> Backends(const std::string& parent, int32_t size) const {
    std::vector<std::string> out;
    admin::v1::ListBackendsRequest request;
    request.set_parent(parent);
    request.set_page_size(size);
    do {
      const auto page = std::get<admin::v1::ListBackendsResponse>(ListBackends(view(), request));
      EXPECT_LE(page.backends_size(), size);
      for (const admin::v1::Backend& backend : page.backends()) out.push_back(backend.name());
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty() && out.size() < 100);
    return out;
  }

  type::v1::ProcessIdentity self_;
  FileStatus file_;
  LiveRules live_;
  Resolver resolver_{{}};
  ServiceBook services_{{}};
  HealthBook health_{1};
  OutlierBook outliers_;
  Versions versions_{type::v1::ConfigVersion()};
  WorkerTable workers_;
  Totals totals_;
  Overrides overrides_;
  CertificateBook certificates_;
  SharedTickets tickets_{std::string(TicketRing::kSeedBytes, 's'), kNow};
  swim::ClusterStatus cluster_;
  HostChannel channel_;
  UsageExchange usage_{channel_};
  SlotExchange slots_{channel_};
  RateLedger rates_;
  BandwidthLedger bandwidths_;
  Operations operations_{"life"};
  History history_;
  std::optional<Confirmation> confirmation_;
  std::string page_key_ = "key";
};

}  // namespace lb::controlplane
