#include "cli/top_source.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "base/unique_fd.h"
#include "cli/describe.h"
#include "cli/get.h"
#include "cli/several.h"
#include "cli/text.h"

namespace lb::cli {
namespace {

// As lbctl's own drains wait, when nothing else is said.
constexpr int64_t kBackendDrainTimeoutS = 300;
constexpr std::chrono::seconds kWorkerDrainTimeout{30};

absl::StatusOr<std::string> Drain(AdminClient& client, const TopOrder& order) {
  if (order.type == Type::kWorker) {
    api::DrainWorkerRequest request;
    request.set_name(order.name);
    request.mutable_timeout()->set_seconds(kWorkerDrainTimeout.count());
    LB_ASSIGN_OR_RETURN(const api::Operation operation, client.DrainWorker(request));
    const std::string name = Escape(Leaf(order.name));
    return absl::StrCat("worker ", name, " drains: ", operation.connections_left(),
                        " connections left; take back: lbctl worker undrain ", name);
  }
  api::DrainBackendRequest request;
  request.set_name(order.name);
  request.mutable_timeout()->set_seconds(kBackendDrainTimeoutS);
  LB_ASSIGN_OR_RETURN(const api::Operation operation, client.DrainBackend(request));
  const std::string name = ShortBackendName(order.name);
  return absl::StrCat("backend ", name, " drains: ", operation.connections_left(),
                      " connections left; take back: lbctl backend undrain ", name);
}

absl::Status Connect(const Globals& globals, std::unique_ptr<AdminClient>& client) {
  if (client != nullptr) return absl::OkStatus();
  LB_ASSIGN_OR_RETURN(client,
                      AdminClient::Connect({globals.endpoints, globals.timeout, globals.verbose}));
  return absl::OkStatus();
}

absl::StatusOr<std::string> CarryOut(const Globals& globals, const TopOrder& order,
                                     std::unique_ptr<AdminClient>& client) {
  LB_RETURN_IF_ERROR(Connect(globals, client));
  if (order.kind == TopOrder::Kind::kDrain) return Drain(*client, order);
  return DescribeText(globals, *client, order.type, order.name);
}

}  // namespace

absl::StatusOr<TopSample> TakeTopSample(const Globals& globals, Type type,
                                        std::unique_ptr<AdminClient>& client) {
  TopSample sample;
  sample.type = type;
  const absl::Status status = [&]() -> absl::Status {
    LB_RETURN_IF_ERROR(Connect(globals, client));
    LB_ASSIGN_OR_RETURN(sample.status, client->GetStatus());
    Selection selection;
    selection.type = type;
    sample.at = ReadClocks().steady;
    LB_ASSIGN_OR_RETURN(Found found, Fetch(*client, selection));
    sample.items = std::move(found.items);
    return absl::OkStatus();
  }();
  if (status.ok()) return sample;
  // A new connection is cheap, and does not wait in the backoff of one that failed.
  client.reset();
  return status;
}

struct TopSource::Shared {
  explicit Shared(const Globals& options) : globals(options) {}

  const Globals globals;
  const UniqueFd wake{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
  std::mutex mutex;
  std::condition_variable asked;
  bool ended = false;  // Guarded by mutex, as what follows.
  std::deque<TopOrder> orders;
  std::vector<Answer> answers;
  std::unique_ptr<AdminClient> client;  // The thread's own.
};

TopSource::TopSource(const Globals& globals, std::unique_ptr<AdminClient> client)
    : shared_(std::make_shared<Shared>(globals)) {
  LB_CHECK(shared_->wake.valid());
  shared_->client = std::move(client);
  std::thread(&TopSource::Run, shared_).detach();
}

TopSource::~TopSource() {
  const std::lock_guard lock(shared_->mutex);
  shared_->ended = true;
  shared_->asked.notify_one();
}

void TopSource::Ask(const TopOrder& order) {
  const bool sample = order.kind == TopOrder::Kind::kSample;
  sampling_ = sampling_ || sample;
  const std::lock_guard lock(shared_->mutex);
  std::deque<TopOrder>& orders = shared_->orders;
  // A newer wish for a sample takes the place of one that waits.
  if (sample)
    std::erase_if(orders, [](const TopOrder& o) { return o.kind == TopOrder::Kind::kSample; });
  orders.push_back(order);
  shared_->asked.notify_one();
}

int TopSource::fd() const { return shared_->wake.get(); }

std::vector<TopSource::Answer> TopSource::Take() {
  uint64_t count = 0;
  const ssize_t ignored = ::read(shared_->wake.get(), &count, sizeof count);
  static_cast<void>(ignored);  // Nothing there is no error: the answers are looked at anyway.
  const std::lock_guard lock(shared_->mutex);
  for (const Answer& answer : shared_->answers)
    if (answer.order.kind == TopOrder::Kind::kSample) sampling_ = false;
  return std::exchange(shared_->answers, {});
}

void TopSource::Run(std::shared_ptr<Shared> shared) {
  while (true) {
    Answer answer;
    {
      std::unique_lock lock(shared->mutex);
      shared->asked.wait(lock, [&] { return shared->ended || !shared->orders.empty(); });
      if (shared->ended) return;
      answer.order = shared->orders.front();
      shared->orders.pop_front();
    }
    if (answer.order.kind == TopOrder::Kind::kSample) {
      auto sample = TakeTopSample(shared->globals, answer.order.type, shared->client);
      answer.status = sample.status();
      if (sample.ok()) answer.sample = *std::move(sample);
    } else {
      auto text = CarryOut(shared->globals, answer.order, shared->client);
      answer.status = text.status();
      if (text.ok()) answer.text = *std::move(text);
    }
    const std::lock_guard lock(shared->mutex);
    shared->answers.push_back(std::move(answer));
    const uint64_t one = 1;
    LB_CHECK(::write(shared->wake.get(), &one, sizeof one) == sizeof one);
  }
}

}  // namespace lb::cli
