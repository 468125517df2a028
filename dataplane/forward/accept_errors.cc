#include "dataplane/forward/accept_errors.h"

namespace lb::dataplane {

void AcceptErrors::Add(int error) {
  size_t index = 0;
  while (index + 1 < kKnown.size() && kKnown[index].error != error) ++index;
  counters_[index].Add(1);
}

void AcceptErrors::AddTo(std::map<std::string, uint64_t>& totals) const {
  for (size_t i = 0; i < kKnown.size(); ++i) {
    if (const uint64_t count = counters_[i].Read(); count > 0) totals[kKnown[i].name] += count;
  }
}

bool AcceptErrors::MustPause(int error) {
  switch (error) {
    case EINTR:
    case ECONNABORTED:
    case EPERM:  // A firewall rule forbids this one.
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
    case ETIMEDOUT:
      return false;
    default:
      // Also what should not happen: a pause keeps it from spinning.
      return true;
  }
}

}  // namespace lb::dataplane
