#include "controlplane/tls/pem.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/mem.h>
#include <openssl/pem.h>

#include <array>
#include <ctime>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/sha256.h"
#include "base/tls_trust.h"

namespace lb::controlplane {
namespace {

constexpr int64_t kDayS = 86'400;

// Memory of PEM_read_bio, which OPENSSL_free wipes.
template <typename T>
struct Owned {
  T* value = nullptr;
  Owned() = default;
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  ~Owned() { OPENSSL_free(value); }
};

// Whether the last error only says that no further block begins.
bool IsEnd() {
  const uint32_t error = ERR_peek_last_error();
  return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

std::string_view LabelOf(const char* name) { return name == nullptr ? "" : name; }

}  // namespace

PemBlock::~PemBlock() { OPENSSL_cleanse(der.data(), der.size()); }

absl::StatusOr<std::vector<PemBlock>> ReadPem(std::string_view text) {
  if (text.size() > kMaxMaterialFileBytes)
    return absl::InvalidArgumentError(
        absl::StrCat("it has more than ", kMaxMaterialFileBytes, " bytes"));
  const bssl::UniquePtr<BIO> bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  std::vector<PemBlock> blocks;
  while (true) {
    Owned<char> name;
    Owned<char> header;
    Owned<uint8_t> data;
    long bytes = 0;
    ERR_clear_error();
    if (PEM_read_bio(bio.get(), &name.value, &header.value, &data.value, &bytes) != 1) {
      const bool end = IsEnd();
      ERR_clear_error();  // Nobody else may take our errors for theirs.
      if (end) return blocks;
      return absl::InvalidArgumentError(
          absl::StrCat("its PEM block ", blocks.size() + 1, " is damaged"));
    }
    if (blocks.size() == kMaxPemBlocks)
      return absl::InvalidArgumentError(
          absl::StrCat("it has more than ", kMaxPemBlocks, " PEM blocks"));
    PemBlock& block = blocks.emplace_back();
    block.label = LabelOf(name.value);
    block.encrypted = block.label == "ENCRYPTED PRIVATE KEY" ||
                      LabelOf(header.value).find("ENCRYPTED") != std::string_view::npos;
    block.der.assign(reinterpret_cast<const char*>(data.value), static_cast<size_t>(bytes));
  }
}

std::string DerOf(const X509* certificate) {
  Owned<uint8_t> der;
  const int bytes = i2d_X509(const_cast<X509*>(certificate), &der.value);
  if (bytes <= 0) return "";
  return {reinterpret_cast<const char*>(der.value), static_cast<size_t>(bytes)};
}

absl::StatusOr<std::vector<bssl::UniquePtr<X509>>> ReadCertificates(std::string_view text) {
  absl::StatusOr<std::vector<PemBlock>> blocks = ReadPem(text);
  if (!blocks.ok()) return blocks.status();
  std::vector<bssl::UniquePtr<X509>> certificates;
  for (const PemBlock& block : *blocks) {
    if (block.label != "CERTIFICATE" && block.label != "X509 CERTIFICATE") continue;
    bssl::UniquePtr<X509> certificate = ParseCertificate(block.der);
    if (certificate == nullptr)
      return absl::InvalidArgumentError(
          absl::StrCat("its certificate ", certificates.size() + 1, " is damaged"));
    certificates.push_back(std::move(certificate));
  }
  if (certificates.empty())
    return absl::InvalidArgumentError("it holds no certificate in PEM form");
  return certificates;
}

int64_t SecondsOf(const ASN1_TIME* time) {
  const bssl::UniquePtr<ASN1_TIME> epoch(ASN1_TIME_set(nullptr, 0));
  int days = 0;
  int seconds = 0;
  const bool good = time != nullptr && epoch != nullptr &&
                    ASN1_TIME_diff(&days, &seconds, epoch.get(), time) == 1;
  ERR_clear_error();
  return good ? days * kDayS + seconds : 0;
}

int64_t SecondsOf(WallTime time) {
  return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
}

std::string TimeText(int64_t seconds) {
  const std::time_t time = seconds;
  std::tm parts{};
  std::array<char, 32> text{};
  if (::gmtime_r(&time, &parts) == nullptr) return absl::StrCat(seconds);
  const size_t bytes = std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts);
  return {text.data(), bytes};
}

std::string ContentId(const std::vector<std::string_view>& parts) {
  std::string all;
  for (const std::string_view part : parts)
    absl::StrAppend(&all, part.size(), ":", absl::string_view(part.data(), part.size()));
  std::string id = ToHex(Sha256(all));
  OPENSSL_cleanse(all.data(), all.size());
  return id;
}

}  // namespace lb::controlplane
