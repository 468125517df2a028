#include <cstring>
#include <set>

#include "absl/strings/str_cat.h"
#include "cli/check/checks.h"

namespace lb::cli {
namespace {

constexpr char kNoFile[] = "this kernel does not say";

// How full something is: reported from kFillWarning percent on.
void CheckFill(const Code& code, uint64_t used, uint64_t room, const std::string& what,
               const std::string& hint, Report& report) {
  if (room == 0) return;
  const uint64_t percent = used / room >= 100 ? 100 : used * 100 / room;
  const std::string text = absl::StrCat(what, ": ", used, " of ", room, " (", percent, " %)");
  if (percent >= kFillError) {
    report.Error(code, text, hint);
  } else if (percent >= kFillWarning) {
    report.Warn(code, text, hint);
  }
}

void CheckQueue(const KernelFacts& kernel, Report& report) {
  const Code& code = codes::kSomaxconn;
  if (!kernel.somaxconn) return report.Skip(code, kNoFile);
  if (*kernel.somaxconn < kWorkerBacklog)
    report.Warn(code,
                absl::StrCat("net.core.somaxconn is ", *kernel.somaxconn, ", workers ask for ",
                             kWorkerBacklog, ": a burst of clients is turned away"),
                absl::StrCat("sysctl -w net.core.somaxconn=", kWorkerBacklog,
                             ", then restart the workers"));
  report.End(code);
}

// Addresses that are, or are to be, listened on: "rule web", port.
std::vector<std::pair<std::string, uint32_t>> ListenPorts(const Facts& facts) {
  std::vector<std::pair<std::string, uint32_t>> ports;
  if (facts.server) {
    for (const admin::v1::Rule& rule : facts.server->rules)
      if (const auto address = Endpoint::Parse(rule.listen()); address.ok())
        ports.emplace_back(rule.name(), address->port());
  } else if (facts.file && facts.file->result.config) {
    for (const auto& rule : facts.file->result.config->rules)
      ports.emplace_back("rules/" + rule.name, rule.listen.port());
  }
  return ports;
}

void CheckEphemeral(const Facts& facts, Report& report) {
  const KernelFacts& kernel = facts.kernel;
  if (!kernel.ephemeral_ports) {
    report.Skip(codes::kEphemeralPorts, kNoFile);
    return report.Skip(codes::kListenInEphemeral, kNoFile);
  }
  const PortRange& range = *kernel.ephemeral_ports;
  if (range.size() < kLocalPortsMin)
    report.Warn(codes::kEphemeralPorts,
                absl::StrCat("net.ipv4.ip_local_port_range has ", range.size(),
                             " ports: so many connections one address of this host has to one "
                             "backend"),
                "sysctl -w net.ipv4.ip_local_port_range='32768 60999', or more addresses in "
                "`source` of the rule");
  report.End(codes::kEphemeralPorts);
  for (const auto& [rule, port] : ListenPorts(facts)) {
    bool reserved = false;
    for (const PortRange& one : kernel.reserved_ports) reserved = reserved || one.Has(port);
    if (!range.Has(port) || reserved) continue;
    report.Warn(codes::kListenInEphemeral,
                absl::StrCat(rule, " listens on port ", port,
                             ", inside net.ipv4.ip_local_port_range (", range.first, "-",
                             range.last, "): an outgoing connection may hold it at a start"),
                absl::StrCat("sysctl -w net.ipv4.ip_local_reserved_ports=", port,
                             " (with what stands there), or another port"));
  }
  report.End(codes::kListenInEphemeral);
}

void CheckFiles(const KernelFacts& kernel, Report& report) {
  if (!kernel.files_open || !kernel.files_max) {
    report.Skip(codes::kSystemFiles, kNoFile);
  } else {
    CheckFill(codes::kSystemFiles, *kernel.files_open, *kernel.files_max,
              "open files of the whole system (fs.file-nr)",
              absl::StrCat(
                  "find who holds them, or: sysctl -w fs.file-max=",
                  *kernel.files_max < UINT64_MAX / 2 ? *kernel.files_max * 2 : *kernel.files_max),
              report);
    report.End(codes::kSystemFiles);
  }
  if (!kernel.nr_open) return report.Skip(codes::kNrOpen, kNoFile);
  if (*kernel.nr_open < kDescriptorsMin)
    report.Warn(codes::kNrOpen,
                absl::StrCat("fs.nr_open is ", *kernel.nr_open,
                             ": no process may have more descriptors, and a connection takes two"),
                "sysctl -w fs.nr_open=1048576");
  report.End(codes::kNrOpen);
}

void CheckMemory(const KernelFacts& kernel, Report& report) {
  const Code& code = codes::kTcpMemory;
  if (!kernel.tcp_pages || !kernel.tcp_pressure_pages || !kernel.tcp_high_pages)
    return report.Skip(code, kNoFile);
  const std::string hint =
      "look for clients or backends that do not read (lbctl connections list), or raise "
      "net.ipv4.tcp_mem";
  const std::string text = absl::StrCat("TCP holds ", *kernel.tcp_pages, " pages of memory; ");
  if (*kernel.tcp_pages * 100 >= *kernel.tcp_high_pages * kFillError) {
    report.Error(code,
                 absl::StrCat(text, "from ", *kernel.tcp_high_pages,
                              " on (net.ipv4.tcp_mem) connections are refused and reset"),
                 hint);
  } else if (*kernel.tcp_pages >= *kernel.tcp_pressure_pages) {
    report.Warn(code,
                absl::StrCat(text, "from ", *kernel.tcp_pressure_pages,
                             " on (net.ipv4.tcp_mem) the kernel shrinks buffers"),
                hint);
  }
  report.End(code);
}

void CheckTracking(const KernelFacts& kernel, Report& report) {
  const Code& code = codes::kConntrack;
  if (!kernel.conntrack_count || !kernel.conntrack_max)
    return report.Skip(code, "connections are not tracked (nf_conntrack is not loaded)");
  CheckFill(code, *kernel.conntrack_count, *kernel.conntrack_max,
            "tracked connections (nf_conntrack_count); beyond that packets of new ones are dropped",
            "sysctl -w net.netfilter.nf_conntrack_max=..., or do not track the ports of lb "
            "(nft: notrack)",
            report);
  report.End(code);
}

void CheckCall(const Code& code, const std::optional<int>& error, const char* call,
               const char* effect, Report& report) {
  if (!error) return report.Skip(code, "not tried");
  if (*error != 0)
    report.Error(code, absl::StrCat(call, ": ", std::strerror(*error), "; ", effect),
                 "Linux 4.5 or newer is needed, and no seccomp filter that forbids it");
  report.End(code);
}

// Only with several workers on one port is there a queue to move to.
void CheckMigration(const Facts& facts, Report& report) {
  const Code& code = codes::kMigrate;
  if (!facts.kernel.tcp_migrate_requests)
    return report.Skip(code, "this kernel has no net.ipv4.tcp_migrate_req (Linux 5.14)");
  const bool several = facts.server && facts.server->workers.size() > 1;
  if (*facts.kernel.tcp_migrate_requests == 0 && several)
    report.Warn(code,
                "net.ipv4.tcp_migrate_req is 0: clients that wait to be accepted by a worker are "
                "reset when it is killed",
                "sysctl -w net.ipv4.tcp_migrate_req=1");
  report.End(code);
}

}  // namespace

void CheckKernel(const Facts& facts, Report& report) {
  CheckQueue(facts.kernel, report);
  CheckEphemeral(facts, report);
  CheckFiles(facts.kernel, report);
  CheckMemory(facts.kernel, report);
  CheckTracking(facts.kernel, report);
  CheckCall(codes::kReusePort, facts.kernel.reuse_port_error, "SO_REUSEPORT",
            "workers cannot share their ports", report);
  CheckCall(codes::kSplice, facts.kernel.splice_error, "splice(2)", "workers cannot move bulk data",
            report);
  CheckMigration(facts, report);
}

void CheckDescriptors(const Facts& facts, Report& report) {
  bool seen = false;
  for (const ProcessFacts& process : facts.processes) {
    if (!process.descriptors_limit) continue;
    seen = true;
    if (process.program == "lb-worker" && *process.descriptors_limit < kDescriptorsMin)
      report.Warn(codes::kDescriptorLimit,
                  absl::StrCat(process.program, " (pid ", process.pid, ") may have ",
                               *process.descriptors_limit, " descriptors: fewer than ",
                               *process.descriptors_limit / 2, " connections"),
                  "LimitNOFILE=1048576 in its unit, or ulimit -n, then restart it");
  }
  if (!seen) {
    const char* why = facts.pre ? "nothing of lb runs yet" : "no process of lb can be seen here";
    report.Skip(codes::kDescriptorLimit, why);
    return report.Skip(codes::kDescriptorsUsed, why);
  }
  report.End(codes::kDescriptorLimit);
  bool counted = false;
  for (const ProcessFacts& process : facts.processes) {
    if (!process.descriptors_limit || !process.descriptors_open) continue;
    counted = true;
    CheckFill(codes::kDescriptorsUsed, *process.descriptors_open, *process.descriptors_limit,
              absl::StrCat("descriptors of ", process.program, " (pid ", process.pid, ")"),
              "raise LimitNOFILE of its unit, or lower max_connections of its rules", report);
  }
  if (!counted)
    return report.Skip(codes::kDescriptorsUsed, "only root and their own user may count them");
  report.End(codes::kDescriptorsUsed);
}

}  // namespace lb::cli
