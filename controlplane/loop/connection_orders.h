// Questions about connections, and kills, that workers are carrying out. Plain values; threading:
// none.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "base/time.h"
#include "controlplane/loop/ids.h"
#include "controlplane/stream/worker_key.h"
#include "lb/admin/v1/connection.pb.h"
#include "lb/worker/v1/worker.pb.h"

namespace lb::controlplane {

struct ConnectionOrders {
  // One ListConnections that is not answered yet, or a kill that is only to be counted.
  struct List {
    RequestId request = 0;
    int limit = 0;
    bool count_only = false;
    std::set<WorkerKey> waiting;
    admin::v1::ListConnectionsResponse answer{};
    Instant deadline;
  };
  struct Kill {
    worker::v1::Command order;            // As every worker gets it.
    worker::v1::ConnectionFilter filter;  // What is killed, for the event about its end.
    std::string author;
    std::set<WorkerKey> waiting;             // Not done yet.
    std::set<WorkerKey> given_up{};          // They said nothing any more before they were done.
    std::map<WorkerKey, uint64_t> killed{};  // What each said last.
    bool cancelled = false;                  // The workers have yet to say that they stopped.
  };

  std::map<uint64_t, List> lists;
  std::map<uint64_t, Kill> kills;  // By the number of the operation.
  uint64_t next_list = 1;
};

}  // namespace lb::controlplane
