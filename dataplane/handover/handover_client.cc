#include "dataplane/handover/handover_client.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/endpoint.h"
#include "base/status_macros.h"
#include "dataplane/handover/memory_file.h"
#include "dataplane/handover/packet.h"
#include "dataplane/handover/peer_user.h"

namespace lb::dataplane {

using lb::handover::v1::Packet;

namespace {

constexpr std::chrono::milliseconds kLookTimeout{250};

// A blocking socket to the worker at `path`, each of whose calls takes at most `timeout`.
absl::StatusOr<UniqueFd> Connect(const std::string& path, std::chrono::milliseconds timeout) {
  LB_ASSIGN_OR_RETURN(const Endpoint endpoint, Endpoint::Parse(absl::StrCat("unix:", path)));
  UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return absl::UnavailableError(absl::StrCat("socket: ", strerror(errno)));
  timeval limit{};
  limit.tv_sec = timeout.count() / 1'000;
  limit.tv_usec = timeout.count() % 1'000 * 1'000;
  for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO}) {
    if (::setsockopt(socket.get(), SOL_SOCKET, option, &limit, sizeof limit) != 0)
      return absl::InternalError(absl::StrCat("timeout of a socket: ", strerror(errno)));
  }
  const SocketAddress to = endpoint.ToSocketAddress();
  if (::connect(socket.get(), to.get(), to.length) != 0) {
    const std::string text = absl::StrCat("connect to ", path, ": ", strerror(errno));
    if (errno == ENOENT || errno == ECONNREFUSED) return absl::NotFoundError(text);
    return absl::UnavailableError(text);
  }
  if (!IsOwnUser(socket.get()))
    return absl::PermissionDeniedError(absl::StrCat(path, " belongs to another user"));
  return socket;
}

absl::Status Refused(const Packet& packet) {
  return absl::FailedPreconditionError(packet.has_refusal() ? packet.refusal().reason()
                                                            : "an answer of another kind");
}

}  // namespace

absl::StatusOr<Takeover> Takeover::Ask(const std::string& path, const std::string& id,
                                       std::chrono::milliseconds timeout) {
  LB_ASSIGN_OR_RETURN(UniqueFd socket, Connect(path, timeout));
  Packet ask;
  ask.mutable_ask()->set_protocol(kHandoverProtocol);
  ask.mutable_ask()->set_id(id);
  LB_RETURN_IF_ERROR(SendPacket(socket.get(), ask));
  Takeover takeover(std::move(socket));
  LB_RETURN_IF_ERROR(takeover.Receive());
  return takeover;
}

absl::Status Takeover::Receive() {
  // Ends, since each packet of sockets but the last is full and there is a most of them.
  while (true) {
    LB_ASSIGN_OR_RETURN(ReceivedPacket packet, ReceivePacket(socket_.get()));
    if (packet.message.has_state()) {
      const auto& names = packet.message.state().took_over();
      took_over_.assign(names.begin(), names.end());
      if (packet.descriptors.empty()) return absl::OkStatus();
      LB_ASSIGN_OR_RETURN(state_, ReadMemoryFile(packet.descriptors.front().get()));
      return absl::OkStatus();
    }
    if (!packet.message.has_sockets()) return Refused(packet.message);
    if (packet.message.sockets().more() && packet.descriptors.empty())
      return absl::InvalidArgumentError("a packet without sockets that is not the last");
    LB_RETURN_IF_ERROR(UnpackSockets(std::move(packet), sockets_));
  }
}

absl::StatusOr<std::string> Takeover::SayServing(bool headless) {
  Packet serving;
  serving.mutable_serving()->set_headless(headless);
  LB_RETURN_IF_ERROR(SendPacket(socket_.get(), serving));
  LB_ASSIGN_OR_RETURN(const ReceivedPacket answer, ReceivePacket(socket_.get()));
  if (!answer.message.has_rights()) return Refused(answer.message);
  if (answer.descriptors.empty()) return std::string();
  return ReadMemoryFile(answer.descriptors.front().get());
}

bool IsListening(const std::string& path) { return Connect(path, kLookTimeout).ok(); }

absl::StatusOr<size_t> OfferSockets(const std::string& path, const std::string& home,
                                    const std::vector<PassedSocket>& sockets,
                                    std::chrono::milliseconds timeout) {
  LB_ASSIGN_OR_RETURN(const UniqueFd socket, Connect(path, timeout));
  Packet offer;
  offer.mutable_offer()->set_protocol(kHandoverProtocol);
  offer.mutable_offer()->set_home(home);
  LB_RETURN_IF_ERROR(SendPacket(socket.get(), offer));
  for (const SocketsPacket& packet : PackSockets(sockets)) {
    LB_RETURN_IF_ERROR(SendPacket(socket.get(), packet.message, Numbers(packet.descriptors)));
  }
  LB_ASSIGN_OR_RETURN(const ReceivedPacket answer, ReceivePacket(socket.get()));
  if (!answer.message.has_taken()) return Refused(answer.message);
  return answer.message.taken().sockets();
}

}  // namespace lb::dataplane
