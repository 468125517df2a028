// Counts what accept(2) failed with, by errno, and says what to do about it.
// Threading: Add on its I/O thread, Read on any.
#pragma once

#include <array>
#include <cerrno>
#include <cstdint>
#include <map>
#include <string>

#include "dataplane/snapshot/live_state.h"

namespace lb::dataplane {

class AcceptErrors final {
 public:
  // Counts one.
  void Add(int error);
  // Adds what was counted to `totals`, by errno name ("EMFILE"); unusual ones under "other".
  void AddTo(std::map<std::string, uint64_t>& totals) const;

  // True when trying again at once is of no use: descriptors or memory ran out. False for what
  // concerns one connection only, which accept(2) asks to treat like none being there.
  static bool MustPause(int error);

 private:
  struct Known {
    int error;
    const char* name;
  };
  static constexpr std::array<Known, 9> kKnown = {{
      {EMFILE, "EMFILE"},
      {ENFILE, "ENFILE"},
      {ENOMEM, "ENOMEM"},
      {ENOBUFS, "ENOBUFS"},
      {ECONNABORTED, "ECONNABORTED"},
      {EPROTO, "EPROTO"},
      {EPERM, "EPERM"},
      {EINTR, "EINTR"},
      {0, "other"},
  }};

  std::array<Counter, kKnown.size()> counters_;
};

}  // namespace lb::dataplane
