#include "cli/check/certificate_facts.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>

#include "absl/strings/str_cat.h"
#include "base/unique_fd.h"

namespace lb::cli {
namespace {

constexpr size_t kMaxNames = 32;
constexpr int64_t kDayS = 86'400;

using Certificates = std::vector<bssl::UniquePtr<X509>>;

// The file's content; "" and a text in `error` when it cannot be read.
std::string Read(const std::string& path, std::string& error, mode_t* mode = nullptr) {
  // O_NONBLOCK: opening a FIFO must not wait for a writer.
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat info {};
  std::string text(kMaxPemBytes, '\0');
  const bool regular = fd.valid() && ::fstat(fd.get(), &info) == 0 && S_ISREG(info.st_mode);
  const ssize_t got = regular ? ::pread(fd.get(), text.data(), text.size(), 0) : -1;
  if (got < 0) {
    if (error.empty())
      error = absl::StrCat(path, ": ",
                           fd.valid() && !regular ? "is no regular file" : std::strerror(errno));
    return "";
  }
  if (mode != nullptr) *mode = info.st_mode & 07777;
  text.resize(static_cast<size_t>(got));
  return text;
}

bssl::UniquePtr<BIO> Open(const std::string& pem) {
  return bssl::UniquePtr<BIO>(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

Certificates ReadCertificates(const std::string& pem) {
  Certificates all;
  const bssl::UniquePtr<BIO> in = Open(pem);
  while (X509* one = PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)) all.emplace_back(one);
  ERR_clear_error();  // The end of a file counts as an error.
  return all;
}

// An encrypted key would ask for its passphrase on the terminal.
int NoPassphrase(char*, int, int, void*) { return -1; }

int64_t ToSeconds(const ASN1_TIME* time) {
  const bssl::UniquePtr<ASN1_TIME> epoch(ASN1_TIME_set(nullptr, 0));
  int days = 0;
  int seconds = 0;
  if (ASN1_TIME_diff(&days, &seconds, epoch.get(), time) != 1) return 0;
  return days * kDayS + seconds;
}

// Lets a certificate pass whose time is over, or has not begun.
int IgnoreTimes(int good, X509_STORE_CTX* context) {
  const int error = X509_STORE_CTX_get_error(context);
  return good == 1 || error == X509_V_ERR_CERT_HAS_EXPIRED || error == X509_V_ERR_CERT_NOT_YET_VALID
             ? 1
             : 0;
}

// Whether the chain leads to an authority; of times the checks speak themselves.
std::string VerifyChain(const Certificates& chain, const Certificates& authorities) {
  const bssl::UniquePtr<X509_STORE> store(X509_STORE_new());
  for (const auto& one : authorities) X509_STORE_add_cert(store.get(), one.get());
  const bssl::UniquePtr<STACK_OF(X509)> between(sk_X509_new_null());
  for (size_t i = 1; i < chain.size(); ++i) bssl::PushToStack(between.get(), bssl::UpRef(chain[i]));
  const bssl::UniquePtr<X509_STORE_CTX> context(X509_STORE_CTX_new());
  X509_STORE_CTX_init(context.get(), store.get(), chain.front().get(), between.get());
  X509_STORE_CTX_set_verify_cb(context.get(), &IgnoreTimes);
  if (X509_verify_cert(context.get()) == 1) return "";
  ERR_clear_error();
  return X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
}

std::string TextOf(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<size_t>(ASN1_STRING_length(text))};
}

std::string AddressOf(const ASN1_OCTET_STRING* bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = ASN1_STRING_length(bytes) == 4 ? AF_INET : AF_INET6;
  if (family == AF_INET6 && ASN1_STRING_length(bytes) != 16) return "?";
  return ::inet_ntop(family, ASN1_STRING_get0_data(bytes), text.data(), text.size());
}

std::vector<std::string> NamesOf(const X509* certificate) {
  const bssl::UniquePtr<GENERAL_NAMES> all(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::vector<std::string> names;
  for (size_t i = 0; all != nullptr && i < sk_GENERAL_NAME_num(all.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(all.get(), i);
    if (names.size() == kMaxNames) break;
    if (name->type == GEN_URI) names.push_back("URI:" + TextOf(name->d.uniformResourceIdentifier));
    if (name->type == GEN_DNS) names.push_back("DNS:" + TextOf(name->d.dNSName));
    if (name->type == GEN_IPADD) names.push_back("IP:" + AddressOf(name->d.iPAddress));
  }
  return names;
}

}  // namespace

CertificateFacts ReadCertificateFacts(const std::string& owner, const TlsPaths& paths) {
  CertificateFacts facts;
  facts.owner = owner;
  facts.paths = paths;
  const Certificates authorities = ReadCertificates(Read(paths.ca, facts.error));
  const Certificates chain = ReadCertificates(Read(paths.cert, facts.error));
  const std::string key_text = Read(paths.key, facts.error, &facts.key_mode);
  const bssl::UniquePtr<EVP_PKEY> key(
      PEM_read_bio_PrivateKey(Open(key_text).get(), nullptr, NoPassphrase, nullptr));
  ERR_clear_error();
  if (!facts.error.empty()) return facts;
  if (authorities.empty()) facts.error = paths.ca + ": holds no certificate in PEM form";
  if (chain.empty()) facts.error = paths.cert + ": holds no certificate in PEM form";
  if (key == nullptr)
    facts.error = paths.key + ": holds no private key in PEM form without passphrase";
  if (!facts.error.empty()) return facts;
  X509* leaf = chain.front().get();
  facts.key_matches = X509_check_private_key(leaf, key.get()) == 1;
  ERR_clear_error();
  facts.chain_error = VerifyChain(chain, authorities);
  facts.not_before_s = ToSeconds(X509_get0_notBefore(leaf));
  facts.not_after_s = ToSeconds(X509_get0_notAfter(leaf));
  facts.ca_not_after_s = std::numeric_limits<int64_t>::max();
  for (const auto& one : authorities)
    facts.ca_not_after_s = std::min(facts.ca_not_after_s, ToSeconds(X509_get0_notAfter(one.get())));
  facts.names = NamesOf(leaf);
  return facts;
}

}  // namespace lb::cli
