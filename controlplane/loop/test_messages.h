// Messages of a worker that tests of the loop begin with.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lb/worker/v1/worker.pb.h"

namespace lb::controlplane {

// The hello of a worker of today's protocol that runs nothing yet.
inline worker::v1::ConnectRequest HelloOf(const std::string& id, const std::string& incarnation,
                                          uint32_t pid,
                                          const std::vector<std::string>& features = {}) {
  worker::v1::ConnectRequest message;
  worker::v1::Hello& hello = *message.mutable_hello();
  hello.mutable_worker()->set_id(id);
  hello.mutable_worker()->set_incarnation(incarnation);
  hello.mutable_worker()->set_pid(pid);
  hello.set_protocol_min(1);
  hello.set_protocol_max(1);
  for (const std::string& feature : features) hello.add_features(feature);
  return message;
}

}  // namespace lb::controlplane
