// Which hosts of the cluster share limits, what each said of itself last, and what this host's side
// may use while not all of them hear each other. Pure; threading: none.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "controlplane/budget/rate_parts.h"

namespace lb::controlplane {

class HostBook final {
 public:
  struct Settings {
    // What the smaller side of a split cluster has: its part by hosts, or everything.
    bool minority_has_all = false;
    // A host that failed is counted for so long; 0: until it is forgotten.
    Duration reclaim_after = std::chrono::seconds(60);
  };
  // What a host says of itself.
  struct Told {
    double serving = 0;     // Workers that accept connections.
    double kept_ratio = 0;  // Of every limit, for its workers without a stream.
  };

  HostBook(std::string self, Instant now) : self_(std::move(self)), began_at_(now) {}

  void SetSettings(const Settings& settings) { settings_ = settings; }

  // The membership's word. A host that left is not waited for; one that failed may only not be
  // heard.
  void Joined(const std::string& host) { hosts_[host].failed_at.reset(); }
  // Returns those that failed so long ago that they are forgotten now.
  std::vector<std::string> Failed(const std::string& host, Instant now);
  void Left(const std::string& host) { hosts_.erase(host); }
  void Clear() { hosts_.clear(); }

  // Hosts that there should be by the configuration. One that begins and finds none of them goes by
  // their number for reclaim_after; then it is alone.
  void SetSeeds(size_t seeds) { seeds_ = seeds; }

  // A host's own word; false: it is none of the members.
  bool Heard(const std::string& host, const Told& told, Instant now);

  // How the others count now.
  RateParts::Others Others(Instant now) const;
  // When that may change by time alone.
  Instant NextChange(Instant now) const;

  // A host as it counts now.
  struct Row {
    std::string name;
    bool heard = false;  // Of late.
    std::optional<Instant> heard_at;
  };
  // Those that are members or not given up yet, by name; without this one.
  std::vector<Row> Rows(Instant now) const;

  // Those that are members, and those of them that are heard; without this one.
  size_t expected(Instant now) const;
  size_t heard(Instant now) const;

 private:
  struct Host {
    std::optional<Instant> failed_at;
    std::optional<Instant> heard_at;
    Told told;
  };

  bool IsExpected(const Host& host, Instant now) const;
  static bool IsHeard(const Host& host, Instant now);
  double SideRatio(Instant now) const;

  const std::string self_;
  const Instant began_at_;
  size_t seeds_ = 0;
  Settings settings_;
  std::map<std::string, Host> hosts_;  // By name, without this one.
};

}  // namespace lb::controlplane
