#include "dataplane/control/nack.h"

#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/utf8.h"

namespace lb::dataplane {

using lb::worker::v1::Nack;

namespace {

void AddProblem(const std::string& field, const std::string& message, Nack& nack) {
  if (nack.ByteSizeLong() > kMaxNackBytes) return;
  auto& problem = *nack.add_problems();
  problem.set_severity(lb::type::v1::Problem::SEVERITY_ERROR);
  problem.set_field(CutUtf8(field, kMaxNackMessageBytes));
  problem.set_message(CutUtf8(message, kMaxNackMessageBytes));
}

bool Has(const std::vector<Problem>& problems, Problem::Kind kind) {
  for (const Problem& problem : problems) {
    if (problem.kind == kind) return true;
  }
  return false;
}

Nack::Reason ReasonOf(const std::vector<Problem>& problems) {
  if (Has(problems, Problem::Kind::kMissingFeature)) return Nack::REASON_MISSING_FEATURE;
  if (Has(problems, Problem::Kind::kInvalid)) return Nack::REASON_INVALID;
  return Nack::REASON_RESOURCE_LIMIT;
}

}  // namespace

Nack MakeNack(Nack::Reason reason, const std::string& message) {
  Nack nack;
  nack.set_reason(reason);
  AddProblem("", message, nack);
  return nack;
}

Nack MakeNack(const std::vector<Problem>& problems) {
  Nack nack;
  nack.set_reason(ReasonOf(problems));
  for (const Problem& problem : problems) AddProblem(problem.path, problem.message, nack);
  return nack;
}

Nack MakeNack(const std::vector<BindFailure>& failures) {
  Nack nack;
  nack.set_reason(Nack::REASON_BIND_FAILED);
  for (const BindFailure& failure : failures) {
    AddProblem(absl::StrCat("rules/", failure.rule, "/listen"), ToString(failure), nack);
  }
  return nack;
}

std::string ToString(const BindFailure& failure) {
  const char* text = ::strerrordesc_np(failure.error);
  const char* name = ::strerrorname_np(failure.error);
  return absl::StrCat(failure.listen.ToString(), ": ", text == nullptr ? "unknown error" : text,
                      " (", name == nullptr ? absl::StrCat(failure.error) : name, ")");
}

std::string ReasonLabel(Nack::Reason reason) {
  constexpr size_t kPrefixBytes = sizeof("REASON_") - 1;
  return absl::AsciiStrToLower(Nack::Reason_Name(reason)).substr(kPrefixBytes);
}

}  // namespace lb::dataplane
