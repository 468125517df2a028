#include "controlplane/stream/hello.h"

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/sha256.h"
#include "controlplane/snapshot/versions.h"

namespace lb::controlplane {
namespace {

bool IsIdByte(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.';
}

absl::Status CheckId(const char* field, const std::string& value) {
  const bool good = !value.empty() && value.size() <= kMaxIdBytes &&
                    std::all_of(value.begin(), value.end(), IsIdByte);
  if (good) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(field, " '", absl::CHexEscape(value.substr(0, kMaxIdBytes)), "' is not 1 to ",
                   kMaxIdBytes, " letters, digits, '-', '_' or '.'"));
}

absl::Status CheckRunning(const type::v1::ConfigVersion& running) {
  if (running.epoch() > Versions::kEpochMax)
    return absl::InvalidArgumentError(
        absl::StrCat("running.epoch ", running.epoch(), " above ", Versions::kEpochMax));
  if (running.digest().size() != kSha256Bytes)
    return absl::InvalidArgumentError(
        absl::StrCat("running.digest has ", running.digest().size(), " bytes, not ", kSha256Bytes));
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckHello(const worker::v1::Hello& hello) {
  if (hello.protocol_min() > kProtocol || hello.protocol_max() < kProtocol)
    return absl::FailedPreconditionError(absl::StrCat("protocols ", hello.protocol_min(), " to ",
                                                      hello.protocol_max(),
                                                      " of the worker do not include ", kProtocol));
  if (absl::Status id = CheckId("worker.id", hello.worker().id()); !id.ok()) return id;
  if (absl::Status incarnation = CheckId("worker.incarnation", hello.worker().incarnation());
      !incarnation.ok())
    return incarnation;
  if (hello.worker().version().size() > kMaxVersionBytes)
    return absl::InvalidArgumentError(absl::StrCat("worker.version has ",
                                                   hello.worker().version().size(),
                                                   " bytes, more than ", kMaxVersionBytes));
  if (hello.took_over_size() > kMaxHelloTookOver)
    return absl::InvalidArgumentError(absl::StrCat("took_over has ", hello.took_over_size(),
                                                   " entries, more than ", kMaxHelloTookOver));
  for (const std::string& incarnation : hello.took_over())
    if (absl::Status status = CheckId("took_over", incarnation); !status.ok()) return status;
  if (hello.slots_size() > kMaxHelloSlots)
    return absl::InvalidArgumentError(
        absl::StrCat("slots has ", hello.slots_size(), " entries, more than ", kMaxHelloSlots));
  return hello.has_running() ? CheckRunning(hello.running()) : absl::OkStatus();
}

}  // namespace lb::controlplane
