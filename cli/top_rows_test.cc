// Rates come from the totals of two samples, and are unknown where totals cannot tell.
#include "cli/top_rows.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace lb::cli {
namespace {

constexpr Instant kStart{std::chrono::hours(1)};

TopSample RuleSample(uint64_t connections_total, uint64_t sent_bytes, Instant at) {
  api::Rule rule;
  rule.set_name("rules/web");
  rule.set_backends_up(1);
  rule.set_backends_total(2);
  rule.set_connections(7);
  rule.set_connections_total(connections_total);
  rule.set_sent_bytes_total(sent_bytes);
  return {Type::kRule, {rule}, {}, at};
}

std::string Shown(Type type, const TopRow& row, const std::string& title) {
  for (size_t i = 0; i < row.cells.size(); ++i)
    if (TopColumns(type)[i].title == title) return row.cells[i].shown.text;
  return "no such column";
}

TEST(TopRowsTest, RatesAreDifferencesOverTheTimeBetween) {
  const TopSample before = RuleSample(100, 0, kStart);
  const TopSample now = RuleSample(700, 4096, kStart + std::chrono::seconds(2));
  const std::vector<TopRow> rows = TopRows(&before, now);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(Shown(Type::kRule, rows[0], "NAME"), "web");
  EXPECT_EQ(Shown(Type::kRule, rows[0], "BACKENDS"), "1/2 up");
  EXPECT_EQ(Shown(Type::kRule, rows[0], "CONNS"), "7");
  EXPECT_EQ(Shown(Type::kRule, rows[0], "CONNS/S"), "300");
  EXPECT_EQ(Shown(Type::kRule, rows[0], "SENT/S"), "2.0KiB");
}

TEST(TopRowsTest, WhatTotalsCannotTellIsUnknown) {
  const TopSample before = RuleSample(100, 0, kStart);
  const TopSample smaller = RuleSample(5, 0, kStart + std::chrono::seconds(1));
  EXPECT_EQ(Shown(Type::kRule, TopRows(nullptr, before)[0], "CONNS/S"), "");
  EXPECT_EQ(Shown(Type::kRule, TopRows(&before, smaller)[0], "CONNS/S"), "");
  EXPECT_EQ(Shown(Type::kRule, TopRows(&before, before)[0], "CONNS/S"), "");
  TopSample other = RuleSample(900, 0, kStart + std::chrono::seconds(1));
  std::get<api::Rule>(other.items[0]).set_name("rules/new");
  EXPECT_EQ(Shown(Type::kRule, TopRows(&before, other)[0], "CONNS/S"), "");
}

TEST(TopRowsTest, RatesHaveThreeDigitsAtMost) {
  EXPECT_EQ(FormatRate(0), "0");
  EXPECT_EQ(FormatRate(0.42), "0.4");
  EXPECT_EQ(FormatRate(9.96), "10");
  EXPECT_EQ(FormatRate(312.4), "312");
  EXPECT_EQ(FormatRate(999.6), "1.0k");
  EXPECT_EQ(FormatRate(3'140), "3.1k");
  EXPECT_EQ(FormatRate(18'000'000), "18M");
}

TEST(TopRowsTest, JsonHasNumbersForRatesAndNullForUnknownOnes) {
  const TopSample before = RuleSample(100, 0, kStart);
  const TopSample now = RuleSample(105, 0, kStart + std::chrono::seconds(2));
  const boost::json::object row = TopRowJson(Type::kRule, TopRows(&before, now)[0]);
  EXPECT_EQ(row.at("name"), "rules/web");
  EXPECT_EQ(row.at("connections"), "7");
  EXPECT_EQ(row.at("connectionsPerSecond"), 2.5);
  EXPECT_TRUE(
      TopRowJson(Type::kRule, TopRows(nullptr, now)[0]).at("connectionsPerSecond").is_null());
}

TEST(TopRowsTest, BackendsAndWorkersHaveTheirStateAndRates) {
  api::Backend backend;
  backend.set_name("rules/web/backends/a");
  backend.set_health(lb::type::v1::HEALTH_STATE_UNHEALTHY);
  backend.set_connect_failures_total(3);
  TopSample before{Type::kBackend, {backend}, {}, kStart};
  backend.set_connect_failures_total(5);
  TopSample now{Type::kBackend, {backend}, {}, kStart + std::chrono::seconds(1)};
  EXPECT_EQ(Shown(Type::kBackend, TopRows(&before, now)[0], "BACKEND"), "web/a");
  EXPECT_EQ(Shown(Type::kBackend, TopRows(&before, now)[0], "STATE"), "DOWN");
  EXPECT_EQ(Shown(Type::kBackend, TopRows(&before, now)[0], "FAILURES/S"), "2");
  backend.set_health(lb::type::v1::HEALTH_STATE_HEALTHY);
  backend.mutable_ejection()->set_failures(5);
  now = {Type::kBackend, {backend}, {}, kStart + std::chrono::seconds(1)};
  EXPECT_EQ(Shown(Type::kBackend, TopRows(&before, now)[0], "STATE"), "EJECTED");
  api::Worker worker;
  worker.set_name("workers/w");
  worker.set_sync(api::Worker::SYNC_ERROR);
  before = {Type::kWorker, {worker}, {}, kStart};
  worker.set_connections_total(8);
  now = {Type::kWorker, {worker}, {}, kStart + std::chrono::seconds(1)};
  EXPECT_EQ(Shown(Type::kWorker, TopRows(&before, now)[0], "SYNC"), "ERROR");
  EXPECT_EQ(Shown(Type::kWorker, TopRows(&before, now)[0], "CONNS/S"), "8");
  EXPECT_EQ(Shown(Type::kWorker, TopRows(&before, now)[0], "ACKED"), "");
}

}  // namespace
}  // namespace lb::cli
