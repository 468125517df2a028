// The keys of TLS session tickets, as the control plane hands them out. Threading: the control
// thread.
#pragma once

#include "absl/status/status.h"
#include "dataplane/tls/ticket_keys.h"
#include "lb/worker/v1/worker.pb.h"

namespace lb::dataplane {

// Puts them in force. InvalidArgument: the sender broke the contract, and the keys stay.
absl::Status TakeTicketKeys(const lb::worker::v1::TicketKeys& message, tls::TicketKeys& keys);

}  // namespace lb::dataplane
