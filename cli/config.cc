#include "cli/config.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/file_mode.h"
#include "base/folder.h"
#include "base/status_macros.h"
#include "base/time.h"
#include "base/unique_fd.h"
#include "cli/findings.h"
#include "cli/json.h"
#include "cli/suggest.h"
#include "cli/terminal.h"
#include "cli/text.h"
#include "controlplane/config/codes.h"
#include "controlplane/config/load.h"
#include "controlplane/config/reference.h"
#include "controlplane/config/schema.h"
#include "controlplane/tls/load_material.h"

namespace lb::cli {
namespace {

using controlplane::Finding;
using controlplane::LoadResult;

// Of a secret, certificate or file of authorities: as much as the control plane reads.
constexpr size_t kReferencedBytesMax = 1 << 20;

std::string ErrnoText(const char* what, const std::string& path, int error) {
  return absl::StrCat("cannot ", what, " ", Escape(path), ": ", std::strerror(error));
}

// Reads until the end, or one byte more than `bytes_max`.
absl::StatusOr<std::string> ReadAll(int fd, const std::string& path, size_t bytes_max) {
  std::string text;
  char buffer[65536];
  while (text.size() <= bytes_max) {
    const ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got == 0) return text;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return absl::UnavailableError(ErrnoText("read", path, errno));
    text.append(buffer, static_cast<size_t>(got));
  }
  text.resize(bytes_max + 1);
  return text;
}

absl::StatusOr<std::string> ReadPath(const std::string& path, size_t bytes_max) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return absl::UnavailableError(ErrnoText("open", path, errno));
  return ReadAll(fd.get(), path, bytes_max);
}

// Writes beside the file and renames, so that a reader never sees half of it.
absl::Status ReplaceFile(const std::string& path, const std::string& text) {
  const std::string beside = path + ".new";
  std::ofstream file(beside, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (file.good() && std::rename(beside.c_str(), path.c_str()) == 0) return absl::OkStatus();
  return UsageError(absl::StrCat("--out: ", ErrnoText("write", path, errno)));
}

LoadResult Unreadable(const absl::Status& status) {
  LoadResult result;
  Finding finding;
  finding.code = std::string(controlplane::codes::kFile);
  finding.message = std::string(status.message());
  result.findings.push_back(std::move(finding));
  result.findings_total = 1;
  return result;
}

bool HasFindings(const LoadResult& result, Finding::Severity least) {
  for (const Finding& finding : result.findings)
    if (finding.severity >= least) return true;
  return false;
}

}  // namespace

controlplane::Sources LocalSources() {
  controlplane::Sources sources;
  sources.get_env = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return value;
  };
  sources.read_file = [](const std::string& path) -> absl::StatusOr<std::string> {
    absl::StatusOr<std::string> text = ReadPath(path, kReferencedBytesMax);
    if (text.ok() && text->size() > kReferencedBytesMax)
      return absl::InvalidArgumentError(
          absl::StrCat(Escape(path), " is larger than ", kReferencedBytesMax, " bytes"));
    return text;
  };
  sources.read_mode = FileMode;
  sources.has_folder = HasFolder;
  sources.load_material = [read_file = sources.read_file](const controlplane::Config& config) {
    controlplane::MaterialSources material;
    material.read_file = read_file;
    material.read_mode = FileMode;
    material.now = ReadClocks().wall;
    return controlplane::LoadMaterial(config, material);
  };
  return sources;
}

absl::StatusOr<std::string> ReadConfigText(const std::string& file) {
  if (file.empty()) return UsageError("FILE is missing", "- is standard input");
  absl::StatusOr<std::string> text =
      file == "-" ? ReadAll(STDIN_FILENO, "stdin", controlplane::kMaxConfigBytes)
                  : ReadPath(file, controlplane::kMaxConfigBytes);
  if (!text.ok()) return UsageError(std::string(text.status().message()));
  if (text->size() > controlplane::kMaxConfigBytes)
    return UsageError(
        absl::StrCat(Escape(file), " has more than ", controlplane::kMaxConfigBytes, " bytes"));
  return text;
}

absl::StatusOr<ExitCode> RunValidate(const ValidateOptions& options) {
  const std::vector<std::string> formats = {"text", "json", "github"};
  if (std::find(formats.begin(), formats.end(), options.format) == formats.end()) {
    const std::string hint = DidYouMean(options.format, formats);
    return UsageError(absl::StrCat("-o: '", Escape(options.format),
                                   "' is not one of text, json, github", hint.empty() ? "" : "; ",
                                   hint));
  }
  const bool from_stdin = options.file == "-";
  const std::string name = from_stdin ? "stdin" : options.file;
  const absl::StatusOr<std::string> text =
      from_stdin ? ReadAll(STDIN_FILENO, name, controlplane::kMaxConfigBytes)
                 : ReadPath(options.file, controlplane::kMaxConfigBytes);
  const LoadResult result =
      text.ok() ? controlplane::Load(*text, LocalSources()) : Unreadable(text.status());
  const auto least = options.strict ? Finding::Severity::kWarning : Finding::Severity::kError;
  const bool valid = !HasFindings(result, least);
  if (options.format == "json") {
    WriteOut(RenderFindingsJson(name, result, valid));
  } else if (options.format == "github") {
    WriteOut(RenderFindingsGithub(name, result));
  } else if (result.findings.empty()) {
    WriteOut(absl::StrCat(Escape(name), ": good\n"));
  } else {
    WriteOut(controlplane::RenderFindings(name, text.ok() ? *text : "", result));
  }
  return valid ? ExitCode::kDone : ExitCode::kFindings;
}

absl::StatusOr<ExitCode> RunSchema(const std::string& out) {
  const std::string schema = ToPrettyJson(boost::json::parse(controlplane::ConfigSchema()));
  if (out.empty()) {
    WriteOut(schema);
    return ExitCode::kDone;
  }
  LB_RETURN_IF_ERROR(ReplaceFile(out, schema));
  return ExitCode::kDone;
}

absl::StatusOr<ExitCode> RunExplain(const std::string& path) {
  const absl::StatusOr<std::string> text = controlplane::ExplainKey(path);
  if (!text.ok()) {
    absl::Status status = text.status();
    SetHint(status, "lbctl config explain lists the keys at the top, and PATH those below it");
    return status;
  }
  WriteOut(*text);
  return ExitCode::kDone;
}

}  // namespace lb::cli
