#include "cli/top_rows.h"

#include <boost/json.hpp>
#include <cmath>
#include <cstdio>
#include <map>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "cli/age.h"

namespace lb::cli {
namespace {

// Rates of one thing: empty where nothing came before.
class Rates final {
 public:
  Rates(const Item* before, Duration between) : before_(before), between_(between) {}

  // Of the total that `of` reads out of a T.
  template <typename T>
  std::optional<double> Of(const T& now, uint64_t (T::*of)() const) const {
    if (before_ == nullptr) return std::nullopt;
    return RatePerSecond((std::get<T>(*before_).*of)(), (now.*of)(), between_);
  }

 private:
  const Item* before_;
  Duration between_;
};

TopCell Text(std::string text) { return {{std::move(text)}, std::nullopt}; }

TopCell Count(uint64_t count) { return {{absl::StrCat(count)}, static_cast<double>(count)}; }

TopCell Rate(std::optional<double> rate) { return {{rate ? FormatRate(*rate) : ""}, rate}; }

TopCell ByteRate(std::optional<double> rate) {
  if (!rate) return {};
  return {{FormatBytes(static_cast<uint64_t>(*rate))}, rate};
}

// Cells of the table of `get`, which knows what words and colours a state has.
class TableCells final {
 public:
  TableCells(Type type, const Item& item)
      : columns_(ColumnsOf(type, false)), row_(RowOf(item, false, WallTime{})) {}

  TopCell At(const char* title) const {
    for (size_t i = 0; i < columns_.size(); ++i)
      if (columns_[i].title == title) return {row_[i], std::nullopt};
    LB_CHECK(false);
  }

 private:
  const std::vector<Column> columns_;
  const Row row_;
};

std::vector<TopCell> CellsOf(const api::Rule& rule, const Item& item, const Rates& rates) {
  return {Text(Leaf(rule.name())),
          TableCells(Type::kRule, item).At("BACKENDS"),
          Count(rule.connections()),
          Rate(rates.Of(rule, &api::Rule::connections_total)),
          ByteRate(rates.Of(rule, &api::Rule::received_bytes_total)),
          ByteRate(rates.Of(rule, &api::Rule::sent_bytes_total)),
          Count(rule.queued()),
          Rate(rates.Of(rule, &api::Rule::refused_total)),
          Rate(rates.Of(rule, &api::Rule::retries_total))};
}

std::vector<TopCell> CellsOf(const api::Backend& backend, const Item& item, const Rates& rates) {
  const TableCells table(Type::kBackend, item);
  return {Text(absl::StrCat(RuleOf(backend.name()), "/", Leaf(backend.name()))),
          table.At("STATE"),
          Count(backend.weight()),
          Count(backend.connections()),
          Rate(rates.Of(backend, &api::Backend::connects_total)),
          Rate(rates.Of(backend, &api::Backend::connect_failures_total)),
          table.At("DETAIL")};
}

std::vector<TopCell> CellsOf(const api::Worker& worker, const Item& item, const Rates& rates) {
  const TableCells table(Type::kWorker, item);
  return {Text(Leaf(worker.name())),
          table.At("SYNC"),
          Count(worker.threads()),
          Count(worker.connections()),
          Rate(rates.Of(worker, &api::Worker::connections_total)),
          worker.has_acked() ? Count(worker.acked().revision()) : TopCell{},
          table.At("DETAIL")};
}

// What stands at `cell` in JSON.
boost::json::value CellJson(const TopColumn& column, const TopCell& cell) {
  if (column.number && !cell.number) return nullptr;
  if (!column.number || column.total) return boost::json::value(cell.shown.text);
  return *cell.number;
}

}  // namespace

const std::vector<TopColumn>& TopColumns(Type type) {
  static const std::vector<TopColumn> rules = {{"NAME", ""},
                                               {"BACKENDS", "backends"},
                                               {"CONNS", "connections", true, true},
                                               {"CONNS/S", "connectionsPerSecond", true},
                                               {"RECV/S", "receivedBytesPerSecond", true},
                                               {"SENT/S", "sentBytesPerSecond", true},
                                               {"QUEUED", "queued", true, true},
                                               {"REFUSED/S", "refusedPerSecond", true},
                                               {"RETRIES/S", "retriesPerSecond", true}};
  static const std::vector<TopColumn> backends = {{"BACKEND", ""},
                                                  {"STATE", "state"},
                                                  {"WEIGHT", "weight", true},
                                                  {"CONNS", "connections", true, true},
                                                  {"CONNECTS/S", "connectsPerSecond", true},
                                                  {"FAILURES/S", "connectFailuresPerSecond", true},
                                                  {"DETAIL", "detail"}};
  static const std::vector<TopColumn> workers = {{"NAME", ""},
                                                 {"SYNC", "sync"},
                                                 {"THREADS", "threads", true},
                                                 {"CONNS", "connections", true, true},
                                                 {"CONNS/S", "connectionsPerSecond", true},
                                                 {"ACKED", "ackedRevision", true, true},
                                                 {"DETAIL", "detail"}};
  return type == Type::kRule ? rules : type == Type::kBackend ? backends : workers;
}

std::optional<double> RatePerSecond(uint64_t before, uint64_t after, Duration between) {
  if (after < before || between <= Duration::zero()) return std::nullopt;
  const double seconds = std::chrono::duration<double>(between).count();
  return static_cast<double>(after - before) / seconds;
}

std::string FormatRate(double per_second) {
  constexpr double kStep = 1'000;
  const char* prefix = "";
  // Rounding 999.6 up must not give four digits.
  for (const char* next : {"k", "M", "G", "T"}) {
    if (per_second < kStep - 0.5) break;
    per_second /= kStep;
    prefix = next;
  }
  char text[32];
  const bool whole = per_second >= 9.95 || per_second == std::floor(per_second);
  std::snprintf(text, sizeof text, "%.*f%s", whole ? 0 : 1, per_second, prefix);
  return text;
}

std::vector<TopRow> TopRows(const TopSample* before, const TopSample& now) {
  std::map<std::string, const Item*> known;
  const bool comparable = before != nullptr && before->type == now.type;
  if (comparable)
    for (const Item& item : before->items) known[NameOf(item)] = &item;
  const Duration between = comparable ? now.at - before->at : Duration::zero();
  std::vector<TopRow> rows;
  rows.reserve(now.items.size());
  for (const Item& item : now.items) {
    const auto found = known.find(NameOf(item));
    const Rates rates(found == known.end() ? nullptr : found->second, between);
    rows.push_back(std::visit(
        [&](const auto& one) {
          // Operations are no rows of top: its types are the three above.
          if constexpr (requires { one.connections(); })
            return TopRow{one.name(), one.connections(), CellsOf(one, item, rates)};
          else
            return TopRow{};
        },
        item));
  }
  return rows;
}

boost::json::object TopRowJson(Type type, const TopRow& row) {
  boost::json::object object = {{"name", row.name}};
  const std::vector<TopColumn>& columns = TopColumns(type);
  for (size_t i = 0; i < columns.size(); ++i)
    if (!columns[i].json_key.empty())
      object[columns[i].json_key] = CellJson(columns[i], row.cells[i]);
  return object;
}

}  // namespace lb::cli
