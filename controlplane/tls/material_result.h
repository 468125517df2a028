// What became of reading the files of TLS: what is good, and what is wrong with the rest.
// Plain values; threading: none.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/tls/material.h"

namespace lb::controlplane {

// One thing wrong, or doubtful, with a file.
struct MaterialProblem {
  enum class Part { kCert, kKey, kOcsp, kAuthorities, kRevocations };

  Part part = Part::kCert;
  bool error = true;      // Else a warning: the file is used all the same, or see old_stays.
  std::string_view code;  // One of codes.h.
  // What is wrong, without the file's name; nothing of a private key is in it.
  std::string message;
  std::string hint = "";   // How to mend it, or empty.
  bool old_stays = false;  // The file is no good; what was loaded from it before is used on.
  // Of whom: set by LoadMaterial.
  std::string file = "";                                // "": the system's authorities.
  std::optional<CertificateFiles> pair = std::nullopt;  // Of a certificate, key or response.
  // Of lists that are not those of these authorities, which are named as `file` is.
  std::optional<std::string> authorities = std::nullopt;
};

using MaterialProblems = std::vector<MaterialProblem>;

struct MaterialResult {
  std::shared_ptr<const TlsMaterial> material;  // All that is good. Never nullptr.
  MaterialProblems problems;                    // Sorted by file within each kind.

  bool has_error() const {
    for (const MaterialProblem& problem : problems)
      if (problem.error) return true;
    return false;
  }
};

}  // namespace lb::controlplane
