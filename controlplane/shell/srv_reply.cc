#include "controlplane/shell/srv_reply.h"

#include <arpa/nameser.h>
#include <resolv.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "absl/status/status.h"

namespace lb::controlplane {
namespace {

constexpr int kFixedBytes = 6;  // Priority, weight and port, two bytes each.

struct Record {
  uint16_t priority = 0;
  SrvTarget target;
  std::chrono::seconds ttl{0};
};

absl::StatusOr<Record> ReadRecord(const ns_msg& message, const ns_rr& raw) {
  Record record;
  if (ns_rr_rdlen(raw) <= kFixedBytes) return absl::DataLossError("SRV record too short");
  const unsigned char* data = ns_rr_rdata(raw);
  record.priority = static_cast<uint16_t>(ns_get16(data));
  record.target.port = static_cast<uint16_t>(ns_get16(data + 4));
  record.ttl = std::chrono::seconds(ns_rr_ttl(raw));
  char name[NS_MAXDNAME];
  if (ns_name_uncompress(ns_msg_base(message), ns_msg_end(message), data + kFixedBytes, name,
                         sizeof(name)) < 0)
    return absl::DataLossError("SRV record with a bad target");
  record.target.name = name;
  return record;
}

void Take(const Record& record, uint16_t& priority, SrvReply& reply) {
  if (record.target.name.empty() || record.target.name == ".") return;  // "Not available".
  if (record.priority > priority) return;
  if (record.priority < priority) {
    priority = record.priority;
    reply = SrvReply{{}, record.ttl};
  }
  reply.ttl = std::min(reply.ttl, record.ttl);
  reply.targets.push_back(record.target);
}

}  // namespace

absl::StatusOr<SrvReply> ReadSrvReply(const unsigned char* reply, size_t bytes) {
  ns_msg message;
  if (bytes > NS_MAXMSG || ns_initparse(reply, static_cast<int>(bytes), &message) != 0)
    return absl::DataLossError("malformed DNS reply");
  SrvReply result;
  result.ttl = std::chrono::seconds(std::numeric_limits<int32_t>::max());
  uint16_t priority = std::numeric_limits<uint16_t>::max();
  for (int i = 0; i < ns_msg_count(message, ns_s_an); ++i) {
    ns_rr raw;
    if (ns_parserr(&message, ns_s_an, i, &raw) != 0)
      return absl::DataLossError("malformed DNS reply");
    if (ns_rr_type(raw) != ns_t_srv) continue;
    auto record = ReadRecord(message, raw);
    if (!record.ok()) return record.status();
    Take(*record, priority, result);
  }
  if (result.targets.empty()) return absl::NotFoundError("no SRV record");
  std::sort(result.targets.begin(), result.targets.end());
  result.targets.erase(std::unique(result.targets.begin(), result.targets.end()),
                       result.targets.end());
  if (result.targets.size() > kMaxSrvTargets) result.targets.resize(kMaxSrvTargets);
  return result;
}

}  // namespace lb::controlplane
