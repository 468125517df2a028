// The parts of a debug bundle, taken from the control plane, the programs' metrics and this host.
//
// What could not be had is named with its reason; secrets are hidden by the control plane, and no
// file of a configuration or key is read. Blocks. Threading: one thread.
#pragma once

#include <boost/json/array.hpp>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/time.h"
#include "cli/bundle/archive.h"
#include "cli/globals.h"

namespace lb::cli {

class Collector final {
 public:
  // Larger parts, and what is beyond this in all, are left out.
  static constexpr size_t kMaxPartBytes = 32 << 20;
  static constexpr size_t kMaxBytes = 256 << 20;
  // Connections to /metrics, and processes whose metrics are taken.
  static constexpr size_t kMaxMetrics = 64;

  Collector(const Globals& globals, WallTime now);

  // Everything; `metrics` are more addresses of /metrics.
  void TakeAll(const std::vector<std::string>& metrics);

  // Only what changes by itself, into the folder `begin`: for a second look at it later.
  void TakeBegin(const std::vector<std::string>& metrics);

  // The archive, with a manifest of what is in it and what is missing.
  std::string Finish();

  // "workers.json: reason", for people.
  const std::vector<std::string>& missing() const { return missing_; }
  bool reached() const { return server_error_.ok(); }  // The control plane answered.

 private:
  // Calls with a connected client of type C. A control plane that has failed to answer once is not
  // asked again: each further try would take its whole timeout.
  template <typename C, typename Call>
  auto Ask(const absl::StatusOr<std::unique_ptr<C>>& client, Call call) -> decltype(call(**client));

  template <typename C, typename... How>
  absl::StatusOr<std::unique_ptr<C>> Connect(const How&... how);

  void Take(const std::string& part, const absl::StatusOr<std::string>& content);
  void TakeState();
  void TakeConfigs();
  void TakeHistory();
  void TakeCheck();
  void TakeMetrics(const std::string& folder, const std::vector<std::string>& more);

  const Globals& globals_;
  WallTime now_;
  Archive archive_;
  size_t bytes_ = 0;
  absl::Status server_error_;
  boost::json::array parts_;
  boost::json::array left_out_;
  std::vector<std::string> missing_;
};

}  // namespace lb::cli
