#include "dataplane/tls/wall.h"

#include <openssl/base.h>

#include <ctime>

namespace lb::dataplane::tls {

int64_t WallSeconds() { return static_cast<int64_t>(std::time(nullptr)); }

int64_t SecondsOf(const ASN1_TIME* time) {
  constexpr int64_t kDayS = 86'400;
  const bssl::UniquePtr<ASN1_TIME> epoch(ASN1_TIME_set(nullptr, 0));
  int days = 0;
  int seconds = 0;
  if (epoch == nullptr || ASN1_TIME_diff(&days, &seconds, epoch.get(), time) != 1) return 0;
  return days * kDayS + seconds;
}

}  // namespace lb::dataplane::tls
