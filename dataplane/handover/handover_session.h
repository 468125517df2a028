// One process that asks this worker for sockets or offers its own. Threading: the loop's thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/unique_fd.h"
#include "dataplane/handover/handover_server.h"
#include "dataplane/handover/packet.h"

namespace lb::dataplane {

class HandoverSession final : public std::enable_shared_from_this<HandoverSession> {
 public:
  // `owner` outlives the session or Abandon; `ended` is called once, unless it was abandoned.
  HandoverSession(boost::asio::io_context& io, UniqueFd socket, const std::string& id,
                  const HandoverServer::Owner& owner,
                  std::function<void(const HandoverSession*)> ended);

  void Start() { WaitToRead(); }
  // Closes without calling anybody back.
  void Abandon();

  // The process has our id, and our sockets.
  bool is_successor() const { return sent_ && asked_for_ == id_; }
  // It was sent every socket that its owner has now.
  bool has_all() const;

 private:
  void WaitToRead();
  void WaitToWrite();
  void Read();
  absl::Status Take(ReceivedPacket packet);
  absl::Status Answer(const lb::handover::v1::Ask& ask);
  absl::Status TakeOffered(ReceivedPacket packet);
  absl::Status TakeServing(const lb::handover::v1::Serving& serving);
  void Flush();
  void End(const absl::Status& why);

  boost::asio::posix::stream_descriptor socket_;
  const std::string id_;
  const HandoverServer::Owner& owner_;
  std::function<void(const HandoverSession*)> ended_;
  std::string asked_for_;  // The id whose sockets it wanted; empty: it did not ask.
  std::string home_;       // Of what it offers; empty: it does not.
  std::vector<PassedSocket> offered_;
  std::deque<SocketsPacket> answer_;  // Not sent yet.
  // What went into the answer. Not held: they are closed when their owner lets go.
  std::set<std::weak_ptr<const UniqueFd>, std::owner_less<>> given_;
  bool writing_ = false;
  bool sent_ = false;     // It has all that it asked for.
  bool serving_ = false;  // It took our place.
  bool over_ = false;
};

}  // namespace lb::dataplane
