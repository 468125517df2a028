// When people are told that an end is near, of a certificate or of the response that is stapled to
// it: 30, 14, 7 and 1 days before, but not before the last third of its lifetime, and at it. Once
// each. Pure; threading: none.
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "base/time.h"
#include "controlplane/tls/certificate_book.h"

namespace lb::controlplane {

struct ExpiryNotice {
  CertificateKey key;
  bool response = false;  // It is about the response.
  int64_t days_left = 0;  // Of the threshold that was passed, rounded up; 0: it has expired.
};

class ExpiryNotices final {
 public:
  // What is to be told at `now`. A content that is new is told of once, however near its end is;
  // one that is not in the book any more is forgotten.
  std::vector<ExpiryNotice> Take(const CertificateBook& book, WallTime now);

  // How many seconds after `now_s` the next is to be told; INT64_MAX: never.
  static int64_t SecondsToNext(const CertificateBook& book, int64_t now_s);

 private:
  struct Told {
    int64_t end_s = 0;
    int64_t days_left = 0;
  };
  // By file, and whether it is the response's end.
  std::map<std::pair<CertificateKey, bool>, Told> told_;
};

}  // namespace lb::controlplane
