// Packets with descriptors over a unix socket (unix(7), SCM_RIGHTS), the language of
// handover.proto.
//
// Bounded: kMaxPacketBytes and kMaxDescriptors each. Threading: none.
#pragma once

#include <cstddef>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/unique_fd.h"
#include "dataplane/forward/listening_socket.h"
#include "lb/handover/v1/handover.pb.h"

namespace lb::dataplane {

inline constexpr uint32_t kHandoverProtocol = 1;
inline constexpr size_t kMaxPacketBytes = 64 * 1024;
// Of one packet; the kernel takes at most 253 (SCM_MAX_FD).
inline constexpr size_t kMaxDescriptors = 200;
// Of one hand-over; more are left behind.
inline constexpr size_t kMaxPassedSockets = 16'384;

struct ReceivedPacket {
  lb::handover::v1::Packet message;
  std::vector<UniqueFd> descriptors;
};

// Sends one packet. Unavailable: the socket takes none now (non-blocking) or in its time; Aborted:
// the peer is gone.
absl::Status SendPacket(int socket, const lb::handover::v1::Packet& message,
                        const std::vector<int>& descriptors = {});

// Takes one packet. Unavailable: none is there now or in the socket's time; Aborted: the peer is
// gone; InvalidArgument: it is none of ours.
absl::StatusOr<ReceivedPacket> ReceivePacket(int socket);

// The packets that carry `sockets`, at least one; of more than kMaxPassedSockets the first.
struct SocketsPacket {
  lb::handover::v1::Packet message;
  std::vector<SharedFd> descriptors;
};
std::vector<SocketsPacket> PackSockets(const std::vector<PassedSocket>& sockets);

// As SendPacket wants them.
std::vector<int> Numbers(const std::vector<SharedFd>& descriptors);

// True for a TCP socket that listens.
bool IsTcpListener(int fd);

// Adds the sockets of a packet to `sockets`. InvalidArgument: names and descriptors do not match, a
// name is no address, a descriptor is not a listening socket bound there, or there are too many.
absl::Status UnpackSockets(ReceivedPacket packet, std::vector<PassedSocket>& sockets);

}  // namespace lb::dataplane
