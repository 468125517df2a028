#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "cli/check/checks.h"

namespace lb::cli {
namespace {

constexpr char kNoServer[] = "the control plane does not answer";
constexpr char kNotYet[] = "nothing of lb runs yet";

std::string BindHint(int error, const Endpoint& address) {
  if (error == EADDRINUSE)
    return absl::StrCat("who has it: ss -ltnp 'sport = :", address.port(),
                        "'; stop it, or listen elsewhere");
  if (error == EADDRNOTAVAIL)
    return absl::StrCat(address.host(), " is not an address of this host: ip addr");
  if (error == EACCES)
    return "give lb-worker CAP_NET_BIND_SERVICE (the packages' unit has it), or lower "
           "net.ipv4.ip_unprivileged_port_start";
  return "";
}

void CheckBinds(const Facts& facts, Report& report) {
  const Code& code = codes::kCannotBind;
  if (!facts.pre) return report.Skip(code, "workers hold them; --pre tries to bind");
  if (facts.binds.empty()) return report.Skip(code, "no file with rules is at hand: --config FILE");
  for (const BindFacts& bind : facts.binds)
    if (bind.error != 0)
      report.Error(code,
                   absl::StrCat("rules/", bind.rule, ": ", bind.address.ToString(), ": ",
                                std::strerror(bind.error)),
                   BindHint(bind.error, bind.address));
  report.End(code);
}

void CheckPrivileged(const Facts& facts, Report& report) {
  const Code& code = codes::kPrivileged;
  if (!facts.pre) return report.Skip(code, "workers hold them; --pre tries to bind");
  if (!facts.kernel.unprivileged_port_start)
    return report.Skip(code, "this kernel does not say which ports are privileged");
  for (const BindFacts& bind : facts.binds)
    if (bind.address.port() < *facts.kernel.unprivileged_port_start)
      report.Warn(code,
                  absl::StrCat("rules/", bind.rule, ": port ", bind.address.port(),
                               " is for privileged processes only (below ",
                               *facts.kernel.unprivileged_port_start, ")"),
                  BindHint(EACCES, bind.address));
  report.End(code);
}

void CheckRefused(const Facts& facts, Report& report) {
  const Code& code = codes::kBindRefused;
  if (!facts.server) return report.Skip(code, facts.pre ? kNotYet : kNoServer);
  for (const admin::v1::Worker& worker : facts.server->workers) {
    if (worker.sync() != admin::v1::Worker::SYNC_ERROR || worker.nack_reason() != "BIND_FAILED")
      continue;
    const std::string what = worker.problems().empty() ? "" : worker.problems(0).message();
    report.Error(code, absl::StrCat(worker.name(), " cannot bind: ", what),
                 "free the port (ss -ltnp), or listen elsewhere; what ran goes on");
  }
  report.End(code);
}

// Every address of a rule, for each worker that is seen. A worker that drains has closed its own.
void CheckListening(const Facts& facts, Report& report) {
  const Code& code = codes::kNotListening;
  if (!facts.server) return report.Skip(code, facts.pre ? kNotYet : kNoServer);
  std::set<int64_t> serving;
  for (const admin::v1::Worker& worker : facts.server->workers)
    if (worker.sync() == admin::v1::Worker::SYNC_SYNCED && !worker.draining())
      serving.insert(worker.process().pid());
  bool seen = false;
  for (const ProcessFacts& process : facts.processes) {
    if (process.program != "lb-worker" || serving.count(process.pid) == 0) continue;
    seen = true;
    for (const admin::v1::Rule& rule : facts.server->rules) {
      const auto address = Endpoint::Parse(rule.listen());
      if (!address.ok() || process.listening.count(*address) > 0) continue;
      report.Error(code,
                   absl::StrCat(rule.name(), ": nobody listens on ", rule.listen(),
                                " where the worker with pid ", process.pid, " runs"),
                   "lbctl describe workers; the log of that worker");
    }
  }
  if (!seen) return report.Skip(code, "no worker that serves can be seen here");
  report.End(code);
}

}  // namespace

void CheckPorts(const Facts& facts, Report& report) {
  CheckRefused(facts, report);
  CheckListening(facts, report);
  CheckBinds(facts, report);
  CheckPrivileged(facts, report);
}

}  // namespace lb::cli
