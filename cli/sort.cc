#include "cli/sort.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/check.h"
#include "cli/exit_code.h"
#include "cli/suggest.h"
#include "cli/text.h"

namespace lb::cli {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// A column's title and the field behind it, as a path in the message.
struct SortColumn {
  Type type;
  const char* title;
  const char* path;
};

constexpr SortColumn kSortColumns[] = {
    {Type::kRule, "NAME", "name"},
    {Type::kRule, "LISTEN", "listen"},
    {Type::kRule, "BALANCE", "balance"},
    {Type::kRule, "BACKENDS", "backends_up"},
    {Type::kRule, "CONNS", "connections"},
    {Type::kRule, "LIMIT", "max_connections"},
    {Type::kRule, "QUEUED", "queued"},
    {Type::kRule, "CONNS-TOTAL", "connections_total"},
    {Type::kRule, "QUEUED-TOTAL", "queued_total"},
    {Type::kRule, "RECEIVED", "received_bytes_total"},
    {Type::kRule, "SENT", "sent_bytes_total"},
    {Type::kRule, "REFUSED", "refused_total"},
    {Type::kRule, "RETRIES", "retries_total"},
    {Type::kBackend, "BACKEND", "name"},
    {Type::kBackend, "ADDRESS", "address"},
    {Type::kBackend, "STATE", "health"},
    {Type::kBackend, "WEIGHT", "weight"},
    {Type::kBackend, "CONNS", "connections"},
    {Type::kBackend, "LIMIT", "max_connections"},
    {Type::kBackend, "CHECK-TIME", "check_time"},
    {Type::kBackend, "CONNECTS", "connects_total"},
    {Type::kBackend, "CONNECT-FAILURES", "connect_failures_total"},
    {Type::kBackend, "LAST-CHANGE", "last_change_time"},
    {Type::kWorker, "NAME", "name"},
    {Type::kWorker, "SYNC", "sync"},
    {Type::kWorker, "SENT", "sent.revision"},
    {Type::kWorker, "ACKED", "acked.revision"},
    {Type::kWorker, "CONNS", "connections"},
    {Type::kWorker, "CONNS-TOTAL", "connections_total"},
    {Type::kWorker, "THREADS", "threads"},
    {Type::kWorker, "PID", "process.pid"},
    {Type::kWorker, "VERSION", "process.version"},
    {Type::kWorker, "AGE", "process.start_time"},
    {Type::kWorker, "LAST-SEEN", "last_seen_time"},
    {Type::kRule, "TLS", "tls"},
    {Type::kRule, "BACKEND-TLS", "backend_tls"},
    {Type::kRule, "HANDSHAKES", "handshakes_total"},
    {Type::kBackend, "HANDSHAKES", "handshakes_total"},
    {Type::kCertificate, "FILE", "file"},
    {Type::kCertificate, "KIND", "kind"},
    {Type::kCertificate, "STATE", "state"},
    {Type::kCertificate, "EXPIRES", "expire_time"},
    {Type::kCertificate, "KEY", "key_type"},
    {Type::kCertificate, "SUBJECT", "subject"},
    {Type::kCertificate, "ISSUER", "issuer"},
    {Type::kCertificate, "SERIAL", "serial_number"},
    {Type::kCertificate, "CHAIN", "chain_length"},
    {Type::kCertificate, "LOADED", "load_time"},
    {Type::kMember, "NAME", "name"},
    {Type::kMember, "ADDRESS", "address"},
    {Type::kMember, "STATE", "state"},
    {Type::kMember, "VERSION", "version"},
    {Type::kMember, "LAST-CHANGE", "state_change_time"},
    {Type::kMember, "INCARNATION", "incarnation"},
    {Type::kOperation, "NAME", "name"},
    {Type::kOperation, "KIND", "kind"},
    {Type::kOperation, "TARGET", "target"},
    {Type::kOperation, "STATE", "state"},
    {Type::kOperation, "LEFT", "connections_left"},
    {Type::kOperation, "CLOSED", "connections_closed"},
    {Type::kOperation, "STATUS", "status"},
};

// Numbers before texts; only one of both is ever set for all items of a column.
struct Key {
  int64_t number = 0;
  int64_t nanos = 0;
  std::string text;

  friend auto operator<=>(const Key&, const Key&) = default;
};

Key ReadScalar(const Message& message, const FieldDescriptor& field) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return {0, 0, reflection.GetString(message, &field)};
    case FieldDescriptor::CPPTYPE_UINT32:
      return {reflection.GetUInt32(message, &field), 0, ""};
    case FieldDescriptor::CPPTYPE_INT32:
      return {reflection.GetInt32(message, &field), 0, ""};
    case FieldDescriptor::CPPTYPE_UINT64:
      return {static_cast<int64_t>(reflection.GetUInt64(message, &field)), 0, ""};
    case FieldDescriptor::CPPTYPE_INT64:
      return {reflection.GetInt64(message, &field), 0, ""};
    case FieldDescriptor::CPPTYPE_ENUM:
      return {reflection.GetEnumValue(message, &field), 0, ""};
    default:
      LB_CHECK(false);  // kSortColumns has no other field.
      return {};
  }
}

Key ReadKey(const Message& root, const std::vector<std::string>& path) {
  const Message* message = &root;
  const FieldDescriptor* field = nullptr;
  for (const std::string& name : path) {
    if (field != nullptr) message = &message->GetReflection()->GetMessage(*message, field);
    field = message->GetDescriptor()->FindFieldByName(name);
    LB_CHECK(field != nullptr);
  }
  if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) return ReadScalar(*message, *field);
  // A Timestamp or Duration.
  const Message& time = message->GetReflection()->GetMessage(*message, field);
  return {ReadKey(time, {"seconds"}).number, ReadKey(time, {"nanos"}).number, ""};
}

absl::StatusOr<const SortColumn*> FindColumn(Type type, const std::string& title) {
  std::vector<std::string> titles;
  for (const SortColumn& column : kSortColumns) {
    if (column.type != type) continue;
    if (title == column.title) return &column;
    titles.push_back(column.title);
  }
  const std::string hint = DidYouMean(title, titles);
  return UsageError(
      absl::StrCat("--sort-by: ", Plural(type), " have no column '", Escape(title), "'"),
      hint.empty() ? absl::StrCat("columns are ", absl::StrJoin(titles, ", ")) : hint);
}

}  // namespace

absl::Status SortItems(Type type, const std::string& sort_by, Items& items) {
  std::string title = absl::AsciiStrToUpper(sort_by);
  constexpr std::string_view kDescending = ":DESC";
  const bool descending =
      title.size() > kDescending.size() &&
      title.compare(title.size() - kDescending.size(), title.npos, kDescending) == 0;
  if (descending) title.resize(title.size() - kDescending.size());
  const absl::StatusOr<const SortColumn*> column = FindColumn(type, title);
  if (!column.ok()) return column.status();
  const std::vector<std::string> path = absl::StrSplit((*column)->path, '.');
  std::vector<std::pair<Key, size_t>> order;
  order.reserve(items.size());
  for (const Item& item : items)
    order.emplace_back(std::visit([&](const auto& it) { return ReadKey(it, path); }, item),
                       order.size());
  std::stable_sort(order.begin(), order.end(), [descending](const auto& a, const auto& b) {
    return descending ? b.first < a.first : a.first < b.first;
  });
  Items sorted;
  sorted.reserve(items.size());
  for (const auto& [key, at] : order) sorted.push_back(std::move(items[at]));
  items = std::move(sorted);
  return absl::OkStatus();
}

}  // namespace lb::cli
