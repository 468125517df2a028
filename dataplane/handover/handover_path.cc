#include "dataplane/handover/handover_path.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace lb::dataplane {
namespace {

constexpr char kRunFolder[] = "/run/lb";
constexpr char kSuffix[] = ".handover";

// What the paths of all workers of this control plane begin with.
std::string Prefix(const Endpoint& control) {
  if (control.kind() != Endpoint::Kind::kUnix) return absl::StrCat(kRunFolder, "/worker-");
  return absl::StrCat(absl::StripSuffix(control.host(), ".sock"), "-");
}

}  // namespace

std::string HandoverPath(const Endpoint& control, const std::string& id) {
  return absl::StrCat(Prefix(control), id, kSuffix);
}

std::vector<std::string> NeighbourPaths(const Endpoint& control, const std::string& id) {
  const std::string prefix = Prefix(control);
  const std::string own = HandoverPath(control, id);
  std::vector<std::string> paths;
  std::error_code error;
  std::filesystem::directory_iterator files(std::filesystem::path(prefix).parent_path(), error);
  const std::filesystem::directory_iterator end;
  for (; !error && files != end; files.increment(error)) {
    const std::string path = files->path().string();
    if (path != own && absl::StartsWith(path, prefix) && absl::EndsWith(path, kSuffix))
      paths.push_back(path);
  }
  std::sort(paths.begin(), paths.end());
  if (paths.size() > kMaxNeighbours) paths.resize(kMaxNeighbours);
  return paths;
}

}  // namespace lb::dataplane
