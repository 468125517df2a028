// Sources for tests: an environment and files that are written down. Threading: none.
#pragma once

#include <map>
#include <string>

#include "absl/status/status.h"
#include "controlplane/config/load.h"

namespace lb::controlplane {

struct TestSources {
  std::map<std::string, std::string> env;
  std::map<std::string, std::string> files;

  // A certificate /c.pem with its key /k.pem and a response /o.der about it, another pair /c2.pem
  // and /k2.pem, authorities /ca.pem with their revocation list /crl.pem.
  void AddTlsFiles() {
    for (const char* file :
         {"/c.pem", "/k.pem", "/o.der", "/c2.pem", "/k2.pem", "/ca.pem", "/crl.pem"})
      files[file] = "";
  }

  // Refers to this object.
  Sources Get() const {
    return {.get_env = [this](const std::string& name) -> std::optional<std::string> {
              const auto at = env.find(name);
              if (at == env.end()) return std::nullopt;
              return at->second;
            },
            .read_file = [this](const std::string& path) -> absl::StatusOr<std::string> {
              const auto at = files.find(path);
              if (at == files.end()) return absl::NotFoundError("No such file or directory");
              return at->second;
            }};
  }
};

}  // namespace lb::controlplane
