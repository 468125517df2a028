#include "controlplane/shell/config_source.h"

#include <sys/stat.h>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include "base/log.h"
#include "base/sha256.h"
#include "controlplane/shell/config_reader.h"
#include "controlplane/shell/config_writer.h"
#include "controlplane/shell/folder_watch.h"
#include "controlplane/shell/helper_thread.h"
#include "controlplane/shell/revision_store.h"

namespace lb::controlplane {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using boost::system::error_code;

// What was good last, and runs.
struct Running {
  std::string text;
  std::string digest;
  FileStamps stamps;  // Of the files that it names.
  std::set<std::string> folders;
  std::set<std::string> rules_left_out;  // Since the start, by name.
  std::shared_ptr<const Config> config;
};

// What is known before a look.
struct Known {
  std::string digest;
  FileStamps stamps;  // Of the files that the file names.
  Running running;
  std::shared_ptr<const TlsMaterial> in_force;
  bool forced = false;
};

// How to load a text of this digest while `running` runs.
LoadContext ContextOf(const std::string& digest, const Running& running,
                      const std::shared_ptr<const TlsMaterial>& in_force, FileStamps& stamps) {
  LoadContext context;
  context.in_force = in_force;
  context.stamps = &stamps;
  if (digest == running.digest) context.rules_left_out = running.rules_left_out;
  return context;
}

// What the helper thread hands back.
struct Seen {
  std::optional<ConfigRead> event;  // Absent: nothing changed.
  std::string digest;
  bool forced = false;  // As Known::forced.
  fs::path real_path;   // Links resolved; empty when the file is not there.
  // With an event: of the files that it names, and the folders they are in.
  FileStamps stamps;
  std::set<std::string> folders;
};

Seen ReadAndLoad(const std::string& path, const Known& known) {
  const ConfigFileRead file = ReadConfigFile(path);
  Seen outcome;
  outcome.digest = file.digest;
  outcome.forced = known.forced;
  std::error_code missing;
  outcome.real_path = fs::canonical(path, missing);
  const bool same_text = file.digest == known.digest;
  const auto context = [&](const std::string& digest) {
    return ContextOf(digest, known.running, known.in_force, outcome.stamps);
  };
  const bool only_files = same_text && !known.forced;
  if (only_files && known.running.digest != file.digest && !AreCurrent(known.running.stamps)) {
    // An edit that was refused must not keep renewed certificates out.
    const std::string& digest = known.running.digest;
    outcome.event =
        LoadedFrom(path, {absl::OkStatus(), known.running.text, digest}, context(digest));
    outcome.event->of_running = true;
  } else if (!only_files || !AreCurrent(known.stamps)) {
    outcome.event = LoadedFrom(path, file, context(file.digest));
  } else {
    return outcome;
  }
  outcome.event->only_files = only_files;
  outcome.folders = FoldersOf(outcome.stamps, ConfigSource::kMaxFolders);
  return outcome;
}

// Checks a content, and writes it when that is asked for and it is good.
ConfigTried TryNow(const TryConfig& action, const std::string& path, const Known& known,
                   FileStamps& stamps, const std::function<absl::Status()>& before_write) {
  ConfigTried tried;
  tried.token = action.token;
  if (action.after_save && before_write) {
    tried.status = before_write();
    tried.reason = tried.status.ok() ? "" : kStateNotSaved;
    if (!tried.status.ok()) return tried;
  }
  const ConfigFileRead file{absl::OkStatus(), action.content, Sha256(action.content)};
  tried.read =
      LoadedFrom(path, file, ContextOf(file.digest, known.running, known.in_force, stamps));
  if (!tried.read.config || (action.warnings_as_errors && tried.read.findings_total > 0)) {
    tried.status = absl::InvalidArgumentError("the configuration has findings");
    tried.reason = kConfigInvalid;
    return tried;
  }
  if (!action.write) return tried;
  tried.status = before_write ? before_write() : absl::OkStatus();
  tried.reason = kStateNotSaved;
  if (!tried.status.ok()) return tried;
  const absl::StatusOr<WrittenFile> written =
      ReplaceConfigFile(path, action.content, action.expected_digest, action.keep_old);
  tried.status = written.status();
  // It is in the file, so it is in force: an error here would have it taken for refused.
  if (written.ok() && !written->after.ok())
    LogError("the configuration is written, but may not outlast a power loss",
             {{"error", std::string(written->after.message())}});
  tried.reason = tried.status.ok() ? "" : "CONFIG_NOT_WRITTEN";
  if (absl::IsAborted(tried.status)) tried.reason = "CONFIG_MOVED";
  if (absl::IsPermissionDenied(tried.status)) {
    tried.reason = "CONFIG_READ_ONLY";
    tried.status = absl::FailedPreconditionError(tried.status.message());
  }
  return tried;
}

void LogFailure(const absl::Status& status) {
  if (!status.ok())
    LogError("a revision of the configuration is not kept",
             {{"error", std::string(status.message())}});
}

std::string FolderOf(const fs::path& path) {
  const fs::path folder = path.parent_path();
  return folder.empty() ? "." : folder.string();
}

}  // namespace

