// The seam between what the control plane orders and what carries traffic. The Forwarder stands
// behind it in the program (forwarder_traffic.h), a fake in the tests of the lanes.
//
// Threading: the control thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/endpoint.h"
#include "dataplane/snapshot/tables.h"

namespace lb::dataplane {

class ConnectionWalk;

// A listen address that could not be bound.
struct BindFailure {
  std::string rule;
  Endpoint listen;
  int error = 0;  // errno
};

class Traffic {
 public:
  virtual ~Traffic() = default;

  // All or nothing: `tables` are in force, or nothing changed and the failures say why.
  virtual std::vector<BindFailure> Apply(std::shared_ptr<const Tables> tables) = 0;
  // Stops listening / listens again where the tables in force say.
  virtual void StopAccepting() = 0;
  virtual std::vector<BindFailure> ResumeAccepting() = 0;
  // Closes all connections.
  virtual void CloseConnections() = 0;
  // Makes a walk over the connections begin, or go on after it was allowed more.
  virtual void Run(const std::shared_ptr<ConnectionWalk>& walk) = 0;
  // Client connections open now.
  virtual uint64_t connections() const = 0;
  // As AccessLog::error.
  virtual std::string access_log_error() const = 0;
};

}  // namespace lb::dataplane
