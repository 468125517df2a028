// The wall clock, which says what is out of date: BoringSSL's callbacks bring no time along.
// Threading: any.
#pragma once

#include <openssl/asn1.h>

#include <cstdint>

namespace lb::dataplane::tls {

// Seconds since the epoch.
int64_t WallSeconds();

// The same of a time in a certificate; 0 for one that is none.
int64_t SecondsOf(const ASN1_TIME* time);

}  // namespace lb::dataplane::tls
