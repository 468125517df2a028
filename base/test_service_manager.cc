#include "base/test_service_manager.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace lb {

TestServiceManager::TestServiceManager(const std::string& name)
    : name_(name), socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un address{};
  LB_CHECK(name.size() < sizeof address.sun_path);
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, name.data(), name.size());
  if (name[0] == '@') address.sun_path[0] = '\0';
  const size_t length = offsetof(sockaddr_un, sun_path) + name.size() + (name[0] == '/' ? 1 : 0);
  LB_CHECK(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address),
                  static_cast<socklen_t>(length)) == 0);
}

TakeVariable TestServiceManager::Take(Variables& variables) {
  return [&variables](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    std::string value = std::move(found->second);
    variables.erase(found);
    return value;
  };
}

SdNotify TestServiceManager::Notify(Variables more) const {
  more["NOTIFY_SOCKET"] = name_;
  auto notify = SdNotify::FromEnvironment(Take(more), kPid);
  LB_CHECK(notify.ok() && more.empty());
  return *std::move(notify);
}

bool TestServiceManager::Empty() const {
  pollfd waiting{socket_.get(), POLLIN, 0};
  return ::poll(&waiting, 1, 0) == 0;
}

TestServiceManager::Message TestServiceManager::Receive() const {
  constexpr size_t kMaxBytes = 4'096;
  char text[kMaxBytes];
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * SdNotify::kMaxDescriptorsPerMessage)];
  iovec part{text, sizeof text};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  const ssize_t bytes = ::recvmsg(socket_.get(), &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  Message message;
  if (bytes < 0) return message;
  message.text.assign(text, static_cast<size_t>(bytes));
  const cmsghdr* rights = CMSG_FIRSTHDR(&header);
  const size_t count = rights == nullptr ? 0 : (rights->cmsg_len - CMSG_LEN(0)) / sizeof(int);
  for (size_t i = 0; i < count; ++i) {
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(rights) + i * sizeof fd, sizeof fd);
    message.fds.emplace_back(fd);
  }
  return message;
}

std::string TestServiceManager::ReceiveAll() const {
  std::string all;
  for (Message next = Receive(); !next.text.empty(); next = Receive()) {
    all += next.text + "\n";
  }
  return all;
}

}  // namespace lb
