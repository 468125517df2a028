// Findings of a configuration file as JSON and as annotations. Pure; threading: none.
#pragma once

#include <string>
#include <string_view>

#include "controlplane/config/load.h"

namespace lb::cli {

// {"kind":"ValidationResult","file":...,"valid":...,"findings":[...],"findingsTotal":n}, indented.
std::string RenderFindingsJson(std::string_view file, const controlplane::LoadResult& result,
                               bool valid);

// One "::error file=...,line=...,col=...,title=...::message" a finding: workflow commands of
// GitHub Actions (docs.github.com, "Workflow commands").
std::string RenderFindingsGithub(std::string_view file, const controlplane::LoadResult& result);

}  // namespace lb::cli
