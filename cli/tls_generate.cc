#include "cli/tls_generate.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/ec_key.h>
#include <openssl/evp.h>
#include <openssl/nid.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "base/unique_fd.h"
#include "cli/suggest.h"
#include "cli/terminal.h"
#include "cli/text.h"

namespace lb::cli {
namespace {

constexpr mode_t kKeyMode = 0600;
constexpr mode_t kCertificateMode = 0644;
constexpr size_t kMaxNameBytes = 63;  // What the control plane takes.
constexpr long kDayS = 24 * 60 * 60;
// Clocks of other machines may be behind ours.
constexpr long kBackdateS = 60 * 60;

using Certificate = bssl::UniquePtr<X509>;
using Key = bssl::UniquePtr<EVP_PKEY>;

absl::Status Errno(const std::string& what) {
  return absl::UnknownError(absl::StrCat(what, ": ", std::strerror(errno)));
}

absl::Status Failed() { return absl::InternalError("internal error: making a certificate failed"); }

Key NewKey() {
  const bssl::UniquePtr<EC_KEY> made(EC_KEY_new_by_curve_name(NID_X9_62_prime256v1));
  Key key(EVP_PKEY_new());
  if (made == nullptr || key == nullptr || EC_KEY_generate_key(made.get()) != 1 ||
      EVP_PKEY_set1_EC_KEY(key.get(), made.get()) != 1)
    return nullptr;
  return key;
}

bool AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  std::string copy = value;
  const bssl::UniquePtr<X509_EXTENSION> extension(
      X509V3_EXT_nconf_nid(nullptr, &context, nid, copy.data()));
  return extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1;
}

// A certificate with a random serial (RFC 5280 4.1.2.2), not signed yet.
Certificate NewCertificate(const std::string& common_name, EVP_PKEY* key, int days, WallTime now) {
  constexpr size_t kSerialBytes = 16;
  const auto start = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch());
  uint8_t serial[kSerialBytes];
  Certificate certificate(X509_new());
  if (certificate == nullptr || RAND_bytes(serial, sizeof(serial)) != 1) return nullptr;
  serial[0] &= 0x7f;  // Positive.
  const bssl::UniquePtr<BIGNUM> number(BN_bin2bn(serial, sizeof(serial), nullptr));
  X509* const raw = certificate.get();
  X509_NAME* const subject = X509_get_subject_name(raw);
  const bool good =
      number != nullptr && X509_set_version(raw, X509_VERSION_3) == 1 &&
      BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(raw)) != nullptr &&
      ASN1_TIME_set(X509_getm_notBefore(raw), start.count() - kBackdateS) != nullptr &&
      ASN1_TIME_set(X509_getm_notAfter(raw), start.count() + days * kDayS) != nullptr &&
      X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                 reinterpret_cast<const uint8_t*>(common_name.c_str()), -1, -1,
                                 0) == 1 &&
      X509_set_pubkey(raw, key) == 1;
  return good ? std::move(certificate) : nullptr;
}

template <typename Write>
std::string Pem(Write write) {
  const bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  const uint8_t* data = nullptr;
  size_t size = 0;
  if (bio == nullptr || write(bio.get()) != 1 || BIO_mem_contents(bio.get(), &data, &size) != 1)
    return "";
  return {reinterpret_cast<const char*>(data), size};
}

std::string PemOf(X509* certificate) {
  return Pem([=](BIO* bio) { return PEM_write_bio_X509(bio, certificate); });
}

std::string PemOf(EVP_PKEY* key) {
  return Pem([=](BIO* bio) {
    return PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  });
}

// Writes PATH.new and moves it to `path`: whoever reads sees the old file or the whole new one.
absl::Status WriteFile(const std::string& path, const std::string& text, mode_t mode) {
  const std::string fresh = path + ".new";
  ::unlink(fresh.c_str());  // Of a run that was killed.
  const UniqueFd fd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!fd.valid()) return Errno(absl::StrCat("cannot write ", fresh));
  const auto size = static_cast<ssize_t>(text.size());
  if (::fchmod(fd.get(), mode) != 0 || ::write(fd.get(), text.data(), text.size()) != size ||
      ::fsync(fd.get()) != 0 || ::rename(fresh.c_str(), path.c_str()) != 0) {
    const absl::Status status = Errno(absl::StrCat("cannot write ", path));
    ::unlink(fresh.c_str());
    return status;
  }
  return absl::OkStatus();
}

absl::StatusOr<ExitCode> WritePair(const std::string& base, X509* certificate, EVP_PKEY* key,
                                   bool force) {
  const std::string cert_path = base + ".crt";
  const std::string key_path = base + ".key";
  for (const std::string& path : {cert_path, key_path}) {
    if (force || ::access(path.c_str(), F_OK) != 0) continue;
    absl::Status status = absl::AlreadyExistsError(absl::StrCat(path, " is there already"));
    SetHint(status, "--force overwrites it; what it has signed or opened is then void.");
    return status;
  }
  const std::string cert_pem = PemOf(certificate);
  const std::string key_pem = PemOf(key);
  if (cert_pem.empty() || key_pem.empty()) return Failed();
  LB_RETURN_IF_ERROR(WriteFile(key_path, key_pem, kKeyMode));
  LB_RETURN_IF_ERROR(WriteFile(cert_path, cert_pem, kCertificateMode));
  WriteOut(absl::StrCat(cert_path, "\n", key_path, "\n"));
  return ExitCode::kDone;
}

