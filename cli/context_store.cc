#include "cli/context_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "base/unique_fd.h"
#include "cli/exit_code.h"
#include "cli/suggest.h"
#include "cli/text.h"

namespace lb::cli {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kFileMode = 0600;

absl::Status Failed(const char* what, const std::string& path) {
  const int error = errno;
  const std::string text = absl::StrCat("cannot ", what, " ", path, ": ", std::strerror(error));
  if (error == ENOENT) return absl::NotFoundError(text);
  if (error == EACCES || error == EPERM || error == EROFS) return absl::PermissionDeniedError(text);
  return absl::FailedPreconditionError(text);
}

absl::StatusOr<std::string> Read(const std::string& path) {
  // O_NONBLOCK: a FIFO must not make lbctl wait for a writer.
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid()) return Failed("open", path);
  std::string text(kContextFileBytesMax + 1, '\0');
  size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(fd.get(), text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Failed("read", path);
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  if (size > kContextFileBytesMax)
    return UsageError(absl::StrCat(path, " has more than ", kContextFileBytesMax, " bytes"));
  text.resize(size);
  return text;
}

absl::Status WriteWhole(int fd, const std::string& path, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Failed("write", path);
    text.remove_prefix(static_cast<size_t>(written));
  }
  return ::fsync(fd) == 0 ? absl::OkStatus() : Failed("sync", path);
}

absl::Status Replace(const std::string& path, const std::string& text) {
  const std::string fresh = path + ".new";
  ::unlink(fresh.c_str());  // Of a lbctl that was killed; we hold the lock.
  const UniqueFd fd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kFileMode));
  if (!fd.valid()) return Failed("create", fresh);
  if (const absl::Status written = WriteWhole(fd.get(), fresh, text); !written.ok()) {
    ::unlink(fresh.c_str());
    return written;
  }
  return ::rename(fresh.c_str(), path.c_str()) == 0 ? absl::OkStatus() : Failed("rename to", path);
}

// The variable's value, empty when it is not set.
std::string Env(const GetEnv& get_env, const char* name) { return get_env(name).value_or(""); }

const ContextKey* KeyOfVariable(const std::string& variable) {
  for (const ContextKey& key : ContextKeys())
    if (variable == key.variable) return &key;
  return nullptr;
}

}  // namespace

ContextPath FindContextPath(const GlobalFlags& flags, const GetEnv& get_env) {
  if (flags.config) return {*flags.config, true};
  if (std::string named = Env(get_env, "LBCTL_CONFIG"); !named.empty()) return {named, true};
  std::string folder = Env(get_env, "XDG_CONFIG_HOME");
  // The XDG base directory specification: a relative path is to be ignored.
  if (folder.empty() || folder[0] != '/') {
    const std::string home = Env(get_env, "HOME");
    if (home.empty()) return {};
    folder = home + "/.config";
  }
  return {folder + "/lb/lbctl.yaml", false};
}

absl::StatusOr<ContextFile> LoadContexts(const ContextPath& path) {
  if (path.path.empty() && !path.named) return ContextFile{};
  absl::StatusOr<std::string> text = Read(path.path);
  if (!text.ok() && absl::IsNotFound(text.status()) && !path.named) return ContextFile{};
  if (!text.ok()) return text.status();
  return ParseContextFile(path.path, *text);
}

absl::Status ChangeContexts(const ContextPath& path,
                            const std::function<absl::Status(ContextFile&)>& change) {
  if (path.path.empty())
    return UsageError("no place for the context file: HOME is not set", "name one: --config FILE");
  std::error_code error;
  // A link stays one: what it leads to is replaced.
  fs::path target = fs::weakly_canonical(path.path, error);
  if (error) target = path.path;
  const fs::path folder = target.has_parent_path() ? target.parent_path() : fs::path(".");
  if (!fs::exists(folder, error)) {
    fs::create_directories(folder, error);
    if (!error) fs::permissions(folder, fs::perms::owner_all, error);
  }
  const UniqueFd lock(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!lock.valid()) return Failed("open the folder", folder.string());
  if (::flock(lock.get(), LOCK_EX) != 0) return Failed("lock", folder.string());
  LB_ASSIGN_OR_RETURN(ContextFile file, LoadContexts({target.string(), false}));
  LB_RETURN_IF_ERROR(change(file));
  LB_RETURN_IF_ERROR(Replace(target.string(), RenderContextFile(file)));
  return ::fsync(lock.get()) == 0 ? absl::OkStatus() : Failed("sync", folder.string());
}

absl::Status NoSuchContext(const std::string& name, const ContextFile& file,
                           const std::string& path) {
  std::vector<std::string> names;
  for (const auto& [known, context] : file.contexts) names.push_back(known);
  const std::string closest = DidYouMean(name, names);
  const std::string where = path.empty()
                                ? "there is no context file"
                                : absl::StrCat("contexts of ", path, ": ",
                                               names.empty() ? "none" : absl::StrJoin(names, ", "));
  absl::Status status = absl::NotFoundError(absl::StrCat("no context '", Escape(name), "'"));
  SetHint(status, closest.empty() ? where : closest);
  return status;
}

absl::StatusOr<ChosenContext> ChooseContext(const GlobalFlags& flags, const GetEnv& get_env) {
  ChosenContext chosen;
  chosen.path = FindContextPath(flags, get_env);
  // Said to be none: whatever the file has, even when it cannot be read.
  if (flags.context && flags.context->empty()) return chosen;
  LB_ASSIGN_OR_RETURN(const ContextFile file, LoadContexts(chosen.path));
  chosen.name = flags.context ? *flags.context : Env(get_env, "LBCTL_CONTEXT");
  if (chosen.name.empty()) chosen.name = file.current;
  if (chosen.name.empty()) return chosen;
  const auto found = file.contexts.find(chosen.name);
  if (found == file.contexts.end()) return NoSuchContext(chosen.name, file, chosen.path.path);
  chosen.settings = found->second;
  const fs::path folder = fs::path(chosen.path.path).parent_path();
  for (const ContextKey& key : ContextKeys())
    if (const auto value = chosen.settings.find(key.key);
        key.path && value != chosen.settings.end())
      value->second = (folder / value->second).lexically_normal().string();
  return chosen;
}

GetEnv WithContext(const GetEnv& get_env, const ChosenContext& context) {
  return [get_env, context](const std::string& name) -> std::optional<std::string> {
    const std::optional<std::string> value = get_env(name);
    const ContextKey* key = KeyOfVariable(name);
    if (key == nullptr || !value.value_or("").empty()) return value;
    const auto setting = context.settings.find(key->key);
    return setting == context.settings.end() ? value : setting->second;
  };
}

std::string OverriddenNote(const GlobalFlags& flags, const GetEnv& get_env,
                           const ChosenContext& context) {
  if (!flags.context || context.settings.count("endpoint") == 0 || !flags.endpoints.empty() ||
      Env(get_env, "LBCTL_ENDPOINT").empty())
    return "";
  return absl::StrCat("note: LBCTL_ENDPOINT is set and stands before the endpoint of context '",
                      context.name, "'\n");
}

}  // namespace lb::cli
