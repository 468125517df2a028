// What a process sends to a worker's hand-over socket, of any bytes: a packet is taken or refused,
// and sockets without descriptors are never believed.

#include <sys/socket.h>

#include <algorithm>
#include <vector>

#include "base/check.h"
#include "base/unique_fd.h"
#include "dataplane/handover/packet.h"

using lb::UniqueFd;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  int ends[2];
  LB_CHECK(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
  const UniqueFd ours(ends[0]);
  const UniqueFd theirs(ends[1]);
  const size_t bytes = std::min<size_t>(size, 2 * lb::dataplane::kMaxPacketBytes);
  if (::send(theirs.get(), data, bytes, MSG_NOSIGNAL) < 0) return 0;
  auto packet = lb::dataplane::ReceivePacket(ours.get());
  if (!packet.ok()) return 0;
  LB_CHECK(packet->descriptors.empty());
  const int named = packet->message.sockets().sockets_size();
  std::vector<lb::dataplane::PassedSocket> sockets;
  const bool taken = lb::dataplane::UnpackSockets(*std::move(packet), sockets).ok();
  LB_CHECK(taken == (named == 0) && sockets.empty());
  return 0;
}
