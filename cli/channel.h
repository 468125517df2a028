// One connection to the admin API: dialling, deadlines, error translation, lists of many pages.
//
// Includes gRPC: for client.cc only. Threading: one thread.
#pragma once

#include <google/protobuf/message.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/status_macros.h"
#include "cli/endpoints.h"

namespace lb::cli {

class Channel final {
 public:
  // The server's own page limit may be lower. Large pages keep long lists fast.
  static constexpr int32_t kPageSize = 1000;
  // More than any installation has; a server that never ends its pages is stopped here.
  static constexpr size_t kPagesMax = 10'000;
  // A page of kPageSize large items stays far below.
  static constexpr int kMessageBytesMax = 64 << 20;

  // Whether `endpoint` is one, and `all` has what it needs. InvalidArgument says what is wrong.
  static absl::Status Check(const std::string& endpoint, const Endpoints& all);

  // Connects to `endpoint`, one of `all`, within `timeout`, which then holds for each call. With
  // `verbose` each call goes to stderr. Unavailable, DeadlineExceeded and Unauthenticated name the
  // cause.
  static absl::StatusOr<Channel> Dial(const std::string& endpoint, const Endpoints& all,
                                      std::chrono::milliseconds timeout, bool verbose);

  const std::shared_ptr<grpc::Channel>& grpc() const { return channel_; }

  // One unary call. What changes something gets a request id, so that it can be sent once more, and
  // is, when the connection was cut before the answer: the server carries it out once. Only a
  // server that was restarted meanwhile has forgotten the id, so what would do more the second time
  // is not sent again: see MayBeSentAgain.
  template <typename Stub, typename Request, typename Response>
  absl::Status Call(Stub& stub,
                    grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                    const char* name, const Request& request, Response& response) const {
    Request sent = request;
    const bool once_more = GiveRequestId(sent) && MayBeSentAgain(sent);
    const auto call = [&](bool wait) {
      grpc::ClientContext context;
      const auto start = std::chrono::system_clock::now();
      context.set_deadline(start + timeout_);
      context.set_wait_for_ready(wait);
      const grpc::Status result = (stub.*method)(&context, sent, &response);
      return Finish(result, context, name, std::chrono::system_clock::now() - start);
    };
    const absl::Status status = call(false);
    if (!once_more || !absl::IsUnavailable(status)) return status;
    const absl::Status second = call(true);
    return absl::IsDeadlineExceeded(second) ? status : second;
  }

  // All pages of a list; `take` gets each page.
  template <typename Stub, typename Request, typename Response, typename Take>
  absl::Status CallPaged(Stub& stub,
                         grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                      Response*),
                         const char* name, Request request, Take take) const {
    request.set_page_size(kPageSize);
    std::set<std::string> seen;
    for (size_t page = 0; page < kPagesMax; ++page) {
      Response response;
      LB_RETURN_IF_ERROR(Call(stub, method, name, request, response));
      const std::string next = response.next_page_token();
      take(response);
      if (next.empty()) return absl::OkStatus();
      if (!seen.insert(next).second) break;
      request.set_page_token(next);
    }
    return EndlessPages(name);
  }

  // The end of a call made on grpc(): noted when verbose, an error translated.
  absl::Status Finish(const grpc::Status& result, const grpc::ClientContext& context,
                      const char* method, std::chrono::nanoseconds took) const;

 private:
  Channel(std::string endpoint, std::chrono::milliseconds timeout, bool verbose,
          std::shared_ptr<grpc::Channel> channel);

  static absl::StatusOr<Channel> DialUnix(const std::string& path,
                                          std::chrono::milliseconds timeout, bool verbose);
  static absl::StatusOr<Channel> DialTls(const std::string& endpoint, const Endpoints& all,
                                         std::chrono::milliseconds timeout, bool verbose);

  absl::Status Translate(const grpc::Status& error, const grpc::ClientContext& context,
                         const char* method) const;
  static absl::Status EndlessPages(const char* method);
  // True when the message is a change, which has an id from then on.
  static bool GiveRequestId(google::protobuf::Message& request);
  // False for what is not the same when it is done twice: a rollback goes back from where the first
  // one arrived, a kill meets clients that have come back.
  static bool MayBeSentAgain(const google::protobuf::Message& request);

  std::string endpoint_;
  std::chrono::milliseconds timeout_;
  bool verbose_;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace lb::cli
