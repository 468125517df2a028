// The stable codes of `lbctl check`: a code keeps its meaning for ever, and one that is no longer
// found is not given to anything else. docs/checks.md explains each; a test compares the two.
#pragma once

#include <array>
#include <string_view>

namespace lb::cli {

// In the order in which they are shown.
enum class Category {
  kKernel,
  kDescriptors,
  kPorts,
  kConfiguration,
  kVersions,
  kCertificates,
  kWorkers,
  kBackends,
  kApi,
};

// As in --only and in the output.
inline constexpr std::array<std::string_view, 9> kCategoryNames = {
    "kernel",       "descriptors", "ports",    "configuration", "versions",
    "certificates", "workers",     "backends", "api",
};

constexpr std::string_view NameOf(Category category) {
  return kCategoryNames[static_cast<size_t>(category)];
}

struct Code {
  std::string_view id;
  Category category;
  std::string_view good;  // What is said when nothing is found.
};

namespace codes {

using enum Category;

inline constexpr Code kSomaxconn{"LBC101", kKernel, "listen queues are as long as workers ask for"};
inline constexpr Code kEphemeralPorts{"LBC102", kKernel, "enough local ports for connects"};
inline constexpr Code kListenInEphemeral{"LBC103", kKernel,
                                         "no listen port can be taken by an outgoing connection"};
inline constexpr Code kSystemFiles{"LBC104", kKernel, "the system has file handles left"};
inline constexpr Code kNrOpen{"LBC105", kKernel, "fs.nr_open lets a process have many descriptors"};
inline constexpr Code kTcpMemory{"LBC106", kKernel, "TCP has memory left"};
inline constexpr Code kConntrack{"LBC107", kKernel, "connection tracking has room"};
inline constexpr Code kReusePort{"LBC108", kKernel, "SO_REUSEPORT works"};
inline constexpr Code kSplice{"LBC109", kKernel, "splice(2) works"};
inline constexpr Code kMigrate{"LBC110", kKernel,
                               "connections that wait move on when a listener closes"};

inline constexpr Code kDescriptorLimit{"LBC201", kDescriptors, "descriptor limits are high enough"};
inline constexpr Code kDescriptorsUsed{"LBC202", kDescriptors, "descriptors are left"};

inline constexpr Code kBindRefused{"LBC301", kPorts, "every worker could bind its addresses"};
inline constexpr Code kNotListening{"LBC302", kPorts, "the addresses of all rules are listened on"};
inline constexpr Code kCannotBind{"LBC303", kPorts, "the addresses of the file can be bound"};
inline constexpr Code kPrivileged{"LBC304", kPorts, "no address needs a privilege to be bound"};

inline constexpr Code kFileBad{"LBC401", kConfiguration, "the file can be read and has no errors"};
inline constexpr Code kFileWarnings{"LBC402", kConfiguration, "the file has no warnings"};
inline constexpr Code kFileNotRunning{"LBC403", kConfiguration, "the file is what runs"};
inline constexpr Code kServerFileBad{"LBC404", kConfiguration,
                                     "the control plane accepted its file"};
inline constexpr Code kNothingRuns{"LBC405", kConfiguration, "a configuration is in force"};
inline constexpr Code kUnconfirmed{"LBC406", kConfiguration, "nothing waits to be confirmed"};
inline constexpr Code kOpenCluster{"LBC407", kConfiguration,
                                   "strangers cannot speak to the cluster"};
inline constexpr Code kKeysOrdered{"LBC408", kConfiguration,
                                   "the cluster's keys are those of the configuration"};
inline constexpr Code kStaysAway{"LBC409", kConfiguration,
                                 "this host has not left its cluster by order"};
inline constexpr Code kStrangers{"LBC410", kConfiguration,
                                 "nobody speaks to the cluster with another key or label"};
inline constexpr Code kPeersMissing{"LBC411", kConfiguration, "the cluster's peers are members"};
inline constexpr Code kMembersFailed{"LBC412", kConfiguration, "no member of the cluster failed"};
inline constexpr Code kLimitsReduced{"LBC413", kConfiguration,
                                     "enough hosts are heard to use shared limits"};

inline constexpr Code kLbctlSkew{"LBC501", kVersions, "lbctl is as new as the control plane"};
inline constexpr Code kWorkerSkew{"LBC502", kVersions, "workers are as new as the control plane"};
inline constexpr Code kMissingFeatures{"LBC503", kVersions, "workers know all that may be asked"};

inline constexpr Code kTlsFiles{"LBC601", kCertificates, "the TLS files can be read"};
inline constexpr Code kTlsKeyOpen{"LBC602", kCertificates, "private keys are private"};
inline constexpr Code kTlsKeyOther{"LBC603", kCertificates, "keys belong to their certificates"};
inline constexpr Code kTlsChain{"LBC604", kCertificates, "certificates come from the authority"};
inline constexpr Code kTlsTime{"LBC605", kCertificates, "certificates are valid for a while"};
inline constexpr Code kTlsNames{"LBC606", kCertificates, "certificates say who they are for"};

inline constexpr Code kRuleTlsRefused{"LBC607", kCertificates,
                                      "the TLS files of all rules are what runs"};
inline constexpr Code kRuleTlsTime{"LBC608", kCertificates,
                                   "the TLS files of all rules are valid for a while"};

inline constexpr Code kNoWorker{"LBC701", kWorkers, "a worker accepts connections"};
inline constexpr Code kWorkerRefused{"LBC702", kWorkers, "no worker refused the configuration"};
inline constexpr Code kWorkerStale{"LBC703", kWorkers, "no worker hangs"};
inline constexpr Code kWorkerGone{"LBC704", kWorkers, "all known workers are connected"};
inline constexpr Code kWorkerPending{"LBC705", kWorkers, "all workers run the newest snapshot"};
inline constexpr Code kWorkerRestarts{"LBC706", kWorkers, "no worker restarts again and again"};

inline constexpr Code kBackendDown{"LBC801", kBackends, "no backend is down"};
inline constexpr Code kRuleDown{"LBC802", kBackends, "every rule has a backend to send to"};
inline constexpr Code kFlapping{"LBC803", kBackends, "no backend goes up and down"};
inline constexpr Code kUnresolved{"LBC804", kBackends, "every backend's name has an address"};

inline constexpr Code kEjected{"LBC805", kBackends, "no backend is left out for failing"};

inline constexpr Code kService{"LBC806", kBackends,
                               "Services of Kubernetes are watched and have endpoints"};

inline constexpr Code kUnreachable{"LBC901", kApi, "the control plane answers"};
inline constexpr Code kSocketOpen{"LBC902", kApi,
                                  "the sockets of the APIs are closed to strangers"};
inline constexpr Code kNoMutualTls{"LBC903", kApi, "TCP is closed to those without a certificate"};

}  // namespace codes

// All of them, in order.
inline constexpr std::array kAllCodes = {
    &codes::kSomaxconn,      &codes::kEphemeralPorts,  &codes::kListenInEphemeral,
    &codes::kSystemFiles,    &codes::kNrOpen,          &codes::kTcpMemory,
    &codes::kConntrack,      &codes::kReusePort,       &codes::kSplice,
    &codes::kMigrate,        &codes::kDescriptorLimit, &codes::kDescriptorsUsed,
    &codes::kBindRefused,    &codes::kNotListening,    &codes::kCannotBind,
    &codes::kPrivileged,     &codes::kFileBad,         &codes::kFileWarnings,
    &codes::kFileNotRunning, &codes::kServerFileBad,   &codes::kNothingRuns,
    &codes::kUnconfirmed,    &codes::kOpenCluster,     &codes::kKeysOrdered,
    &codes::kStaysAway,      &codes::kStrangers,       &codes::kPeersMissing,
    &codes::kMembersFailed,  &codes::kLimitsReduced,   &codes::kLbctlSkew,
    &codes::kWorkerSkew,     &codes::kMissingFeatures, &codes::kTlsFiles,
    &codes::kTlsKeyOpen,     &codes::kTlsKeyOther,     &codes::kTlsChain,
    &codes::kTlsTime,        &codes::kTlsNames,        &codes::kRuleTlsRefused,
    &codes::kRuleTlsTime,    &codes::kNoWorker,        &codes::kWorkerRefused,
    &codes::kWorkerStale,    &codes::kWorkerGone,      &codes::kWorkerPending,
    &codes::kWorkerRestarts, &codes::kBackendDown,     &codes::kRuleDown,
    &codes::kFlapping,       &codes::kUnresolved,      &codes::kEjected,
    &codes::kService,        &codes::kUnreachable,     &codes::kSocketOpen,
    &codes::kNoMutualTls,
};

}  // namespace lb::cli
