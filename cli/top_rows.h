// What `lbctl top` shows of one sample: rows with rates, computed from the totals of two samples.
// Pure; time is an argument.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "cli/views.h"
#include "lb/admin/v1/admin.pb.h"

namespace lb::cli {

// Everything of one type at one moment, with the summary behind the screen's second line.
struct TopSample {
  Type type = Type::kRule;
  Items items;
  api::Status status;
  Instant at;
};

// A column. Where `json_key` is empty the column is not part of the JSON: the resource name is.
struct TopColumn {
  std::string title;
  std::string json_key;
  bool number = false;
  bool total = false;  // A 64-bit count, which protobuf's JSON writes as a string.
};

// A cell as it is shown; its number, where it has one and it is known, is what it sorts by.
struct TopCell {
  Cell shown;
  std::optional<double> number;
};

struct TopRow {
  std::string name;            // The resource's full name.
  uint64_t connections = 0;    // Open now.
  std::vector<TopCell> cells;  // One for each column.
};

// The columns of a type. The first one is the name; "CONNS" is among them.
const std::vector<TopColumn>& TopColumns(Type type);

// How much a total grew in each second between two samples; nothing where it shrank (a worker
// started anew) or no time has passed.
std::optional<double> RatePerSecond(uint64_t before, uint64_t after, Duration between);

// A rate with three digits at most and a decimal prefix: "0", "0.4", "12", "3.1k", "18M".
std::string FormatRate(double per_second);

// The rows of `now` in its order. Rates are unknown ("-") without `before`, and for what was not in
// it.
std::vector<TopRow> TopRows(const TopSample* before, const TopSample& now);

// One row as JSON: its name and every column with a key; null is unknown.
boost::json::object TopRowJson(Type type, const TopRow& row);

}  // namespace lb::cli