// What the control plane takes as NAME and CLUSTER.
absl::Status CheckName(const char* what, const std::string& name) {
  const bool good = !name.empty() && name.size() <= kMaxNameBytes && name != "." && name != ".." &&
                    std::all_of(name.begin(), name.end(), [](unsigned char c) {
                      return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
                    });
  if (good) return absl::OkStatus();
  return UsageError(absl::StrCat(what, " '", Escape(name), "': use 1 to ", kMaxNameBytes,
                                 " letters, digits, '-', '_' and '.'"));
}

// The subject alternative names, as OpenSSL's configuration writes them.
absl::StatusOr<std::string> Names(const TlsOptions& options) {
  static const std::vector<std::string> kRoles{"server", "worker", "viewer", "operator", "admin"};
  if (std::find(kRoles.begin(), kRoles.end(), options.role) == kRoles.end()) {
    const std::string hint = DidYouMean(options.role, kRoles);
    return UsageError(absl::StrCat("ROLE '", Escape(options.role), "' is not one of ",
                                   absl::StrJoin(kRoles, ", "), hint.empty() ? "" : "; ", hint));
  }
  LB_RETURN_IF_ERROR(CheckName("NAME", options.name));
  LB_RETURN_IF_ERROR(CheckName("--cluster", options.cluster));
  std::vector<std::string> names;
  for (const std::string& san : options.sans) {
    in6_addr address{};
    const bool ip = ::inet_pton(AF_INET, san.c_str(), &address) == 1 ||
                    ::inet_pton(AF_INET6, san.c_str(), &address) == 1;
    if (!ip) LB_RETURN_IF_ERROR(CheckName("--san", san));
    names.push_back((ip ? "IP:" : "DNS:") + san);
  }
  if (options.role == "server" && names.empty())
    return UsageError("a server's certificate needs the names that clients connect to",
                      "as in --san lb.example.net --san 10.0.0.1");
  if (options.role != "server")
    names.push_back(
        absl::StrCat("URI:spiffe://", options.cluster, "/", options.role, "/", options.name));
  return absl::StrJoin(names, ",");
}

struct Authority {
  Certificate certificate;
  Key key;
};

absl::StatusOr<Authority> ReadAuthority(const std::string& folder) {
  Authority authority;
  for (const char* name : {"/ca.crt", "/ca.key"}) {
    const std::string path = folder + name;
    std::ifstream file(path);
    if (!file) {
      absl::Status status =
          absl::NotFoundError(absl::StrCat("cannot read ", path, ": ", std::strerror(errno)));
      SetHint(status, absl::StrCat("lbctl tls generate-ca --dir ", folder, " makes an authority."));
      return status;
    }
    const std::string pem{std::istreambuf_iterator<char>(file), {}};
    const bssl::UniquePtr<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    if (authority.certificate == nullptr)
      authority.certificate.reset(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    else
      authority.key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
    const bool read = authority.key != nullptr ||
                      (authority.certificate != nullptr && std::strcmp(name, "/ca.crt") == 0);
    if (!read) return UsageError(absl::StrCat(path, " is not what generate-ca writes"));
  }
  return authority;
}

}  // namespace

absl::StatusOr<ExitCode> RunGenerateCa(const TlsOptions& options, WallTime now) {
  LB_RETURN_IF_ERROR(CheckName("--cluster", options.cluster));
  if (::mkdir(options.folder.c_str(), S_IRWXU) != 0 && errno != EEXIST)
    return Errno(absl::StrCat("cannot make ", options.folder));
  const Key key = NewKey();
  if (key == nullptr) return Failed();
  const Certificate certificate =
      NewCertificate(options.cluster + " authority", key.get(), kAuthorityDays, now);
  X509* const raw = certificate.get();
  if (raw == nullptr || X509_set_issuer_name(raw, X509_get_subject_name(raw)) != 1 ||
      !AddExtension(raw, raw, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
      !AddExtension(raw, raw, NID_key_usage, "critical,keyCertSign,cRLSign") ||
      !AddExtension(raw, raw, NID_subject_key_identifier, "hash") ||
      X509_sign(raw, key.get(), EVP_sha256()) == 0)
    return Failed();
  return WritePair(options.folder + "/ca", raw, key.get(), options.force);
}

absl::StatusOr<ExitCode> RunGenerateCert(const TlsOptions& options, WallTime now) {
  LB_ASSIGN_OR_RETURN(const std::string names, Names(options));
  LB_ASSIGN_OR_RETURN(const Authority authority, ReadAuthority(options.folder));
  const Key key = NewKey();
  if (key == nullptr) return Failed();
  const Certificate certificate =
      NewCertificate(options.role + " " + options.name, key.get(), kCertificateDays, now);
  X509* const raw = certificate.get();
  X509* const issuer = authority.certificate.get();
  const char* const usage = options.role == "server" ? "serverAuth" : "clientAuth";
  if (raw == nullptr || X509_set_issuer_name(raw, X509_get_subject_name(issuer)) != 1 ||
      !AddExtension(raw, issuer, NID_basic_constraints, "critical,CA:FALSE") ||
      !AddExtension(raw, issuer, NID_key_usage, "critical,digitalSignature") ||
      !AddExtension(raw, issuer, NID_ext_key_usage, usage) ||
      !AddExtension(raw, issuer, NID_authority_key_identifier, "keyid") ||
      !AddExtension(raw, issuer, NID_subject_alt_name, names) ||
      X509_sign(raw, authority.key.get(), EVP_sha256()) == 0)
    return Failed();
  return WritePair(absl::StrCat(options.folder, "/", options.role, "-", options.name), raw,
                   key.get(), options.force);
}

}  // namespace lb::cli
