#include "base/tls_files.h"

#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/unique_fd.h"

namespace lb {
namespace {

// What others, and the group by writing, may not do with a key.
constexpr mode_t kForbiddenKeyMode = 0027;

std::string Named(const char* flag, const std::string& path) {
  return absl::StrCat(flag, " ", path, ": ");
}

absl::Status FromErrno(int error, const char* flag, const std::string& path) {
  const std::string text = Named(flag, path) + std::strerror(error);
  if (error == ENOENT || error == ENOTDIR) return absl::NotFoundError(text);
  if (error == EACCES || error == EPERM) return absl::PermissionDeniedError(text);
  return absl::UnavailableError(text);
}

absl::StatusOr<std::string> ReadAll(const UniqueFd& fd, const char* flag, const std::string& path) {
  std::string text(kMaxPemBytes + 1, '\0');
  size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(fd.get(), text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FromErrno(errno, flag, path);
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  if (size > kMaxPemBytes)
    return absl::InvalidArgumentError(
        absl::StrCat(Named(flag, path), "has more than ", kMaxPemBytes, " bytes"));
  text.resize(size);
  return text;
}

absl::StatusOr<std::string> Read(const char* flag, const std::string& path, bool secret) {
  // O_NONBLOCK: opening a FIFO must not wait for a writer.
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) return FromErrno(errno, flag, path);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return FromErrno(errno, flag, path);
  if (!S_ISREG(info.st_mode))
    return absl::InvalidArgumentError(Named(flag, path) + "is no regular file");
  if (secret && (info.st_mode & kForbiddenKeyMode) != 0)
    return absl::PermissionDeniedError(absl::StrCat(
        Named(flag, path), "others may use this private key (mode 0", (info.st_mode >> 6) & 7,
        (info.st_mode >> 3) & 7, info.st_mode & 7, "); chmod 600 it"));
  return ReadAll(fd, flag, path);
}

bssl::UniquePtr<BIO> Open(const std::string& pem) {
  return bssl::UniquePtr<BIO>(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

bssl::UniquePtr<X509> ReadCertificate(const std::string& pem) {
  return bssl::UniquePtr<X509>(PEM_read_bio_X509(Open(pem).get(), nullptr, nullptr, nullptr));
}

// An encrypted key would ask for its passphrase on the terminal.
int NoPassphrase(char*, int, int, void*) { return -1; }

absl::Status Check(const TlsPaths& paths, const TlsPems& pems) {
  const auto refuse = [](const char* flag, const std::string& path, const char* what) {
    ERR_clear_error();  // Nobody else may take our errors for theirs.
    return absl::InvalidArgumentError(Named(flag, path) + what);
  };
  if (ReadCertificate(pems.ca) == nullptr)
    return refuse("--tls-ca", paths.ca, "holds no certificate in PEM form");
  const bssl::UniquePtr<X509> certificate = ReadCertificate(pems.cert);
  if (certificate == nullptr)
    return refuse("--tls-cert", paths.cert, "holds no certificate in PEM form");
  const bssl::UniquePtr<EVP_PKEY> key(
      PEM_read_bio_PrivateKey(Open(pems.key).get(), nullptr, NoPassphrase, nullptr));
  if (key == nullptr)
    return refuse("--tls-key", paths.key, "holds no private key in PEM form without passphrase");
  if (X509_check_private_key(certificate.get(), key.get()) != 1)
    return refuse("--tls-key", paths.key,
                  absl::StrCat("is not the key of the certificate in ", paths.cert).c_str());
  ERR_clear_error();
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<TlsPems> ReadTlsFiles(const TlsPaths& paths) {
  TlsPems pems;
  LB_ASSIGN_OR_RETURN(pems.ca, Read("--tls-ca", paths.ca, false));
  LB_ASSIGN_OR_RETURN(pems.cert, Read("--tls-cert", paths.cert, false));
  LB_ASSIGN_OR_RETURN(pems.key, Read("--tls-key", paths.key, true));
  LB_RETURN_IF_ERROR(Check(paths, pems));
  return pems;
}

}  // namespace lb
