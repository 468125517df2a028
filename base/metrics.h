// Metric families as plain values, and their Prometheus text (format 0.0.4, written by
// prometheus-cpp's serializer). Producers build values on their own thread; nothing here locks.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lb {

struct MetricSample {
  std::vector<std::pair<std::string, std::string>> labels;
  double value = 0;
};

struct MetricFamily {
  enum class Type { kCounter, kGauge };

  std::string name;  // "lb_rule_connections_total"; prometheus.io/docs/practices/naming
  std::string help;
  Type type = Type::kGauge;
  std::vector<MetricSample> samples;

  // Appends one sample.
  void Add(std::vector<std::pair<std::string, std::string>> labels, double value) {
    samples.push_back({std::move(labels), value});
  }
};

// Returns the text of all families, in the order given. Families without a sample are left out.
std::string RenderMetrics(const std::vector<MetricFamily>& families);

// lb_build_info and the process_* standard set (CPU, memory, descriptors, start time) of this
// process, read from /proc.
void AppendProcessMetrics(std::string_view program, std::vector<MetricFamily>& families);

}  // namespace lb