class ConfigSource::Impl final : public std::enable_shared_from_this<ConfigSource::Impl> {
 public:
  Impl(asio::io_context& io, Options options, EventSink sink)
      : io_(io),
        options_(std::move(options)),
        sink_(std::move(sink)),
        digest_(options_.digest),
        store_(options_.revisions_folder),
        quiet_timer_(io),
        settle_timer_(io),
        poll_timer_(io) {}

  void Start(const ConfigRead& in_force, FileStamps stamps) {
    told_bad_files_ = in_force.bad_files;
    stamps_ = std::move(stamps);
    tls_folders_ = FoldersOf(stamps_, kMaxFolders);
    if (in_force.config) SetRunning(in_force, stamps_, tls_folders_);
    auto watch = FolderWatch::Create(
        io_,
        [this](FolderWatch::Change change, const std::string& name) { Changed(change, name); });
    if (watch.ok()) {
      watch_ = *std::move(watch);
    } else {
      LogWarn("configuration is polled, not watched",
              {{"error", std::string(watch.status().message())}});
    }
    std::error_code missing;
    WatchFolders(fs::canonical(options_.path, missing));
    SchedulePoll();
    // It may have changed since the caller read it, and may still be changing.
    waiting_ = true;
    first_change_ = ReadClocks().steady;
    ScheduleLook();
  }

  void Read(bool forced) {
    forced_ = forced_ || forced;
    if (reading_) {
      again_ = true;
      return;
    }
    reading_ = true;
    helper_.Post(
        [weak = weak_from_this(), &io = io_, path = options_.path,
         known = Known{digest_, stamps_, running_, in_force_, std::exchange(forced_, false)}] {
          Seen outcome = ReadAndLoad(path, known);
          asio::post(io, [weak, outcome = std::move(outcome)]() mutable {
            if (auto self = weak.lock()) self->ReadDone(std::move(outcome));
          });
        });
  }

  void Try(TryConfig action) {
    const bool only_looks = !action.write && !action.after_save;
    auto work = [weak = weak_from_this(), &io = io_, path = options_.path,
                 before_write = options_.before_write,
                 known = Known{digest_, stamps_, running_, in_force_}, action = std::move(action)] {
      FileStamps stamps;
      ConfigTried tried = TryNow(action, path, known, stamps, before_write);
      asio::post(io, [weak, write = action.write, tried = std::move(tried),
                      stamps = std::move(stamps)]() mutable {
        auto self = weak.lock();
        if (self == nullptr) return;
        if (write && tried.status.ok()) self->Written(tried.read, std::move(stamps));
        self->sink_(std::move(tried));
      });
    };
    // Whoever has configurations looked at, large ones and many, must not hold up a rollback.
    if (only_looks)
      helper_.PostLater(std::move(work));
    else
      helper_.Post(std::move(work));
  }

  // What is lost of these shows as a rollback that cannot be had.
  void Keep(KeepRevision action) {
    helper_.Post([store = store_, action = std::move(action)]() mutable {
      LogFailure(store.Keep(action.number, action.content));
    });
  }
  void Drop(DropRevision action) {
    helper_.Post([store = store_, action]() mutable { LogFailure(store.Drop(action.number)); });
  }

  void Stop() { helper_.Stop(); }

 private:
  void ReadDone(Seen outcome) {
    reading_ = false;
    digest_ = std::move(outcome.digest);
    if (outcome.event) Loaded(outcome);
    if (outcome.forced && !forced_ && options_.on_reloaded) options_.on_reloaded();
    WatchFolders(outcome.real_path);
    if (std::exchange(again_, false)) Read(false);
  }

  void Loaded(Seen& seen) {
    ConfigRead& read = *seen.event;
    const bool news = read.bad_files != told_bad_files_;
    if (read.only_files && !read.bad_files.empty() && news && MaySettle()) return;
    bad_since_.reset();
    settle_timer_.cancel();
    const bool same = read.only_files && read.config && !refused_ && !news && in_force_ &&
                      *in_force_ == *read.material && *running_.config == *read.config;
    if (read.config) SetRunning(read, seen.stamps, seen.folders);
    if (read.of_running) {
      running_.stamps = std::move(seen.stamps);
      again_ = true;  // The file may name what changed, too.
    } else {
      stamps_ = std::move(seen.stamps);
      tls_folders_ = std::move(seen.folders);
      refused_ = !read.config;
    }
    told_bad_files_ = read.bad_files;
    if (!same) sink_(std::move(read));
  }

  // What the API wrote is in force from now on.
  void Written(const ConfigRead& read, FileStamps stamps) {
    digest_ = read.digest;
    stamps_ = std::move(stamps);
    tls_folders_ = FoldersOf(stamps_, kMaxFolders);
    refused_ = false;
    told_bad_files_ = read.bad_files;
    SetRunning(read, stamps_, tls_folders_);
    std::error_code missing;
    WatchFolders(fs::canonical(options_.path, missing));
  }

