#include "dataplane/control/descriptor_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/status_macros.h"

namespace lb::dataplane {
namespace {

constexpr char kPrefix[] = "listen-";

// A name that the store takes: printable, without a colon (sd_notify(3), FDNAME=).
std::string NameOf(const ListenKey& key) {
  std::string name = absl::StrCat(kPrefix, key.first.ToString(), "-", key.second);
  std::replace(name.begin(), name.end(), ':', '_');
  if (name.size() > SdNotify::kMaxNameBytes) name.resize(SdNotify::kMaxNameBytes);
  return name;
}

}  // namespace

DescriptorStore::DescriptorStore(const SdNotify* manager, const std::vector<std::string>& names)
    : manager_(manager) {
  // Those of socket units are the manager's own.
  for (const std::string& name : names)
    if (absl::StartsWith(name, kPrefix)) kept_[name];
}

bool DescriptorStore::Keep(const std::vector<PassedSocket>& sockets) {
  if (manager_ == nullptr || !manager_->present()) return true;
  Sockets wanted = Wanted(sockets);
  for (const auto& [name, fds] : kept_) wanted[name];
  bool all = true;
  for (const auto& [name, fds] : wanted) {
    const auto same = kept_.find(name);
    if (same != kept_.end() && !fds.empty() && same->second == fds) continue;
    const absl::Status said = Say(name, fds);
    const bool again = absl::IsUnavailable(said);
    all = all && !again;
    if (again)
      kept_[name].clear();
    else if (said.ok() && !fds.empty())
      kept_[name] = fds;
    else
      kept_.erase(name);
    if (!said.ok() && !again)
      LogWarn("the service manager does not keep a listening socket",
              {{"name", name}, {"error", std::string(said.message())}});
  }
  return all;
}

DescriptorStore::Sockets DescriptorStore::Wanted(const std::vector<PassedSocket>& sockets) {
  std::set<std::string> names;
  for (const PassedSocket& socket : sockets)
    if (socket.home.empty()) names.insert(NameOf(socket.key));
  const size_t most = std::max<size_t>(kMaxStored / std::max<size_t>(names.size(), 1), 1);
  Sockets wanted;
  for (const PassedSocket& socket : sockets) {
    if (!socket.home.empty()) continue;
    auto& fds = wanted[NameOf(socket.key)];
    if (fds.size() < most) fds.insert(socket.fd);
  }
  return wanted;
}

absl::Status DescriptorStore::Say(const std::string& name, const std::set<SharedFd>& fds) const {
  if (kept_.contains(name)) LB_RETURN_IF_ERROR(manager_->RemoveDescriptors(name));
  if (fds.empty()) return absl::OkStatus();
  std::vector<int> numbers;
  for (const SharedFd& fd : fds) numbers.push_back(fd->get());
  return manager_->StoreDescriptors(name, numbers);
}

}  // namespace lb::dataplane
