#include "base/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/version.h"

namespace lb {
namespace {

prometheus::MetricFamily ToPrometheus(const MetricFamily& family) {
  const bool counter = family.type == MetricFamily::Type::kCounter;
  prometheus::MetricFamily out;
  out.name = family.name;
  out.help = family.help;
  out.type = counter ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge;
  out.metric.reserve(family.samples.size());
  for (const MetricSample& sample : family.samples) {
    prometheus::ClientMetric metric;
    for (const auto& [name, value] : sample.labels) metric.label.push_back({name, value});
    (counter ? metric.counter.value : metric.gauge.value) = sample.value;
    out.metric.push_back(std::move(metric));
  }
  return out;
}

// Field `index` (1-based) of /proc/self/stat; fields after the name in parentheses: proc(5).
double StatField(int index) {
  std::ifstream file("/proc/self/stat");
  std::string line;
  std::getline(file, line);
  const size_t close = line.rfind(')');
  if (close == std::string::npos) return 0;
  std::istringstream rest(line.substr(close + 1));
  std::string word;
  for (int field = 3; field <= index && rest >> word; ++field) {
  }
  return word.empty() ? 0 : std::stod(word);
}

double OpenDescriptors() {
  std::error_code error;
  std::filesystem::directory_iterator entries("/proc/self/fd", error);
  double count = 0;
  for (; !error && entries != std::filesystem::directory_iterator(); entries.increment(error))
    ++count;
  return count;
}

double BootTimeSeconds() {
  std::ifstream file("/proc/stat");
  std::string word;
  while (file >> word) {
    if (word != "btime") continue;
    double seconds = 0;
    file >> seconds;
    return seconds;
  }
  return 0;
}

void AddOne(std::vector<MetricFamily>& families, const char* name, const char* help,
            MetricFamily::Type type, double value) {
  families.push_back({name, help, type, {{{}, value}}});
}

}  // namespace

std::string RenderMetrics(const std::vector<MetricFamily>& families) {
  std::vector<prometheus::MetricFamily> out;
  out.reserve(families.size());
  for (const MetricFamily& family : families)
    if (!family.samples.empty()) out.push_back(ToPrometheus(family));
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, out);
  return text.str();
}

void AppendProcessMetrics(std::string_view program, std::vector<MetricFamily>& families) {
  using Type = MetricFamily::Type;
  const auto ticks_per_s = static_cast<double>(sysconf(_SC_CLK_TCK));
  const auto page_bytes = static_cast<double>(sysconf(_SC_PAGESIZE));
  MetricFamily build{"lb_build_info", "Version of the program; always 1.", Type::kGauge, {}};
  build.Add({{"program", std::string(program)}, {"version", kVersion}, {"compiler", __VERSION__}},
            1);
  families.push_back(std::move(build));
  AddOne(families, "process_cpu_seconds_total", "User and system CPU time.", Type::kCounter,
         (StatField(14) + StatField(15)) / ticks_per_s);
  AddOne(families, "process_virtual_memory_bytes", "Virtual memory.", Type::kGauge, StatField(23));
  AddOne(families, "process_resident_memory_bytes", "Resident memory.", Type::kGauge,
         StatField(24) * page_bytes);
  AddOne(families, "process_start_time_seconds", "Start, in seconds since the epoch.", Type::kGauge,
         BootTimeSeconds() + StatField(22) / ticks_per_s);
  AddOne(families, "process_open_fds", "Open file descriptors.", Type::kGauge, OpenDescriptors());
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
    AddOne(families, "process_max_fds", "Most file descriptors allowed.", Type::kGauge,
           static_cast<double>(limit.rlim_cur));
}

}  // namespace lb
