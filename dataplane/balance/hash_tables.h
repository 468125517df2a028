// The tables by which a rule sends clients to backends. Plain value; threading: immutable.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace lb::dataplane {

class HashRing;
class Maglev;

// Made on the control thread, once for each set of backends. At most one of the first two; none
// where there are not two backends to choose from.
struct HashTables {
  std::shared_ptr<const Maglev> maglev;
  std::shared_ptr<const HashRing> ring;
  std::shared_ptr<const std::vector<uint64_t>> names;  // A hash of each backend's name.
};

}  // namespace lb::dataplane
