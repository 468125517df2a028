// lbctl's own file: named contexts, each with where a control plane is and the credentials for it.
//
//   current_context: prod
//   contexts:
//     prod:
//       endpoint: [lb-1:9901, lb-2:9901]
//       tls_ca: /etc/lb/ca.crt
//
// Text in, values out, and back. Pure; threading: none.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace lb::cli {

// Most contexts in a file, and bytes of one: more is a mistake.
inline constexpr size_t kContextsMax = 1'000;
inline constexpr size_t kContextFileBytesMax = 1 << 20;

// A setting of a context, and which variable and flag it stands in for.
struct ContextKey {
  const char* key;       // "tls_ca"
  const char* variable;  // "LBCTL_TLS_CA"
  const char* flag;      // "--tls-ca"
  bool path;             // A file, relative to the folder of the context file.
};
const std::vector<ContextKey>& ContextKeys();

// The settings of one context by key. Several endpoints are one text with commas, as in
// LBCTL_ENDPOINT.
using Context = std::map<std::string, std::string>;

struct ContextFile {
  std::string current;  // Empty: none.
  std::map<std::string, Context> contexts;

  friend bool operator==(const ContextFile&, const ContextFile&) = default;
};

// Whether `name` may name a context: letters, digits, '.', '_' and '-', at most 63, and a letter or
// digit first. InvalidArgument says why not.
absl::Status CheckContextName(std::string_view name);

// Whether `value` may stand for `key`. InvalidArgument names what is wrong.
absl::Status CheckContextValue(const std::string& key, const std::string& value);

// Reads the text of `path`, which is only named in errors. InvalidArgument has the place and, for
// an unknown key, the one that was meant.
absl::StatusOr<ContextFile> ParseContextFile(const std::string& path, std::string_view text);

// The text of a file: YAML that ParseContextFile reads back as the same.
std::string RenderContextFile(const ContextFile& file);

}  // namespace lb::cli
