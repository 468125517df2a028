#include "controlplane/admin/list_query.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/field_mask_util.h"

namespace lb::controlplane {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldMask;
using google::protobuf::Message;
using google::protobuf::util::FieldMaskUtil;

constexpr int kMaxMaskPaths = 100;

std::string TextOf(const Message& request, const char* name) {
  const auto* field = request.GetDescriptor()->FindFieldByName(name);
  return field == nullptr ? "" : request.GetReflection()->GetString(request, field);
}

int32_t PageSizeOf(const Message& request) {
  const auto* field = request.GetDescriptor()->FindFieldByName("page_size");
  return field == nullptr ? 0 : request.GetReflection()->GetInt32(request, field);
}

// The list and all arguments that say which items it has, in which order.
std::string ScopeOf(const Message& request) {
  const std::unique_ptr<Message> copy(request.New());
  copy->CopyFrom(request);
  for (const char* name : {"page_size", "page_token", "read_mask"})
    if (const auto* field = copy->GetDescriptor()->FindFieldByName(name))
      copy->GetReflection()->ClearField(copy.get(), field);
  return absl::StrCat(request.GetDescriptor()->full_name(), " ", copy->SerializeAsString());
}

Failure BadMask(const std::string& what) {
  return FieldFailure("read_mask", what, "FIELD_MASK_INVALID");
}

// "*" asks for all, as no mask does.
Outcome<FieldMask> MaskOf(const Message& request, const Descriptor& item) {
  FieldMask mask;
  const auto* field = request.GetDescriptor()->FindFieldByName("read_mask");
  if (field == nullptr) return mask;
  mask.CopyFrom(request.GetReflection()->GetMessage(request, field));
  if (mask.paths_size() == 1 && mask.paths(0) == "*") return FieldMask();
  if (mask.paths_size() > kMaxMaskPaths)
    return BadMask(absl::StrCat("more than ", kMaxMaskPaths, " paths"));
  for (const std::string& path : mask.paths())
    if (!FieldMaskUtil::GetFieldDescriptors(&item, path, nullptr))
      return BadMask(absl::StrCat("'", path, "' is no field of ", item.name()));
  return mask;
}

}  // namespace

const std::string ListQuery::kStart;

Outcome<ListQuery> ListQuery::Read(std::string_view page_key, const Message& request,
                                   const Descriptor& item) {
  ListQuery query;
  query.page_key_ = std::string(page_key);
  query.scope_ = ScopeOf(request);
  Outcome<Filter> filter = Filter::Parse(TextOf(request, "filter"), item);
  if (auto* failure = std::get_if<Failure>(&filter)) return std::move(*failure);
  query.filter_ = std::get<Filter>(std::move(filter));
  Outcome<Order> order = Order::Parse(TextOf(request, "order_by"), item);
  if (auto* failure = std::get_if<Failure>(&order)) return std::move(*failure);
  query.order_ = std::get<Order>(std::move(order));
  Outcome<FieldMask> mask = MaskOf(request, item);
  if (auto* failure = std::get_if<Failure>(&mask)) return std::move(*failure);
  query.mask_ = std::get<FieldMask>(std::move(mask));
  Outcome<Page> page =
      ParsePage(page_key, query.scope_, PageSizeOf(request), TextOf(request, "page_token"));
  if (auto* failure = std::get_if<Failure>(&page)) return std::move(*failure);
  query.page_ = std::get<Page>(std::move(page));
  return query;
}

void ListQuery::Trim(Message& item) const {
  if (mask_.paths_size() > 0) FieldMaskUtil::TrimMessage(mask_, &item);
}

}  // namespace lb::controlplane
