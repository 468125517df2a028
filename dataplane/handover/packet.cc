#include "dataplane/handover/packet.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"

namespace lb::dataplane {

using lb::handover::v1::Packet;

namespace {

// What the encoding puts around all sockets of a packet, and around each: tags, lengths and `more`
// (protobuf.dev, "Encoding"); at most.
constexpr size_t kPacketFrameBytes = 16;
constexpr size_t kEntryFrameBytes = 4;

absl::Status Failed(const char* call, int error) {
  const std::string text = absl::StrCat(call, ": ", std::strerror(error));
  if (error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS || error == ETOOMANYREFS)
    return absl::UnavailableError(text);
  return absl::AbortedError(text);
}

// Takes the descriptors out of a message's control data (cmsg(3)).
std::vector<UniqueFd> TakeDescriptors(msghdr& message) {
  std::vector<UniqueFd> descriptors;
  for (cmsghdr* one = CMSG_FIRSTHDR(&message); one != nullptr; one = CMSG_NXTHDR(&message, one)) {
    if (one->cmsg_level != SOL_SOCKET || one->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (one->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(one) + i * sizeof(int), sizeof fd);
      descriptors.emplace_back(fd);
    }
  }
  return descriptors;
}

// True when the socket is bound to the address that `key` names, whatever the port where it leaves
// that open.
bool IsBoundTo(int fd, const ListenKey& key) {
  SocketAddress address;
  address.length = sizeof address.storage;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address.storage), &address.length) != 0)
    return false;
  const auto bound = Endpoint::FromSocketAddress(address);
  if (!bound.ok() || bound->host() != key.first.host()) return false;
  return key.first.port() == 0 || bound->port() == key.first.port();
}

absl::StatusOr<PassedSocket> Unpack(const lb::handover::v1::Sockets::Socket& socket, UniqueFd fd) {
  auto listen = Endpoint::Parse(socket.listen(), Endpoint::PortZero::kAllow);
  if (!listen.ok()) return listen.status();
  if (listen->kind() != Endpoint::Kind::kIp || (listen->port() == 0) == socket.rule().empty())
    return absl::InvalidArgumentError(absl::StrCat("socket of ", socket.listen(), ": no address"));
  PassedSocket passed{{*std::move(listen), socket.rule()}, nullptr, socket.home()};
  if (!IsTcpListener(fd.get()) || !IsBoundTo(fd.get(), passed.key))
    return absl::InvalidArgumentError(
        absl::StrCat("socket of ", socket.listen(), ": it does not listen there"));
  passed.fd = std::make_shared<const UniqueFd>(std::move(fd));
  return passed;
}

}  // namespace

bool IsTcpListener(int fd) {
  const auto option = [fd](int name) {
    int value = 0;
    socklen_t length = sizeof value;
    return ::getsockopt(fd, SOL_SOCKET, name, &value, &length) == 0 ? value : -1;
  };
  const int domain = option(SO_DOMAIN);
  return (domain == AF_INET || domain == AF_INET6) && option(SO_TYPE) == SOCK_STREAM &&
         option(SO_ACCEPTCONN) == 1;
}

absl::Status SendPacket(int socket, const Packet& message, const std::vector<int>& descriptors) {
  LB_CHECK(descriptors.size() <= kMaxDescriptors);
  std::string bytes = message.SerializeAsString();
  iovec part{bytes.data(), bytes.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMaxDescriptors * sizeof(int))> control{};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (!descriptors.empty()) {
    const size_t size = descriptors.size() * sizeof(int);
    header.msg_control = control.data();
    header.msg_controllen = CMSG_SPACE(size);
    cmsghdr* const rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(size);
    std::memcpy(CMSG_DATA(rights), descriptors.data(), size);
  }
  if (::sendmsg(socket, &header, MSG_NOSIGNAL) < 0) return Failed("sendmsg", errno);
  return absl::OkStatus();
}

absl::StatusOr<ReceivedPacket> ReceivePacket(int socket) {
  std::vector<char> bytes(kMaxPacketBytes);
  iovec part{bytes.data(), bytes.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMaxDescriptors * sizeof(int))> control{};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  const ssize_t count = ::recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
  if (count < 0) return Failed("recvmsg", errno);
  ReceivedPacket packet;
  packet.descriptors = TakeDescriptors(header);
  // A packet of ours is never empty.
  if (count == 0) return absl::AbortedError("the peer has closed the connection");
  if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
    return absl::InvalidArgumentError("a packet that is too large");
  if (!packet.message.ParseFromArray(bytes.data(), static_cast<int>(count)))
    return absl::InvalidArgumentError("a packet that is no message");
  return packet;
}

std::vector<SocketsPacket> PackSockets(const std::vector<PassedSocket>& sockets) {
  std::vector<SocketsPacket> packets(1);
  size_t bytes = kPacketFrameBytes;
  const size_t all = std::min(sockets.size(), kMaxPassedSockets);
  for (size_t i = 0; i < all; ++i) {
    lb::handover::v1::Sockets::Socket named;
    named.set_listen(sockets[i].key.first.ToString());
    named.set_rule(sockets[i].key.second);
    named.set_home(sockets[i].home);
    const size_t more = named.ByteSizeLong() + kEntryFrameBytes;
    if (packets.back().descriptors.size() == kMaxDescriptors || bytes + more > kMaxPacketBytes) {
      packets.back().message.mutable_sockets()->set_more(true);
      packets.emplace_back();
      bytes = kPacketFrameBytes;
    }
    bytes += more;
    *packets.back().message.mutable_sockets()->add_sockets() = std::move(named);
    packets.back().descriptors.push_back(sockets[i].fd);
  }
  packets.back().message.mutable_sockets();
  return packets;
}

std::vector<int> Numbers(const std::vector<SharedFd>& descriptors) {
  std::vector<int> numbers;
  for (const SharedFd& descriptor : descriptors) numbers.push_back(descriptor->get());
  return numbers;
}

absl::Status UnpackSockets(ReceivedPacket packet, std::vector<PassedSocket>& sockets) {
  const auto& named = packet.message.sockets().sockets();
  const size_t count = packet.descriptors.size();
  if (static_cast<size_t>(named.size()) != count)
    return absl::InvalidArgumentError(
        absl::StrCat(named.size(), " sockets with ", count, " descriptors"));
  if (sockets.size() + count > kMaxPassedSockets)
    return absl::InvalidArgumentError(absl::StrCat("more than ", kMaxPassedSockets, " sockets"));
  for (size_t i = 0; i < count; ++i) {
    LB_ASSIGN_OR_RETURN(PassedSocket socket,
                        Unpack(named.at(static_cast<int>(i)), std::move(packet.descriptors[i])));
    sockets.push_back(std::move(socket));
  }
  return absl::OkStatus();
}

}  // namespace lb::dataplane
