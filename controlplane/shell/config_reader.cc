#include "controlplane/shell/config_reader.h"

#include <cstdlib>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/folder.h"
#include "base/sha256.h"
#include "base/time.h"
#include "controlplane/shell/file_io.h"

namespace lb::controlplane {
namespace {

// The one finding that is about the file and not about its text.
constexpr char kUnreadableCode[] = "LB0113";

Sources RealSources() {
  Sources sources;
  sources.get_env = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return value;
  };
  sources.read_file = [](const std::string& path) -> absl::StatusOr<std::string> {
    absl::StatusOr<std::string> bytes = ReadRegularFile(path, kMaxReferencedBytes + 1);
    if (bytes.ok() && bytes->size() > kMaxReferencedBytes)
      return absl::OutOfRangeError(
          absl::StrCat(path, " has more than ", kMaxReferencedBytes, " bytes"));
    return bytes;
  };
  sources.has_folder = HasFolder;
  return sources;
}

}  // namespace

ConfigFileRead ReadConfigFile(const std::string& path) {
  ConfigFileRead file;
  absl::StatusOr<std::string> text = ReadRegularFile(path, kMaxConfigBytes + 1);
  file.status = text.status();
  if (text.ok()) file.text = *std::move(text);
  file.digest = Sha256(file.status.ok() ? file.text : file.status.ToString());
  return file;
}

LoadResult LoadConfigFile(const ConfigFileRead& file) {
  if (file.status.ok()) return Load(file.text, RealSources());
  Finding finding;
  finding.code = kUnreadableCode;
  finding.message = std::string(file.status.message());
  return LoadResult{std::nullopt, {finding}, 1};
}

ConfigRead LoadedFrom(const std::string& path, const ConfigFileRead& file) {
  LoadResult loaded = LoadConfigFile(file);
  ConfigRead read{path, std::move(loaded.config), std::move(loaded.findings),
                  loaded.findings_total};
  if (file.status.ok()) read.content = file.text;
  read.digest = file.digest;
  read.time = ReadClocks().wall;
  return read;
}

}  // namespace lb::controlplane
