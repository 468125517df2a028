// The checks: pure functions of facts, one for each category. Threading: none.
#pragma once

#include "cli/check/facts.h"
#include "cli/check/report.h"

namespace lb::cli {

// What workers ask for when they listen: kListenBacklog of dataplane/forward/socket_options.h.
inline constexpr uint64_t kWorkerBacklog = 4096;

// A share of something bounded that is worth a warning, and one that is an error, in percent.
inline constexpr uint64_t kFillWarning = 80;
inline constexpr uint64_t kFillError = 95;

// Fewer local ports than this are fewer connections to one backend than many a rule has.
inline constexpr uint32_t kLocalPortsMin = 20'000;

// A worker of some size: a proxied connection takes two descriptors.
inline constexpr uint64_t kDescriptorsMin = 65'536;

// Time left of a certificate that is worth a warning, and an error: less of one that is
// short-lived, see NearS.
inline constexpr int64_t kCertificateWarningDays = 30;
inline constexpr int64_t kCertificateErrorDays = 3;
// Files of rules are often renewed by a program, and for 90 days only.
inline constexpr int64_t kRuleCertificateWarningDays = 14;

// A worker that says nothing for so long hangs: it speaks once a second.
inline constexpr int64_t kSilentS = 4;

// Events of one thing within a time that are too many.
inline constexpr int64_t kRestartWindowS = 3600;
inline constexpr int kRestartsMax = 3;
inline constexpr int64_t kFlapWindowS = 600;
inline constexpr int kFlapsMax = 4;

void CheckKernel(const Facts& facts, Report& report);
void CheckDescriptors(const Facts& facts, Report& report);
void CheckPorts(const Facts& facts, Report& report);
void CheckConfiguration(const Facts& facts, Report& report);
void CheckVersions(const Facts& facts, Report& report);
void CheckCertificates(const Facts& facts, Report& report);
void CheckWorkers(const Facts& facts, Report& report);
void CheckBackends(const Facts& facts, Report& report);
void CheckApi(const Facts& facts, Report& report);

// All of them, in the order of Category.
void RunChecks(const Facts& facts, Report& report);

}  // namespace lb::cli
