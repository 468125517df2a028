#include "dataplane/handover/handover_session.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "dataplane/handover/memory_file.h"

namespace lb::dataplane {

using boost::asio::posix::stream_descriptor;
using lb::handover::v1::Packet;

namespace {

absl::Status CheckProtocol(uint32_t protocol) {
  if (protocol == kHandoverProtocol) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("hand-over protocol ", protocol, "; this worker ",
                                                 "speaks ", kHandoverProtocol));
}

// The descriptor of a file with this content; none when it is empty or cannot be had.
std::vector<SharedFd> InMemory(const std::string& content) {
  if (content.empty()) return {};
  auto file = MakeMemoryFile(content);
  if (file.ok()) return {std::make_shared<const UniqueFd>(*std::move(file))};
  LogWarn("state is not handed over", {{"error", std::string(file.status().message())}});
  return {};
}

}  // namespace

HandoverSession::HandoverSession(boost::asio::io_context& io, UniqueFd socket,
                                 const std::string& id, const HandoverServer::Owner& owner,
                                 std::function<void(const HandoverSession*)> ended)
    : socket_(io, socket.Release()), id_(id), owner_(owner), ended_(std::move(ended)) {}

void HandoverSession::Abandon() {
  over_ = true;
  socket_.close();
}

bool HandoverSession::has_all() const {
  const std::vector<PassedSocket> sockets = owner_.sockets();
  return std::all_of(sockets.begin(), sockets.end(),
                     [this](const auto& socket) { return given_.contains(socket.fd); });
}

void HandoverSession::WaitToRead() {
  socket_.async_wait(stream_descriptor::wait_read,
                     [self = shared_from_this()](const boost::system::error_code& error) {
                       if (!error && !self->over_) self->Read();
                     });
}

void HandoverSession::WaitToWrite() {
  writing_ = true;
  socket_.async_wait(stream_descriptor::wait_write,
                     [self = shared_from_this()](const boost::system::error_code& error) {
                       self->writing_ = false;
                       if (!error && !self->over_) self->Flush();
                     });
}

void HandoverSession::Read() {
  auto packet = ReceivePacket(socket_.native_handle());
  absl::Status status = packet.status();
  if (packet.ok()) status = Take(*std::move(packet));
  if (absl::IsInvalidArgument(status)) {
    Packet refusal;
    refusal.mutable_refusal()->set_reason(std::string(status.message()));
    // It may be gone, or not read: the connection ends anyway.
    static_cast<void>(SendPacket(socket_.native_handle(), refusal));
  }
  if (!status.ok() && !absl::IsUnavailable(status)) return End(status);
  if (!over_) WaitToRead();
}

absl::Status HandoverSession::Take(ReceivedPacket packet) {
  switch (packet.message.message_case()) {
    case Packet::kAsk:
      return Answer(packet.message.ask());
    case Packet::kOffer:
      LB_RETURN_IF_ERROR(CheckProtocol(packet.message.offer().protocol()));
      home_ = packet.message.offer().home();
      return absl::OkStatus();
    case Packet::kSockets:
      return TakeOffered(std::move(packet));
    case Packet::kServing:
      return TakeServing(packet.message.serving());
    default:
      return absl::InvalidArgumentError("a packet that is neither a question nor an offer");
  }
}

absl::Status HandoverSession::Answer(const lb::handover::v1::Ask& ask) {
  LB_RETURN_IF_ERROR(CheckProtocol(ask.protocol()));
  if (!asked_for_.empty() || ask.id().empty())
    return absl::InvalidArgumentError("a second question, or one for no worker");
  asked_for_ = ask.id();
  std::vector<PassedSocket> sockets = owner_.sockets();
  if (asked_for_ != id_)
    std::erase_if(sockets, [this](const auto& socket) { return socket.home != asked_for_; });
  for (SocketsPacket& packet : PackSockets(sockets)) {
    given_.insert(packet.descriptors.begin(), packet.descriptors.end());
    answer_.push_back(std::move(packet));
  }
  SocketsPacket& last = answer_.emplace_back();
  last.message.mutable_state();
  if (asked_for_ == id_) {
    last.descriptors = InMemory(owner_.state());
    for (std::string& name : owner_.took_over())
      last.message.mutable_state()->add_took_over(std::move(name));
  }
  Flush();
  return absl::OkStatus();
}

absl::Status HandoverSession::TakeOffered(ReceivedPacket packet) {
  if (home_.empty()) return absl::InvalidArgumentError("sockets that were not offered");
  const bool more = packet.message.sockets().more();
  LB_RETURN_IF_ERROR(UnpackSockets(std::move(packet), offered_));
  if (more) return absl::OkStatus();
  for (PassedSocket& socket : offered_) {
    if (socket.home.empty()) socket.home = home_;
    if (socket.home == id_) socket.home.clear();
  }
  Packet taken;
  taken.mutable_taken()->set_sockets(
      static_cast<uint32_t>(owner_.adopt(std::exchange(offered_, {}))));
  home_.clear();
  return SendPacket(socket_.native_handle(), taken);
}

absl::Status HandoverSession::TakeServing(const lb::handover::v1::Serving& serving) {
  if (!sent_ || serving_) return absl::InvalidArgumentError("nothing was asked for");
  if (asked_for_ == id_ && serving.headless() && !owner_.gives_way_to_headless())
    return absl::InvalidArgumentError("the process before has a control plane, the new one none");
  serving_ = true;
  std::vector<SharedFd> rights;
  if (asked_for_ == id_)
    rights = InMemory(owner_.replaced(has_all()));
  else
    owner_.release(asked_for_);
  Packet answer;
  answer.mutable_rights();
  return SendPacket(socket_.native_handle(), answer, Numbers(rights));
}

void HandoverSession::Flush() {
  while (!answer_.empty() && !writing_) {
    const SocketsPacket& packet = answer_.front();
    const absl::Status sent =
        SendPacket(socket_.native_handle(), packet.message, Numbers(packet.descriptors));
    if (absl::IsUnavailable(sent)) return WaitToWrite();
    if (!sent.ok()) return End(sent);
    answer_.pop_front();
    sent_ = answer_.empty();
  }
}

void HandoverSession::End(const absl::Status& why) {
  if (std::exchange(over_, true)) return;
  const bool left_alone = serving_ && asked_for_ == id_;
  if (!absl::IsAborted(why)) LogWarn("hand-over ended", {{"error", std::string(why.message())}});
  socket_.close();
  ended_(this);
  if (left_alone) owner_.alone_again();
}

}  // namespace lb::dataplane
