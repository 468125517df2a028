#include "dataplane/control/replacement.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "dataplane/handover/handover_path.h"

namespace lb::dataplane {
namespace {

std::string Text(const absl::Status& status) { return std::string(status.message()); }

// Leaves one of each socket: the same one may come from several sides, and be among `known`.
void DropDoubles(const std::vector<PassedSocket>& known, std::vector<PassedSocket>& sockets) {
  std::set<uint64_t> seen;
  const auto is_double = [&seen](const PassedSocket& socket) {
    uint64_t cookie = 0;  // Of one socket in all processes: socket(7) of newer kernels, SO_COOKIE.
    socklen_t length = sizeof cookie;
    return ::getsockopt(socket.fd->get(), SOL_SOCKET, SO_COOKIE, &cookie, &length) == 0 &&
           !seen.insert(cookie).second;
  };
  for (const PassedSocket& socket : known) static_cast<void>(is_double(socket));
  std::erase_if(sockets, is_double);
}

}  // namespace

Replacement::Replacement(boost::asio::io_context& io, Forwarder& forwarder, Keepsake& keepsake,
                         Options options, Events events)
    : forwarder_(forwarder),
      keepsake_(keepsake),
      options_(std::move(options)),
      events_(std::move(events)),
      server_(
          io, options_.id,
          {.sockets = [this] { return forwarder_.sockets(); },
           .state = [this] { return keepsake_.Save(); },
           .took_over =
               [this] {
                 std::vector<std::string> names{options_.incarnation};
                 names.insert(names.end(), ancestors_.begin(), ancestors_.end());
                 return names;
               },
           .replaced = [this](bool all) { return Replaced(all); },
           .gives_way_to_headless = [this] { return !in_place_ || events_.headless(); },
           .alone_again = [this] { AloneAgain(); },
           .adopt = [this](auto sockets) { return forwarder_.Adopt(std::move(sockets)).size(); },
           .release = [this](const auto& home) { forwarder_.Release(home); }}) {}

absl::StatusOr<Takeover> Replacement::AskPredecessor() const {
  const std::string path = HandoverPath(options_.control, options_.id);
  auto before = Takeover::Ask(path, options_.id, kPredecessorTimeout);
  // One that ended while it was asked may have been replaced by another, which is at the path now.
  for (int asks = 1; asks < kAsksMax && absl::IsAborted(before.status()); ++asks)
    before = Takeover::Ask(path, options_.id, kPredecessorTimeout);
  return before;
}

void Replacement::TakeOver() {
  std::vector<PassedSocket> sockets;
  auto before = AskPredecessor();
  if (before.ok()) {
    sockets = before->TakeSockets();
    keepsake_of_predecessor_ = before->state();
    ancestors_ = before->took_over();
    if (ancestors_.size() > kMaxAncestors) ancestors_.resize(kMaxAncestors);
    has_predecessor_ = true;
    sources_.push_back(*std::move(before));
  } else if (!absl::IsNotFound(before.status())) {
    LogWarn("the running worker of this id hands nothing over", {{"error", Text(before.status())}});
  }
  // One that is ending has given its sockets to a neighbour.
  if (sockets.empty()) AskNeighbours(sockets);
  for (PassedSocket& socket : options_.sockets) sockets.push_back(std::move(socket));
  options_.sockets.clear();
  DropDoubles({}, sockets);
  if (!sockets.empty())
    LogInfo("listening sockets taken over", {{"sockets", absl::StrCat(sockets.size())},
                                             {"from", has_predecessor_   ? "the process before"
                                                      : sources_.empty() ? "the service manager"
                                                                         : "neighbours"}});
  forwarder_.Inherit(std::move(sockets));
}

void Replacement::AskNeighbours(std::vector<PassedSocket>& sockets) {
  const Instant deadline = ReadClocks().steady + kNeighboursTimeout;
  for (const std::string& path : NeighbourPaths(options_.control, options_.id)) {
    if (ReadClocks().steady >= deadline) return;
    auto neighbour = Takeover::Ask(path, options_.id, kNeighbourTimeout);
    // One that left its path behind, or is busy: it has nothing for us then.
    if (!neighbour.ok()) continue;
    std::vector<PassedSocket> ours = neighbour->TakeSockets();
    if (ours.empty()) continue;
    for (PassedSocket& socket : ours) sockets.push_back({socket.key, socket.fd, ""});
    sources_.push_back(*std::move(neighbour));
  }
}

void Replacement::Restore(Instant now) {
  if (keepsake_of_predecessor_.empty()) return;
  const std::string saved = std::exchange(keepsake_of_predecessor_, std::string());
  absl::Status restored = keepsake_.Read(saved, now);
  // That one serves on when this one cannot. Otherwise it is told before the configuration is in
  // force: clients then want its slots at once.
  if (restored.ok() && !SayServing(true)) return AskAgain();
  if (restored.ok()) restored = keepsake_.Restore();
  if (restored.ok())
    return LogInfo("serving as the process before did: the control plane is not reached");
  LogWarn("cannot go on as the process before", {{"error", Text(restored)}});
  if (!told_) return;
  AskAgain();
  keepsake_of_predecessor_.clear();
}

void Replacement::AskAgain() {
  // If it had stood aside, it comes back when it sees that this process let go.
  sources_.clear();
  told_ = false;
  has_predecessor_ = false;
  TakeOver();
}

void Replacement::Serve() {
  if (std::exchange(serving_, true)) return;
  in_place_ = true;
  static_cast<void>(SayServing(false));
  keepsake_of_predecessor_.clear();
  Listen();
}

bool Replacement::SayServing(bool headless) {
  if (std::exchange(told_, true)) return true;
  for (Takeover& source : sources_) {
    const auto rights = source.SayServing(headless);
    if (headless && absl::IsFailedPrecondition(rights.status())) return false;
    const absl::Status taken = rights.ok() ? keepsake_.TakeRights(*rights) : rights.status();
    if (!taken.ok()) LogWarn("hand-over is not complete", {{"error", Text(taken)}});
  }
  // A neighbour needs to know no more; the process before watches whether we live.
  sources_.erase(sources_.begin() + (has_predecessor_ ? 1 : 0), sources_.end());
  return true;
}

void Replacement::AloneAgain() {
  // One that was replaced itself leaves its place to another.
  const std::string path = HandoverPath(options_.control, options_.id);
  if ((!server_.is_at_path() && IsListening(path)) || !events_.alone_again()) return;
  LogWarn("the process that took over is gone: serving again");
  in_place_ = true;
  gave_rights_ = false;
  Listen();
}

void Replacement::Listen() {
  const auto displaced = server_.Listen(HandoverPath(options_.control, options_.id));
  if (!displaced.ok())
    return LogWarn("this worker can be replaced with its sockets closed only",
                   {{"error", Text(displaced.status())}});
  if (displaced->empty()) return;
  Replace(*displaced);
  static_cast<void>(::unlink(displaced->c_str()));
}

void Replacement::Replace(const std::string& displaced) {
  auto other = Takeover::Ask(displaced, options_.id, kPredecessorTimeout);
  if (!other.ok() || other->took_over().empty()) return;
  const std::string incarnation = other->took_over().front();
  if (std::find(ancestors_.begin(), ancestors_.end(), incarnation) != ancestors_.end()) return;
  LogWarn("another process of this id began to serve at the same time: it stands aside",
          {{"incarnation", incarnation}});
  std::vector<PassedSocket> sockets = other->TakeSockets();
  DropDoubles(forwarder_.sockets(), sockets);
  forwarder_.Adopt(std::move(sockets));
  const auto rights = other->SayServing(false);
  const absl::Status taken = rights.ok() ? keepsake_.TakeRights(*rights) : rights.status();
  if (!taken.ok()) LogWarn("hand-over is not complete", {{"error", Text(taken)}});
  ancestors_.insert(ancestors_.begin(), incarnation);
  if (ancestors_.size() > kMaxAncestors) ancestors_.resize(kMaxAncestors);
  sources_.push_back(*std::move(other));
}

std::string Replacement::Replaced(bool all) {
  LogInfo("another process of this id serves: standing aside");
  in_place_ = false;
  // Otherwise what waits is accepted here.
  if (all) forwarder_.LeaveQueues();
  events_.replaced();
  if (!events_.headless()) return "";
  // A connection that was accepted last may be on its way to another thread, where it takes its
  // slot: once round all of them.
  static_cast<void>(forwarder_.Alive(kSettleTimeout));
  std::string rights = keepsake_.GiveUpRights();
  gave_rights_ = !rights.empty();
  return rights;
}

void Replacement::GiveAway() {
  in_place_ = false;
  if (server_.has_heir_of_all()) forwarder_.LeaveQueues();
  if (server_.has_successor()) return;
  const std::vector<PassedSocket> sockets = forwarder_.sockets();
  if (sockets.empty()) return;
  const Instant deadline = ReadClocks().steady + kNeighboursTimeout;
  for (const std::string& path : NeighbourPaths(options_.control, options_.id)) {
    if (ReadClocks().steady >= deadline) return;
    const auto taken = OfferSockets(path, options_.id, sockets, kNeighbourTimeout);
    if (!taken.ok() || *taken == 0) continue;
    LogInfo("listening sockets given to a neighbour",
            {{"path", path}, {"sockets", absl::StrCat(*taken)}});
    // Of what it did not take, what waits is accepted here.
    if (*taken == sockets.size()) forwarder_.LeaveQueues();
    return;
  }
}

}  // namespace lb::dataplane
