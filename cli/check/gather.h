// Gathers the facts that the checks look at: from this host, from files, from the control plane.
//
// Blocks, for at most the timeout of each call. Threading: one thread.
#pragma once

#include <string>

#include "base/time.h"
#include "cli/check/facts.h"
#include "cli/globals.h"

namespace lb::cli {

struct GatherOptions {
  bool pre = false;        // Nothing of lb runs yet: nobody is asked, addresses are tried.
  bool quote_file = true;  // Findings of the file say what stands there, which may be a secret.
  std::string config{};  // The file to look at; empty: that of the control plane, where it is here.
};

Facts GatherFacts(const Globals& globals, const GatherOptions& options, WallTime now);

}  // namespace lb::cli
