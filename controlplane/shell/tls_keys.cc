#include "controlplane/shell/tls_keys.h"

#include <sys/stat.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log.h"

namespace lb::controlplane {

absl::StatusOr<std::unique_ptr<TlsKeys>> TlsKeys::Start(boost::asio::io_context& io,
                                                        TlsPaths paths) {
  absl::StatusOr<TlsPems> pems = ReadTlsFiles(paths);
  if (!pems.ok()) return pems.status();
  auto keys = std::make_unique<TlsKeys>(io, std::move(paths), *std::move(pems));
  keys->Wait();
  return keys;
}

TlsKeys::TlsKeys(boost::asio::io_context& io, TlsPaths paths, TlsPems pems)
    : paths_(std::move(paths)),
      timer_(io),
      pems_(std::make_shared<const TlsPems>(std::move(pems))) {}

TlsKeys::~TlsKeys() = default;

std::shared_ptr<const TlsPems> TlsKeys::pems() const {
  const MutexLock lock(mutex_);
  return pems_;
}

void TlsKeys::Wait() {
  timer_.expires_after(kInterval);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    Look();
    Wait();
  });
}

void TlsKeys::Look() {
  std::string now = Signature();
  if (now == seen_) return;
  seen_ = std::move(now);
  absl::StatusOr<TlsPems> read = ReadTlsFiles(paths_);
  if (!read.ok()) {
    ++refusals_;
    return LogError("the new TLS files are refused; the old ones stay in force",
                    {{"error", std::string(read.status().message())}});
  }
  const std::shared_ptr<const TlsPems> before = pems();
  if (*before == *read) return;
  const bool new_authorities = before->ca != read->ca;
  {
    const MutexLock lock(mutex_);
    pems_ = std::make_shared<const TlsPems>(*std::move(read));
  }
  ++reloads_;
  LogInfo("the TLS files are read again; new connections use them", {{"cert", paths_.cert}});
  if (new_authorities && on_new_authorities_) on_new_authorities_();
}

// What changes when a file does: which file the name leads to, its size and times.
std::string TlsKeys::Signature() const {
  std::string signature;
  for (const std::string* path : {&paths_.ca, &paths_.cert, &paths_.key}) {
    struct stat info {};
    if (::stat(path->c_str(), &info) == 0)
      absl::StrAppend(&signature, info.st_dev, ":", info.st_ino, ":", info.st_size, ":",
                      info.st_mode, ":", info.st_mtim.tv_sec, ".", info.st_mtim.tv_nsec, ":",
                      info.st_ctim.tv_sec, ".", info.st_ctim.tv_nsec);
    absl::StrAppend(&signature, "|");
  }
  return signature;
}

}  // namespace lb::controlplane
