// The certificates of a rule, and which one a ClientHello gets: by the name that it asks for,
// exactly, then by a wildcard of one label, else the default; among those of one name by what the
// client can check. Immutable. Threading: any.
#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "dataplane/tls/pair.h"

namespace lb::dataplane::tls {

class Certificates final {
 public:
  // At least one; the first is the default.
  explicit Certificates(std::vector<std::shared_ptr<const Pair>> pairs);

  struct Choice {
    const Pair* pair = nullptr;  // Never nullptr.
    bool by_name = false;        // False: it is the default, since no certificate has the name.
  };

  // `name` in any case, with or without a dot at its end; empty: none was asked for.
  Choice Choose(std::string_view name, const SSL_CLIENT_HELLO& hello) const;

  // True when a certificate has the name, itself or by a wildcard.
  bool Has(std::string_view name) const { return FindAny(name) != nullptr; }

 private:
  // One certificate of each kind of key, where there is one.
  struct Named {
    const Pair* ecdsa = nullptr;
    const Pair* rsa = nullptr;
  };

  void Add(const std::string& name, const Pair* pair);
  const Named* Find(std::string_view name) const;
  const Named* FindAny(std::string_view name) const;

  const std::vector<std::shared_ptr<const Pair>> pairs_;
  absl::flat_hash_map<std::string, Named> by_name_;
  Named default_;
};

}  // namespace lb::dataplane::tls
