// What people want to know of a certificate, and what its key is. Pure; threading: none.
#pragma once

#include <openssl/x509.h>

#include <string>

#include "controlplane/tls/material.h"

namespace lb::controlplane {

// Texts are printable and bounded, whatever stands in the certificate.
CertificateFacts FactsOf(const X509* certificate);

// "CN=www.example.com,O=Example" as RFC 2253 writes it.
std::string NameText(const X509_NAME* name);

// "ECDSA P-256", "RSA 2048", "Ed25519"
std::string KeyTypeOf(const EVP_PKEY* key);

// Why workers would refuse a key of this kind, "" when they would not: RSA of 2,048 to 8,192 bits
// and ECDSA of P-256, P-384 and P-521 are what TLS 1.2 and 1.3 have signatures for that clients
// know.
std::string WhyNoKeyOfWorkers(const EVP_PKEY* key);

}  // namespace lb::controlplane
