#include "controlplane/shell/state_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/sha256.h"
#include "base/unique_fd.h"
#include "controlplane/shell/file_io.h"
#include "lb/state/v1/state.pb.h"

namespace lb::controlplane {
namespace {

// The file: kMagic, SHA-256 of the payload, payload.
constexpr std::string_view kMagic = "lbstate1";

std::string Seal(std::string_view payload) {
  std::string bytes(kMagic);
  bytes += Sha256(payload);
  bytes += payload;
  return bytes;
}

// Returns the payload. Errors: the bytes are not what Seal() made, or no StoredState.
absl::StatusOr<std::string> Unseal(std::string_view bytes) {
  constexpr size_t kHeaderBytes = kMagic.size() + kSha256Bytes;
  if (bytes.size() < kHeaderBytes || bytes.substr(0, kMagic.size()) != kMagic)
    return absl::DataLossError("not a state file");
  const std::string_view payload = bytes.substr(kHeaderBytes);
  if (Sha256(payload) != bytes.substr(kMagic.size(), kSha256Bytes))
    return absl::DataLossError("wrong checksum");
  std::string out(payload);
  if (!state::v1::StoredState().ParseFromString(out))
    return absl::DataLossError("it does not parse");
  return out;
}

// Returns the lock of the folder; held until the descriptor is closed.
absl::StatusOr<UniqueFd> LockFolder(const std::string& folder) {
  constexpr mode_t kFolderMode = 0750;
  constexpr mode_t kLockMode = 0600;
  if (::mkdir(folder.c_str(), kFolderMode) != 0 && errno != EEXIST)
    return ErrnoStatus(errno, "cannot create the state folder (--state-dir)", folder);
  const std::string path = folder + "/lock";
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, kLockMode));
  if (!fd.valid()) return ErrnoStatus(errno, "cannot use the state folder (--state-dir):", path);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return ErrnoStatus(errno, "cannot lock", path);
    return absl::FailedPreconditionError(
        absl::StrCat("the state folder ", folder,
                     " belongs to another running lb-controlplane; give this one its own by "
                     "--state-dir"));
  }
  return fd;
}

// After a failure. A disk that was full for a moment must not lose what was answered meanwhile.
constexpr std::chrono::seconds kRetryAfter{1};

}  // namespace

class StateFile::Impl final {
 public:
  Impl(std::string folder, UniqueFd lock)
      : folder_(std::move(folder)), lock_(std::move(lock)), writer_([this] { WriteLoop(); }) {}

  ~Impl() {
    {
      const std::lock_guard<std::mutex> guard(mutex_);
      stopping_ = true;
    }
    changed_.notify_one();
    writer_.join();
  }

  std::string path() const { return folder_ + "/" + kFileName; }

  void Save(std::string bytes) {
    {
      const std::lock_guard<std::mutex> guard(mutex_);
      waiting_ = std::move(bytes);
    }
    changed_.notify_one();
  }

  absl::Status Flush() {
    std::unique_lock<std::mutex> guard(mutex_);
    written_.wait(guard, [this] { return !waiting_ && !writing_; });
    return last_;
  }

  uint64_t saves() const { return saves_; }
  uint64_t failures() const { return failures_; }
  bool saved() {
    const std::lock_guard<std::mutex> guard(mutex_);
    return last_.ok();
  }

 private:
  void WriteLoop() {
    std::unique_lock<std::mutex> guard(mutex_);
    while (true) {
      WaitForWork(guard);
      if (!waiting_ && stopping_) return;
      const std::string payload = waiting_ ? *std::move(waiting_) : std::move(failed_);
      waiting_.reset();
      writing_ = true;
      guard.unlock();
      absl::Status status = Write(payload);
      guard.lock();
      writing_ = false;
      failed_ = status.ok() ? "" : payload;
      last_ = std::move(status);
      written_.notify_all();
    }
  }

  // Returns when there is something to write: news, or what could not be written a while ago.
  void WaitForWork(std::unique_lock<std::mutex>& guard) {
    const auto has_news = [this] { return waiting_.has_value() || stopping_; };
    if (last_.ok())
      changed_.wait(guard, has_news);
    else
      changed_.wait_for(guard, kRetryAfter, has_news);
  }

  absl::Status Write(const std::string& payload) {
    ++saves_;
    absl::Status status = ReplaceFile(folder_, kFileName, Seal(payload));
    if (status.ok()) return status;
    ++failures_;
    // Once per trouble: it is tried every second.
    if (status == last_) return status;
    LogError("state not saved", {{"error", std::string(status.message())}});
    return status;
  }

  const std::string folder_;
  const UniqueFd lock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::condition_variable written_;
  std::optional<std::string> waiting_;  // Guarded by mutex_, like those below.
  bool stopping_ = false;
  bool writing_ = false;
  absl::Status last_;   // Of the newest write.
  std::string failed_;  // What that could not write.
  std::atomic<uint64_t> saves_{0};
  std::atomic<uint64_t> failures_{0};
  std::thread writer_;  // Last: it uses all of the above.
};

StateFile::StateFile(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

StateFile::~StateFile() = default;

absl::StatusOr<std::unique_ptr<StateFile>> StateFile::Open(const std::string& folder) {
  absl::StatusOr<UniqueFd> lock = LockFolder(folder);
  if (!lock.ok()) return lock.status();
  return std::unique_ptr<StateFile>(
      new StateFile(std::make_unique<Impl>(folder, *std::move(lock))));
}

std::optional<std::string> StateFile::Read() {
  const std::string path = impl_->path();
  const absl::StatusOr<std::string> bytes = ReadRegularFile(path, kMaxBytes + 1);
  if (absl::IsNotFound(bytes.status())) return "";
  absl::StatusOr<std::string> payload = absl::OutOfRangeError("too large");
  if (!bytes.ok())
    payload = bytes.status();
  else if (bytes->size() <= kMaxBytes)
    payload = Unseal(*bytes);
  if (payload.ok()) return *std::move(payload);
  const std::string aside = path + ".damaged";
  const bool moved = std::rename(path.c_str(), aside.c_str()) == 0;
  LogError("stored state is damaged; starting without it",
           {{"path", path},
            {"error", std::string(payload.status().message())},
            {"moved_to", moved ? aside : ""}});
  return std::nullopt;
}

absl::Status StateFile::Flush() { return impl_->Flush(); }

void StateFile::Save(std::string bytes) { impl_->Save(std::move(bytes)); }

void StateFile::AppendMetrics(std::vector<MetricFamily>& families) const {
  MetricFamily saves{"lb_state_saves_total",
                     "Times the state file was written, failures included.",
                     MetricFamily::Type::kCounter,
                     {}};
  saves.Add({}, static_cast<double>(impl_->saves()));
  MetricFamily failures{"lb_state_save_failures_total",
                        "Times writing the state file failed.",
                        MetricFamily::Type::kCounter,
                        {}};
  failures.Add({}, static_cast<double>(impl_->failures()));
  MetricFamily saved{"lb_state_saved",
                     "1 when the state file holds what it should; 0 when writing it failed.",
                     MetricFamily::Type::kGauge,
                     {}};
  saved.Add({}, impl_->saved() ? 1 : 0);
  families.push_back(std::move(saved));
  families.push_back(std::move(saves));
  families.push_back(std::move(failures));
}

}  // namespace lb::controlplane
