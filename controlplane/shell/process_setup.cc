#include "controlplane/shell/process_setup.h"

#include <openssl/mem.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "base/check.h"
#include "base/log.h"
#include "base/sha256.h"
#include "base/time.h"
#include "controlplane/admin/pages.h"
#include "controlplane/shell/file_io.h"
#include "controlplane/tls/ticket_ring.h"

namespace lb::controlplane {

size_t RaiseDescriptorLimit() {
  rlimit limit{};
  LB_CHECK(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  const rlim_t before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  // Refused in some sandboxes; the soft limit then stays what it was.
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return before;
  return limit.rlim_cur;
}

void IgnoreSigpipe() { LB_CHECK(std::signal(SIGPIPE, SIG_IGN) != SIG_ERR); }

namespace {

// Names this boot of the machine: pids in the state file mean nothing in another one. Empty where
// /proc does not tell, which never equals a stored one that was told.
std::string BootId() {
  constexpr size_t kMaxBytes = 64;  // A UUID and a newline; proc(5).
  const auto text = ReadRegularFile("/proc/sys/kernel/random/boot_id", kMaxBytes);
  if (!text.ok()) {
    LogWarn("no boot id", {{"error", std::string(text.status().message())}});
    return "";
  }
  return std::string(absl::StripAsciiWhitespace(*text));
}

}  // namespace

ControlLoop::Options LoopOptions(std::string node_id, std::optional<std::string> stored_state) {
  constexpr size_t kIncarnationBytes = 8;
  char random[kIncarnationBytes + sizeof(uint64_t) + TicketRing::kSeedBytes + kPageKeyBytes];
  // Up to 256 bytes come whole (getrandom(2)).
  LB_CHECK(::getrandom(random, sizeof(random), 0) == static_cast<ssize_t>(sizeof(random)));
  ControlLoop::Options options;
  options.node_id = std::move(node_id);
  options.incarnation = ToHex(std::string_view(random, kIncarnationBytes));
  options.boot_id = BootId();
  options.pid = static_cast<uint32_t>(::getpid());
  options.start_time = ReadClocks().wall;
  options.log_level = LogLevelAtStart();
  std::memcpy(&options.seed, random + kIncarnationBytes, sizeof(options.seed));
  options.page_key.assign(random + sizeof(random) - kPageKeyBytes, kPageKeyBytes);
  options.ticket_seed.assign(random + kIncarnationBytes + sizeof(options.seed),
                             TicketRing::kSeedBytes);
  OPENSSL_cleanse(random, sizeof(random));
  options.state_damaged = !stored_state;
  options.stored_state = std::move(stored_state).value_or("");
  return options;
}

}  // namespace lb::controlplane
