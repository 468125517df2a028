#include "base/metrics.h"

#include "gtest/gtest.h"

namespace lb {
namespace {

TEST(MetricsTest, WritesCountersAndGaugesWithEscapedLabels) {
  MetricFamily total{"lb_x_total", "Help.", MetricFamily::Type::kCounter, {}};
  total.Add({{"rule", "a\"b\n"}}, 3);
  const MetricFamily none{"lb_none", "No sample.", MetricFamily::Type::kGauge, {}};
  const std::string text = RenderMetrics({total, none});
  EXPECT_NE(text.find("# TYPE lb_x_total counter"), std::string::npos) << text;
  EXPECT_NE(text.find("lb_x_total{rule=\"a\\\"b\\n\"} 3"), std::string::npos) << text;
  EXPECT_EQ(text.find("lb_none"), std::string::npos) << text;
}

TEST(MetricsTest, ProcessMetricsAreThisProcess) {
  std::vector<MetricFamily> families;
  AppendProcessMetrics("test", families);
  const std::string text = RenderMetrics(families);
  EXPECT_NE(text.find("lb_build_info{program=\"test\""), std::string::npos) << text;
  for (const MetricFamily& family : families) {
    SCOPED_TRACE(family.name);
    // A process this young may not have used a whole clock tick.
    const double floor = family.name == "process_cpu_seconds_total" ? -1 : 0;
    EXPECT_GT(family.samples.at(0).value, floor);
  }
}

}  // namespace
}  // namespace lb
