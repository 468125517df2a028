// When people are told that a certificate's end is near: 30, 14, 7 and 1 days before, and at it.
// Once each. Pure; threading: none.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/time.h"
#include "controlplane/tls/certificate_book.h"

namespace lb::controlplane {

struct ExpiryNotice {
  CertificateKey key;
  int days_left = 0;  // Of the threshold that was passed; 0: it has expired.
};

class ExpiryNotices final {
 public:
  // What is to be told at `now`. A content that is new is told of once, however near its end is;
  // one that is not in the book any more is forgotten.
  std::vector<ExpiryNotice> Take(const CertificateBook& book, WallTime now);

 private:
  struct Told {
    std::string id;
    int days_left = 0;
  };
  std::map<CertificateKey, Told> told_;
};

}  // namespace lb::controlplane
