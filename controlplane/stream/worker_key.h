// Which worker process. A plain value; threading: none.
#pragma once

#include <compare>
#include <string>

namespace lb::controlplane {

struct WorkerKey {
  std::string id;
  std::string incarnation;

  friend auto operator<=>(const WorkerKey&, const WorkerKey&) = default;
};

}  // namespace lb::controlplane
