#include "dataplane/control/descriptor_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log.h"

namespace lb::dataplane {
namespace {

// A name that the store takes: printable, without a colon (sd_notify(3), FDNAME=).
std::string NameOf(const ListenKey& key) {
  std::string name = absl::StrCat("listen-", key.first.ToString(), "-", key.second);
  std::replace(name.begin(), name.end(), ':', '_');
  if (name.size() > SdNotify::kMaxNameBytes) name.resize(SdNotify::kMaxNameBytes);
  return name;
}

void Warn(const std::string& name, const absl::Status& status) {
  LogWarn("the service manager does not keep a listening socket",
          {{"name", name}, {"error", std::string(status.message())}});
}

}  // namespace

void DescriptorStore::Keep(const std::vector<PassedSocket>& sockets) {
  if (manager_ == nullptr || !manager_->present()) return;
  std::map<std::string, std::set<SharedFd>> wanted;
  for (const PassedSocket& socket : sockets)
    if (socket.home.empty()) wanted[NameOf(socket.key)].insert(socket.fd);
  for (const auto& [name, fds] : kept_) {
    const auto same = wanted.find(name);
    if (same != wanted.end() && same->second == fds) continue;
    if (const absl::Status gone = manager_->RemoveDescriptors(name); !gone.ok()) Warn(name, gone);
  }
  for (const auto& [name, fds] : wanted) {
    const auto same = kept_.find(name);
    if (same != kept_.end() && same->second == fds) continue;
    std::vector<int> numbers;
    for (const SharedFd& fd : fds) numbers.push_back(fd->get());
    if (const absl::Status kept = manager_->StoreDescriptors(name, numbers); !kept.ok())
      Warn(name, kept);
  }
  kept_ = std::move(wanted);
}

}  // namespace lb::dataplane
