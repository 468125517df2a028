// Questions about limits and clients that workers are still to answer. Plain values; threading:
// none.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/endpoint.h"
#include "base/time.h"
#include "controlplane/admin/limit_answers.h"
#include "controlplane/loop/ids.h"
#include "controlplane/stream/worker_key.h"
#include "lb/admin/v1/limit.pb.h"

namespace lb::controlplane {

struct ClientQuestion {
  RequestId request = 0;
  std::variant<admin::v1::ListLimitsRequest, admin::v1::ListClientsRequest,
               admin::v1::ExplainConnectionRequest>
      call;
  std::string rule;  // Its name; empty: all.
  Endpoint client;   // Of ExplainConnection, like the next.
  std::optional<Endpoint> via{};
  std::string server_name{};
  ClockReading asked_at{};
  std::set<WorkerKey> waiting;
  ClientReports reports{};
  std::vector<std::string> missing{};  // Workers that cannot say.
  Instant deadline;
};

struct ClientQuestions {
  std::map<uint64_t, ClientQuestion> open;
  uint64_t next = 1;
};

}  // namespace lb::controlplane
