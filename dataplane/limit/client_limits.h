// How many connections clients may have open at once, by rule, over all snapshots, and the part of
// it that quiet clients have in this worker.
//
// Threading: the control thread; the counts it hands out are shared with the I/O threads.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "dataplane/limit/client_connections.h"

namespace lb::dataplane {

class ClientLimits final {
 public:
  struct Limit {
    std::shared_ptr<ClientConnections> connections;
    uint32_t max = 0;  // Over all workers of the host, at least 1.
  };
  using ByRule = std::map<std::string, Limit>;

  // The counts in force of this rule, or new ones, which are put into `wanted`; nullptr where `max`
  // is 0. Changes nothing that is in force.
  std::shared_ptr<ClientConnections> FindOrMake(const std::string& rule, uint64_t max,
                                                ByRule& wanted) const;
  // These are in force now. Connections that are open go on.
  void Commit(ByRule wanted);
  const ByRule& in_force() const { return in_force_; }

  // The part of every cap that a quiet client has here, above 0 and at most 1. Below 1 others have
  // the rest, and the control plane, while there is a stream, wants to know who needs more.
  void SetPart(double ratio);
  bool reports() const { return has_stream_ && part_ratio_ < 1 && !in_force_.empty(); }

  // Of a rule that is not in force: nothing, the snapshot on its way brings it or took it.
  void SetGrant(const std::string& rule, ClientPrefix client,
                const ClientConnections::Grant& grant);
  // A session begins: all that is to be reported is news.
  void StreamBegan();
  void StreamEnded();
  // What changed, at most `most`.
  std::vector<std::pair<std::string, ClientConnections::Use>> TakeNews(size_t most);

  // Ends grants. Call it every 100 ms or so.
  void Step(Instant now);

 private:
  ClientConnections::Cap CapOf(uint32_t max) const;
  void Apply();

  bool has_stream_ = false;
  double part_ratio_ = 1;
  ByRule in_force_;
};

}  // namespace lb::dataplane
