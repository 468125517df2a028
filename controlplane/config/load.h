// YAML text to Config: strict, with every finding of one pass, sorted by place.
//
// Pure: files and the environment are reached through Sources. Threading: none.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "controlplane/config/config.h"
#include "controlplane/config/finding.h"
#include "controlplane/tls/material_result.h"

namespace lb::controlplane {

// What a configuration may refer to outside itself. A function left empty finds nothing.
struct Sources {
  // The value of an environment variable, or nullopt when it is not set.
  std::function<std::optional<std::string>(const std::string& name)> get_env;
  // The content of a small file: for ${file:/path}, for keys of the cluster, and to see that a
  // certificate exists.
  std::function<absl::StatusOr<std::string>(const std::string& path)> read_file;
  // Permissions of a file, as st_mode of stat(2) has them. Left empty, nothing is said of them.
  std::function<std::optional<uint32_t>(const std::string& path)> read_mode{};
  // Whether there is such a folder. Left empty, nothing is said of folders.
  std::function<bool(const std::string& path)> has_folder{};
  // What is in the files of TLS that a configuration names: see LoadMaterial. Left empty, it is
  // only looked whether they are there.
  std::function<MaterialResult(const Config& config)> load_material{};
  // A rule whose files of TLS are no good is left out, and keeps the others not out; where its
  // default certificate is good, only those that are not. For a start.
  bool leave_out_rules = false;
  // Rules that are left out already and stay so until their files are good.
  std::set<std::string> rules_left_out{};
};

struct LoadResult {
  std::optional<Config> config;  // Set when there is no error among the findings, or see left_out.
  Findings findings;             // At most kMaxFindings, sorted by place.
  size_t findings_total = 0;     // Before the cap.
  // What is in the files of TLS; nullptr where nobody looked.
  std::shared_ptr<const TlsMaterial> material{};
  // Those that are no good, with what is wrong: also where what was loaded before stays.
  std::map<std::string, std::string> bad_files{};
  // Rules that are not in `config`, although it is there, or lack certificates in it, since files
  // of theirs are no good; as they are written.
  std::vector<RuleConfig> left_out{};
};

// Largest file that is looked at; a larger one is one finding.
inline constexpr size_t kMaxConfigBytes = 10u << 20;

// Parses and checks `text`. Never fails otherwise than by findings.
LoadResult Load(std::string_view text, const Sources& sources);

// Renders findings for people: FILE:LINE:COLUMN, code, message, the line with a caret and with
// secrets masked, and a last line that counts them. "" when there are none.
std::string RenderFindings(std::string_view file, std::string_view text, const LoadResult& result);

}  // namespace lb::controlplane