  void SetRunning(const ConfigRead& read, const FileStamps& stamps,
                  const std::set<std::string>& folders) {
    in_force_ = read.material;
    running_ = {read.content, read.digest, stamps,
                folders,      {},          std::make_shared<const Config>(*read.config)};
    for (const RuleConfig& rule : read.left_out) running_.rules_left_out.insert(rule.name);
  }

  // Whether renewed files that are no good may still become so by themselves; they are looked at
  // again then. What was told already is not told later.
  bool MaySettle() {
    const Instant now = ReadClocks().steady;
    if (!bad_since_) bad_since_ = now;
    if (now - *bad_since_ >= options_.settle) return false;
    settle_timer_.expires_after(options_.settle_look);
    settle_timer_.async_wait([weak = weak_from_this()](const error_code& error) {
      auto self = weak.lock();
      if (!error && self != nullptr) self->Read(false);
    });
    return true;
  }

  void WatchFolders(const fs::path& real_path) {
    names_ = {fs::path(options_.path).filename().string(), real_path.filename().string()};
    if (watch_ == nullptr) return;
    std::set<std::string> folders = tls_folders_;
    folders.insert(running_.folders.begin(), running_.folders.end());
    folders.insert(FolderOf(options_.path));
    if (!real_path.empty()) folders.insert(FolderOf(real_path));
    watch_->SetFolders({folders.begin(), folders.end()});
  }

  // A change of our file begins its quiet time anew; any other one in its folder (a link on the way
  // to it, or a neighbour) only leads to a look.
  void Changed(FolderWatch::Change change, const std::string& name) {
    const bool ours = !name.empty() && (name == names_.first || name == names_.second);
    if (ours) {
      writing_ = change == FolderWatch::Change::kWriting ||
                 (change == FolderWatch::Change::kCreated && IsEmptyFile());
    }
    if (!waiting_) {
      waiting_ = true;
      first_change_ = ReadClocks().steady;
      ScheduleLook();
    } else if (ours) {
      ScheduleLook();
    }
  }

  bool IsEmptyFile() const {
    struct stat info {};
    return ::lstat(options_.path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && info.st_size == 0;
  }

  void ScheduleLook() {
    quiet_timer_.expires_after(options_.quiet);
    quiet_timer_.async_wait([weak = weak_from_this()](const error_code& error) {
      auto self = weak.lock();
      if (!error && self != nullptr) self->QuietPassed();
    });
  }

  void QuietPassed() {
    const bool patient = ReadClocks().steady - first_change_ < options_.max_wait;
    if (writing_ && patient) return ScheduleLook();
    waiting_ = false;
    Read(false);
  }

  void SchedulePoll() {
    poll_timer_.expires_after(options_.poll);
    poll_timer_.async_wait([weak = weak_from_this()](const error_code& error) {
      auto self = weak.lock();
      if (error || self == nullptr) return;
      self->SchedulePoll();
      if (!self->waiting_) self->Read(false);
    });
  }

  asio::io_context& io_;
  const Options options_;
  EventSink sink_;
  std::string digest_;
  const RevisionStore store_;
  std::pair<std::string, std::string> names_;  // Of the file: as given, and with links resolved.
  std::unique_ptr<FolderWatch> watch_;
  Running running_;
  FileStamps stamps_;                            // Of the files of TLS as read last.
  std::set<std::string> tls_folders_;            // That they are in.
  std::shared_ptr<const TlsMaterial> in_force_;  // What was good last; nullptr: nothing yet.
  bool refused_ = false;                         // The file as read last.
  // What was posted last of files that are no good.
  std::map<std::string, std::string> told_bad_files_;
  std::optional<Instant> bad_since_;  // They do not fit together yet.
  asio::steady_timer quiet_timer_;
  asio::steady_timer settle_timer_;
  asio::steady_timer poll_timer_;
  Instant first_change_{};
  bool waiting_ = false;  // A look is scheduled.
  bool writing_ = false;  // Somebody has our file open and writes.
  bool reading_ = false;
  bool again_ = false;
  bool forced_ = false;
  HelperThread helper_;  // Last: its thread ends before the rest goes.
};

ConfigSource::ConfigSource(asio::io_context& io, Options options, EventSink sink)
    : impl_(std::make_shared<Impl>(io, std::move(options), std::move(sink))) {}

ConfigSource::~ConfigSource() { impl_->Stop(); }

void ConfigSource::Start(const ConfigRead& in_force, FileStamps stamps) {
  impl_->Start(in_force, std::move(stamps));
}

void ConfigSource::Reload() { impl_->Read(true); }

void ConfigSource::Try(TryConfig action) { impl_->Try(std::move(action)); }

void ConfigSource::Keep(KeepRevision action) { impl_->Keep(std::move(action)); }

void ConfigSource::Drop(DropRevision action) { impl_->Drop(action); }

}  // namespace lb::controlplane
