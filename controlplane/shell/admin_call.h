// One call of the admin API between gRPC and the loop: the reactors that admin_service.cc returns.
//
// A call gets a number, becomes an AdminRequest, and is finished by the Reply with that number. A
// caller that is gone ends it at once. Threading: reactors are made and called by gRPC's threads;
// CallEnds are called on the io_context's thread.
#pragma once

#include <grpcpp/grpcpp.h>

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "base/check.h"
#include "base/mutex.h"
#include "controlplane/loop/action.h"
#include "controlplane/shell/call_shares.h"
#include "controlplane/shell/failure_to_grpc.h"
#include "controlplane/shell/stream_budget.h"
#include "google/protobuf/message.h"

namespace lb::controlplane {

// What becomes of a call's answers.
struct CallEnds {
  // False when it cannot be taken: too much waits for a slow reader. Answer the call then.
  std::function<bool(std::shared_ptr<const google::protobuf::Message> item)> stream;
  std::function<void(Reply reply)> done;  // Exactly once, and last.
};

// A call that was taken, or refused.
struct BegunCall {
  RequestId id = 0;
  std::shared_ptr<const CallShare> share;  // Null: refused.
};

// Where calls go. Thread-safe.
struct CallSink {
  // Takes a call. `context` tells who asks.
  std::function<BegunCall(const grpc::CallbackServerContext& context, AdminCall call,
                          CallEnds ends)>
      begin;
  // The caller is gone: `done` is called soon, unless it was called before.
  std::function<void(RequestId request)> cancel;
  StreamBudget* budget = nullptr;  // Of what streams keep; outlives the calls.
};

// A call with one answer. Deletes itself when gRPC is done with it.
template <typename Request, typename Response>
class UnaryCall final : public grpc::ServerUnaryReactor {
 public:
  // `response` lives until the call is finished.
  UnaryCall(const CallSink& sink, const grpc::CallbackServerContext& context,
            const Request& request, Response* response)
      : sink_(sink) {
    id_ = sink_
              .begin(context, AdminCall(request),
                     {[](const auto&) { return true; },
                      [this, response](Reply reply) {
                        auto* answer = std::get_if<Response>(&reply.answer);
                        if (!reply.failure && answer == nullptr)
                          reply.failure =
                              Failure{absl::InternalError("the answer is of another type"), "BUG"};
                        if (reply.failure) return Finish(ToGrpcStatus(*reply.failure));
                        *response = std::move(*answer);
                        Finish(grpc::Status::OK);
                      }})
              .id;
  }

 private:
  void OnCancel() override { sink_.cancel(id_); }
  void OnDone() override { delete this; }

  const CallSink& sink_;
  RequestId id_ = 0;
};

// A call with many answers. It lives until `done` was called, whatever becomes of the connection,
// and has its share until gRPC is done with it: one whose client does not read stays under way.
template <typename Request, typename Response>
class StreamCall final : public grpc::ServerWriteReactor<Response> {
 public:
  // Answers that wait for a slow reader, and their bytes: all that are kept of the past, and as
  // many new ones (EventLog).
  static constexpr size_t kMaxQueued = 20'000;
  static constexpr size_t kMaxQueuedBytes = 8u << 20;

  StreamCall(const CallSink& sink, const grpc::CallbackServerContext& context,
             const Request& request)
      : sink_(sink) {
    call_ = sink_.begin(context, AdminCall(request),
                        {[this](auto item) { return Queue(std::move(item)); },
                         [this](Reply reply) { End(std::move(reply)); }});
  }

 private:
  struct Queued {
    std::shared_ptr<const google::protobuf::Message> answer;
    size_t bytes = 0;
  };

  // Where there is no room for it, what waits is dropped too: the client goes on after what it has.
  bool Queue(std::shared_ptr<const google::protobuf::Message> answer) {
    LB_CHECK(answer->GetDescriptor() == Response::descriptor());
    const size_t bytes = answer->ByteSizeLong();
    Step next;
    {
      const MutexLock lock(mutex_);
      if (broken_) return true;
      // One alone always fits.
      const bool room = queue_.size() < kMaxQueued &&
                        (queue_.empty() || queued_bytes_ + bytes <= kMaxQueuedBytes);
      if (!room || !sink_.budget->Take(answer.get(), bytes)) {
        DropWaiting();
        return false;
      }
      queued_bytes_ += bytes;
      queue_.push_back({std::move(answer), bytes});
      next = NextStep();
    }
    Take(next);
    return true;
  }

  void End(Reply reply) {
    Step next;
    {
      const MutexLock lock(mutex_);
      end_ = reply.failure ? ToGrpcStatus(*reply.failure) : grpc::Status::OK;
      next = NextStep();
    }
    Take(next);
  }

  void OnWriteDone(bool ok) override {
    Step next;
    {
      const MutexLock lock(mutex_);
      writing_ = false;
      Drop(queue_.front());
      queue_.pop_front();
      if (!ok) DropWaiting();
      broken_ = broken_ || !ok;
      next = NextStep();
    }
    Take(next);
  }

  void Drop(const Queued& queued) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    sink_.budget->Give(queued.answer.get());
    queued_bytes_ -= queued.bytes;
  }

  // All but the one that is being written.
  void DropWaiting() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    for (const size_t kept = writing_ ? 1 : 0; queue_.size() > kept; queue_.pop_back())
      Drop(queue_.back());
  }

  // What gRPC is told next. Told without the lock held: it may call back at once.
  struct Step {
    const Response* write = nullptr;
    std::optional<grpc::Status> finish;
  };

  Step NextStep() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (writing_ || finished_) return {};
    if (!queue_.empty()) {
      writing_ = true;
      return {static_cast<const Response*>(queue_.front().answer.get()), {}};
    }
    finished_ = end_.has_value();
    return {nullptr, end_};
  }

  void Take(const Step& step) {
    if (step.write != nullptr) this->StartWrite(step.write);
    if (step.finish) this->Finish(*step.finish);
  }

  void OnCancel() override { sink_.cancel(call_.id); }
  void OnDone() override { delete this; }

  const CallSink& sink_;
  BegunCall call_;
  Mutex mutex_;
  std::deque<Queued> queue_ ABSL_GUARDED_BY(mutex_);  // The front is being written if writing_.
  size_t queued_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::optional<grpc::Status> end_ ABSL_GUARDED_BY(mutex_);
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool broken_ ABSL_GUARDED_BY(mutex_) = false;  // Nothing can be written any more.
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace lb::controlplane
