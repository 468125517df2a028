// Filter and Order of any text, for several types of items: what is refused says why; what is
// accepted can be asked of any item, and gives the same answer twice.

#include <string_view>
#include <variant>

#include "base/check.h"
#include "controlplane/admin/filter.h"
#include "controlplane/admin/order.h"
#include "lb/admin/v1/admin.pb.h"

namespace {

namespace api = lb::admin::v1;
using lb::controlplane::Failure;
using lb::controlplane::Filter;
using lb::controlplane::Order;

api::Worker FullWorker() {
  api::Worker worker;
  worker.set_name("workers/worker-1");
  worker.set_connections(7);
  worker.set_sync(api::Worker::SYNC_ERROR);
  worker.add_problems()->set_field("rules[0].listen");
  worker.mutable_last_seen_time()->set_seconds(-5);
  return worker;
}

void Try(std::string_view text, const google::protobuf::Message& item) {
  const auto filter = Filter::Parse(text, *item.GetDescriptor());
  if (const auto* failure = std::get_if<Failure>(&filter)) {
    LB_CHECK(failure->reason == "FILTER_INVALID" && !failure->status.message().empty());
  } else {
    const bool matches = std::get<Filter>(filter).Matches(item);
    LB_CHECK(std::get<Filter>(filter).Matches(item) == matches);
  }
  const auto order = Order::Parse(text, *item.GetDescriptor());
  if (const auto* failure = std::get_if<Failure>(&order))
    LB_CHECK(failure->reason == "ORDER_BY_INVALID" && !failure->status.message().empty());
  else
    LB_CHECK(std::get<Order>(order).KeyOf(item, "place").ends_with("place"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Try(text, api::Rule());
  Try(text, api::Backend());
  Try(text, api::Worker());
  Try(text, FullWorker());
  return 0;
}
