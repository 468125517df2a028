#include "cli/inspect_client.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <google/protobuf/util/json_util.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <functional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/time.h"
#include "cli/channel.h"
#include "cli/client.h"
#include "lb/admin/v1/admin.grpc.pb.h"
#include "lb/admin/v1/event.grpc.pb.h"

namespace lb::cli {
namespace {

// A message whose type gRPC's library brings along, and no header declares.
absl::StatusOr<std::unique_ptr<google::protobuf::Message>> MakeMessage(const std::string& type) {
  const auto* descriptor =
      google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(type);
  if (descriptor == nullptr)
    return absl::UnimplementedError(absl::StrCat("this lbctl does not know ", type));
  const auto* prototype =
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(descriptor);
  return std::unique_ptr<google::protobuf::Message>(prototype->New());
}

absl::StatusOr<std::string> ToJsonText(const std::string& bytes, const std::string& type) {
  LB_ASSIGN_OR_RETURN(const auto message, MakeMessage(type));
  if (!message->ParseFromString(bytes))
    return absl::InternalError(absl::StrCat("the answer is no ", type));
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  std::string json;
  const auto printed = google::protobuf::util::MessageToJsonString(*message, &json, options);
  if (!printed.ok()) return absl::InternalError(absl::StrCat(type, " cannot be shown as JSON"));
  return json;
}

// Whose certificate it is does not matter: nothing is sent.
class AcceptAny final : public grpc::experimental::ExternalCertificateVerifier {
 public:
  bool Verify(grpc::experimental::TlsCustomVerificationCheckRequest* /*request*/,
              std::function<void(grpc::Status)> /*later*/, grpc::Status* now) override {
    *now = grpc::Status::OK;
    return true;
  }
  void Cancel(grpc::experimental::TlsCustomVerificationCheckRequest* /*request*/) override {}
};

}  // namespace

struct InspectClient::Impl {
  Channel channel;
  std::chrono::milliseconds timeout;
};

InspectClient::InspectClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
InspectClient::~InspectClient() = default;

absl::StatusOr<std::unique_ptr<InspectClient>> InspectClient::Connect(const Globals& globals) {
  LB_ASSIGN_OR_RETURN(Channel channel,
                      AdminClient::Dial({globals.endpoints, globals.timeout, globals.verbose}));
  return std::unique_ptr<InspectClient>(
      new InspectClient(std::unique_ptr<Impl>(new Impl{std::move(channel), globals.timeout})));
}

absl::StatusOr<std::vector<api::Event>> InspectClient::ListEvents() {
  const auto stub = api::EventService::NewStub(impl_->channel.grpc());
  std::vector<api::Event> all;
  LB_RETURN_IF_ERROR(impl_->channel.CallPaged(*stub, &api::EventService::Stub::ListEvents,
                                              "ListEvents", api::ListEventsRequest(),
                                              [&all](api::ListEventsResponse& page) {
                                                for (api::Event& event : *page.mutable_events())
                                                  all.push_back(std::move(event));
                                              }));
  return all;
}

absl::StatusOr<std::vector<api::Operation>> InspectClient::ListOperations() {
  const auto stub = api::OperationService::NewStub(impl_->channel.grpc());
  std::vector<api::Operation> all;
  LB_RETURN_IF_ERROR(impl_->channel.CallPaged(
      *stub, &api::OperationService::Stub::ListOperations, "ListOperations",
      api::ListOperationsRequest(), [&all](api::ListOperationsResponse& page) {
        for (api::Operation& one : *page.mutable_operations()) all.push_back(std::move(one));
      }));
  return all;
}

absl::StatusOr<std::string> InspectClient::Channelz(const std::string& method) {
  grpc::GenericStub stub(impl_->channel.grpc());
  grpc::ClientContext context;
  const auto start = std::chrono::system_clock::now();
  context.set_deadline(start + impl_->timeout);
  const grpc::Slice empty;
  grpc::CompletionQueue queue;
  const auto call =
      stub.PrepareUnaryCall(&context, absl::StrCat("/grpc.channelz.v1.Channelz/", method),
                            grpc::ByteBuffer(&empty, 1), &queue);
  call->StartCall();
  grpc::ByteBuffer answer;
  grpc::Status status;
  call->Finish(&answer, &status, &status);
  void* tag = nullptr;
  bool good = false;
  queue.Next(&tag, &good);
  LB_RETURN_IF_ERROR(impl_->channel.Finish(status, context, method.c_str(),
                                           std::chrono::system_clock::now() - start));
  std::vector<grpc::Slice> slices;
  if (!answer.Dump(&slices).ok()) return absl::InternalError("an answer without content");
  std::string bytes;
  for (const grpc::Slice& slice : slices)
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return ToJsonText(bytes, absl::StrCat("grpc.channelz.v1.", method, "Response"));
}

bool AnswersStrangers(const std::string& endpoint, std::chrono::milliseconds timeout) {
  grpc::experimental::TlsChannelCredentialsOptions anybody;
  anybody.set_certificate_verifier(
      grpc::experimental::ExternalCertificateVerifier::Create<AcceptAny>());
  anybody.set_verify_server_certs(false);
  anybody.set_check_call_host(false);
  for (const auto& credentials :
       {grpc::experimental::TlsCredentials(anybody), grpc::InsecureChannelCredentials()}) {
    const auto channel = grpc::CreateChannel(endpoint, credentials);
    grpc_connectivity_state state = channel->GetState(true);
    const auto end = std::chrono::system_clock::now() + timeout;
    while (state != GRPC_CHANNEL_READY && state != GRPC_CHANNEL_TRANSIENT_FAILURE &&
           channel->WaitForStateChange(state, end))
      state = channel->GetState(true);
    if (state == GRPC_CHANNEL_READY) return true;
  }
  return false;
}

}  // namespace lb::cli
