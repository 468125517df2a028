#include "controlplane/admin/service_alerts.h"

#include <string>
#include <vector>

#include "controlplane/admin/answers_fixture.h"
#include "controlplane/admin/status_answer.h"

namespace lb::controlplane {
namespace {

const ServiceRef kWeb{"shop", "web", "http"};

class ServiceAlertsTest : public AnswersTest {
 protected:
  ServiceAlertsTest() {
    Config config;
    config.rules.emplace_back().backends.emplace_back().service = kWeb;
    services_.SetConfig(config);
  }

  void Find(size_t endpoints, const std::string& why_none = "") {
    ServiceFound found{kWeb, {}, why_none};
    for (size_t i = 0; i < endpoints; ++i)
      found.endpoints.push_back(
          {Endpoint::FromIp("10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250), 80)
               .value(),
           ""});
    services_.Found(found);
  }

  std::vector<std::string> Alerts() const {
    std::vector<std::string> out;
    for (const admin::v1::Alert& alert : ServiceAlerts(view()))
      out.push_back(alert.resource() + ": " + alert.message());
    return out;
  }
};

using Texts = std::vector<std::string>;

TEST_F(ServiceAlertsTest, AServiceThatIsWatchedAndHasEndpointsIsNoNews) {
  EXPECT_EQ(Alerts(), Texts{});  // Nobody has tried.
  Find(2);
  EXPECT_EQ(Alerts(), Texts{});
}

TEST_F(ServiceAlertsTest, AnEmptyOneSaysWhy) {
  Find(0);
  EXPECT_EQ(Alerts(), Texts{"services/shop/web:http: it has no endpoint"});
  Find(0, "none of its pods is ready");
  EXPECT_EQ(Alerts(),
            Texts{"services/shop/web:http: it has no endpoint: none of its pods is ready"});
}

TEST_F(ServiceAlertsTest, EndpointsThatMayBeOldAreCounted) {
  services_.Lost({kWeb, absl::UnavailableError("HTTP 403")});
  EXPECT_EQ(Alerts(), Texts{});  // Its backend says that nothing is known.
  Find(1);
  services_.Lost({kWeb, absl::UnavailableError("HTTP 403")});
  EXPECT_EQ(Alerts(), Texts{"services/shop/web:http: it cannot be watched, and what is known of it "
                            "may be old (1 endpoint): HTTP 403"});
  Find(ServiceBook::kMaxEndpoints + 1);
  EXPECT_EQ(Alerts(), Texts{"services/shop/web:http: it is refused, and what was known of it stays "
                            "(1 endpoint): 10001 endpoints; at most 10000 are used"});
}

TEST_F(ServiceAlertsTest, StatusHasThemBesideTheRule) {
  AddRule("web", {});
  Find(0, "none of its pods is ready");
  const admin::v1::Status status = DescribeStatus(view());
  ASSERT_EQ(status.alerts_size(), 3);  // The first: no worker.
  EXPECT_EQ(status.alerts(1).message(),
            "no Service of it has an endpoint: connections are refused");
  EXPECT_EQ(status.alerts(2).resource(), "services/shop/web:http");
}

}  // namespace
}  // namespace lb::controlplane
