// The part of explaining a connection that is about backends: which are left out and why, whether
// all are used in panic, and what becomes of the connection when none has room. Pure; threading:
// none.
#pragma once

#include <string>

#include "controlplane/admin/limit_answers.h"
#include "controlplane/admin/view.h"
#include "lb/admin/v1/limit.pb.h"

namespace lb::controlplane::explain {

using Response = admin::v1::ExplainConnectionResponse;

inline constexpr char kNobody[] = "no worker answered";
inline constexpr auto kPassed = Response::VERDICT_PASSED;
inline constexpr auto kRefused = Response::VERDICT_REFUSED;
inline constexpr auto kDepends = Response::VERDICT_DEPENDS;
inline constexpr auto kWaits = Response::VERDICT_WAITS;

// Appends one check.
void Add(const char* name, Response::Verdict verdict, std::string why, Response& out);

// Which backends outlier detection leaves out; nothing where it is off.
void CheckOutliers(const LiveRule& rule, const View& view, const ClientReports& reports,
                   Response& out);

// That backends are used though they are not usable; nothing while that is not so.
void CheckPanic(const LiveRule& rule, const ClientReports& reports, Response& out);

// The backends of one route (0: of clients that no route takes), and the check of whether one takes
// the connection.
void AddBackends(const LiveRule& rule, uint32_t route, const View& view,
                 const ClientReports& reports, Response& out);

}  // namespace lb::controlplane::explain
