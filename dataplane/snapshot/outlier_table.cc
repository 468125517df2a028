#include "dataplane/snapshot/outlier_table.h"

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lb/type/v1/snapshot.pb.h"

namespace lb::dataplane {

std::vector<Problem> CheckOutlierDetection(const std::string& path,
                                           const lb::type::v1::Rule& rule) {
  std::vector<Problem> problems;
  if (!rule.has_outlier_detection()) return problems;
  const lb::type::v1::OutlierDetection& outlier = rule.outlier_detection();
  const auto bad = [&](const char* field, std::string message) {
    problems.push_back({Problem::Kind::kInvalid, absl::StrCat(path, "/outlier_detection/", field),
                        std::move(message)});
  };
  if (outlier.failures() == 0) bad("failures", "0 is not at least 1");
  if (outlier.ejection_time_ms() < 1 || outlier.ejection_time_ms() > kMaxTimeoutMs)
    bad("ejection_time_ms",
        absl::StrCat(outlier.ejection_time_ms(), " is not in 1..", kMaxTimeoutMs));
  if (outlier.max_ejected_percent() > 100)
    bad("max_ejected_percent", absl::StrCat(outlier.max_ejected_percent(), " is above 100"));
  if (outlier.max_connect_time_ms() > kMaxTimeoutMs)
    bad("max_connect_time_ms",
        absl::StrCat(outlier.max_connect_time_ms(), " is not in 0..", kMaxTimeoutMs));
  return problems;
}

OutlierSettings MakeOutlierSettings(const lb::type::v1::Rule& rule) {
  const lb::type::v1::OutlierDetection& outlier = rule.outlier_detection();
  const auto ejection_ms = static_cast<int64_t>(outlier.ejection_time_ms());
  const auto connect_ms = static_cast<int64_t>(outlier.max_connect_time_ms());
  return {.failures = outlier.failures(),
          .ejection_time = std::chrono::milliseconds(ejection_ms),
          .max_ejected_percent = outlier.max_ejected_percent(),
          .max_connect_time = std::chrono::milliseconds(connect_ms)};
}

}  // namespace lb::dataplane
