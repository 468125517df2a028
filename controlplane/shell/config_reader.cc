#include "controlplane/shell/config_reader.h"

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/file_mode.h"
#include "base/folder.h"
#include "base/sha256.h"
#include "base/time.h"
#include "controlplane/shell/file_io.h"
#include "controlplane/tls/load_material.h"

namespace lb::controlplane {
namespace {

// The one finding that is about the file and not about its text.
constexpr char kUnreadableCode[] = "LB0113";

absl::StatusOr<std::string> ReadReferenced(const std::string& path) {
  absl::StatusOr<std::string> bytes = ReadRegularFile(path, kMaxReferencedBytes + 1);
  if (bytes.ok() && bytes->size() > kMaxReferencedBytes)
    return absl::OutOfRangeError(
        absl::StrCat(path, " has more than ", kMaxReferencedBytes, " bytes"));
  return bytes;
}

// Notes in `stamps`, where that is there, what each file was like just before.
auto ReadStamped(FileStamps* stamps) {
  return [stamps](const std::string& path) {
    if (stamps != nullptr) (*stamps)[path] = StampOf(path);
    return ReadReferenced(path);
  };
}

MaterialSources MaterialOf(const LoadContext& context) {
  MaterialSources sources;
  sources.read_file = ReadStamped(context.stamps);
  sources.read_mode = FileMode;
  sources.now = ReadClocks().wall;
  sources.in_force = context.in_force;
  sources.at_start = context.at_start;
  return sources;
}

Sources RealSources(const LoadContext& context) {
  Sources sources;
  sources.get_env = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return value;
  };
  sources.read_file = ReadStamped(context.stamps);
  sources.read_mode = FileMode;
  sources.has_folder = HasFolder;
  sources.load_material = [&context](const Config& config) {
    return LoadMaterial(config, MaterialOf(context));
  };
  sources.leave_out_rules = context.at_start;
  sources.rules_left_out = context.rules_left_out;
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

LoadResult LoadConfigFile(const ConfigFileRead& file, const LoadContext& context) {
  if (context.stamps != nullptr) context.stamps->clear();
  if (file.status.ok()) return Load(file.text, RealSources(context));
  Finding finding;
  finding.code = kUnreadableCode;
  finding.message = std::string(file.status.message());
  return LoadResult{std::nullopt, {finding}, 1};
}

ConfigRead EventOf(const std::string& path, const ConfigFileRead& file, LoadResult loaded) {
  ConfigRead read{path, std::move(loaded.config), std::move(loaded.findings),
                  loaded.findings_total};
  if (file.status.ok()) read.content = file.text;
  read.digest = file.digest;
  read.time = ReadClocks().wall;
  read.material = std::move(loaded.material);
  read.bad_files = std::move(loaded.bad_files);
  read.left_out = std::move(loaded.left_out);
  return read;
}

ConfigRead LoadedFrom(const std::string& path, const ConfigFileRead& file,
                      const LoadContext& context) {
  return EventOf(path, file, LoadConfigFile(file, context));
}

}  // namespace lb::controlplane
