// How many calls of the admin API may be under way at once, so that no caller takes the room of the
// others.
//
// Calls that are answered at once, calls that wait and streams are counted apart. Of each kind one
// caller without the role admin has a share; a part is left for admins, and a part for the unix
// socket: whoever may mend things gets through. Thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/mutex.h"
#include "controlplane/access/role.h"
#include "controlplane/admin/failure.h"

namespace lb::controlplane {

enum class CallKind : uint8_t { kShort, kWaiting, kStream };

class CallShares final {
 public:
  struct Bounds {
    const char* what;
    size_t all;        // Of everybody.
    size_t of_caller;  // Of one caller that is no admin.
    size_t reserve;    // Left for admins; as many again for the unix socket.
  };
  // By CallKind.
  static constexpr std::array<Bounds, 3> kBounds{
      {{"calls", 256, 64, 32}, {"calls that wait", 128, 32, 32}, {"streams", 64, 12, 20}}};

  // A call under way, until End. Fails with RESOURCE_EXHAUSTED TOO_MANY_CALLS; it does not count
  // then.
  std::optional<Failure> Begin(const Caller& caller, CallKind kind);
  void End(const Caller& caller, CallKind kind);

 private:
  struct Counts {
    size_t all = 0;
    std::map<std::string, size_t> by_caller;
  };

  Mutex mutex_;
  std::array<Counts, 3> counts_ ABSL_GUARDED_BY(mutex_);
};

// What a call has begun: ended when the last one that holds it lets go. Any thread.
class CallShare final {
 public:
  // After a Begin of the same.
  CallShare(std::shared_ptr<CallShares> shares, Caller caller, CallKind kind)
      : shares_(std::move(shares)), caller_(std::move(caller)), kind_(kind) {}
  ~CallShare() { shares_->End(caller_, kind_); }
  CallShare(const CallShare&) = delete;
  CallShare& operator=(const CallShare&) = delete;

 private:
  const std::shared_ptr<CallShares> shares_;
  const Caller caller_;
  const CallKind kind_;
};

}  // namespace lb::controlplane
