#include "controlplane/shell/process_start.h"

#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include "absl/strings/numbers.h"

namespace lb::controlplane {

// Source: proc(5), /proc/PID/stat; the name may hold spaces, so fields are counted from its last
// ')'.
std::optional<uint64_t> StartTicksOf(uint32_t pid) {
  constexpr int kFieldsBetween = 18;  // From the state (3) to the start time (22).
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(text.substr(name_end + 1));
  std::string field;
  fields >> field;
  if (field == "Z" || field == "X") return std::nullopt;
  for (int i = 0; i <= kFieldsBetween; ++i) fields >> field;
  uint64_t ticks = 0;
  if (!absl::SimpleAtoi(field, &ticks) || ticks == 0) return std::nullopt;
  return ticks;
}

}  // namespace lb::controlplane
