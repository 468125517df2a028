// Questions about the cluster's keys that members are still to answer. Plain values; threading:
// none.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "controlplane/loop/ids.h"
#include "controlplane/membership/key_mark.h"

namespace lb::controlplane {

struct KeyQuestion {
  RequestId request = 0;
  std::optional<swim::KeyMark> changed{};  // Absent: a list.
};

struct KeyQuestions {
  std::map<uint64_t, KeyQuestion> open;  // By the number of the round; at most KeyTalk::kMaxRounds.
  uint64_t next = 1;
};

}  // namespace lb::controlplane
