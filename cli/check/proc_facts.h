// Facts about this host from /proc and from trying system calls.
//
// The only reader of /proc in lbctl; a file that is missing leaves its fact unset. Threading: none.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/check/facts.h"

namespace lb::cli {

// Most processes of lb that are looked at.
inline constexpr size_t kMaxProcesses = 256;

// What the files below `root` say: "" is this host, a test has a tree of its own.
KernelFacts ReadKernelFacts(const std::string& root);

// Whether SO_REUSEPORT and splice(2) work here: into `kernel`.
void TryCalls(KernelFacts& kernel);

// Running lb-controlplane and lb-worker processes, by pid.
std::vector<ProcessFacts> ReadProcessFacts(const std::string& root);

// Addresses in state LISTEN of a /proc/net/tcp or tcp6 (proc(5): local_address in the byte order of
// the host, word by word).
std::set<Endpoint> ParseListening(std::string_view text);

// Ranges of "32768\t60999" and of "8080,9000-9010"; what is no range is left out.
std::vector<PortRange> ParsePortRanges(std::string_view text);

// Tries to bind each rule's listen address as a worker does, and lets go of it. Another socket must
// not share it, except one that shares its port with whoever asks (SO_REUSEPORT).
std::vector<BindFacts> TryBinds(const controlplane::Config& config);

}  // namespace lb::cli
