// The settings of a rule about TLS as names and texts: names of files, never what is in them. Used
// by fields.cc only. Pure; threading: none.
#pragma once

#include <vector>

#include "controlplane/config/config.h"
#include "controlplane/plan/fields.h"

namespace lb::controlplane {

// Always the same fields in the same order.
std::vector<Field> FieldsOfTls(const RuleConfig& rule);
std::vector<Field> FieldsOfCheckTls(const HealthCheckConfig& check, const char* effect);

}  // namespace lb::controlplane
