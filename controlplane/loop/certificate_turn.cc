#include "controlplane/loop/certificate_turn.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "controlplane/loop/event_turn.h"
#include "controlplane/tls/pem.h"

namespace lb::controlplane {
namespace {

// Events of one turn about files; the rest is counted in one more.
constexpr size_t kMaxEvents = 20;
constexpr size_t kMaxShownNames = 3;

using BadFiles = std::map<std::string, std::string>;

// How often it is looked whose end has come near, at least: the clock of the host may be set.
constexpr std::chrono::hours kLookEvery{1};

const char* KindText(CertificateKey::Kind kind) {
  switch (kind) {
    case CertificateKey::Kind::kServer:
      return "server";
    case CertificateKey::Kind::kBackend:
      return "backend";
    case CertificateKey::Kind::kAuthority:
      return "authority";
    case CertificateKey::Kind::kRevocation:
      break;
  }
  return "revocation";
}

LogFields FieldsOf(const CertificateKey& key, const CertificateEntry& entry) {
  LogFields fields{{"file", key.file}, {"kind", KindText(key.kind)}};
  const CertificateFacts& facts = entry.facts;
  if (!facts.subject.empty()) fields.emplace_back("subject", facts.subject);
  if (facts.subject.empty()) fields.emplace_back("issuer", facts.issuer);
  if (!facts.dns_names.empty()) {
    const size_t shown = std::min(facts.dns_names.size(), kMaxShownNames);
    std::string names = absl::StrJoin(facts.dns_names.begin(),
                                      facts.dns_names.begin() + static_cast<ptrdiff_t>(shown), " ");
    if (shown < facts.dns_names.size())
      absl::StrAppend(&names, " and ", facts.dns_names.size() - shown, " more");
    fields.emplace_back("names", std::move(names));
  }
  if (facts.not_after_s != 0) fields.emplace_back("expires", TimeText(facts.not_after_s));
  return fields;
}

LogFields FieldsOfResponse(const CertificateKey& key, const CertificateEntry& entry) {
  return {{"file", entry.ocsp_file},
          {"kind", "ocsp"},
          {"certificate", key.file},
          {"expires", TimeText(entry.ocsp_next_update_s)}};
}

const char* NoticeText(const ExpiryNotice& notice) {
  const bool over = notice.days_left == 0;
  if (notice.response)
    return over ? "an OCSP response is past its next update; it is stapled no more"
                : "an OCSP response ends soon; it is not renewed";
  if (over && notice.key.kind == CertificateKey::Kind::kRevocation)
    return "a revocation list in force is past its next update; certificates of its issuer are "
           "refused";
  return over ? "a file of TLS in force has expired"
              : "a file of TLS in force expires soon; it is not renewed";
}

// When the next end comes near.
Instant NextLook(const Parts& parts, Instant now) {
  if (parts.certificates.entries().empty()) return Instant::max();
  const WallTime wall = WallOf(now, parts);
  const int64_t now_s = SecondsOf(wall);
  const auto within = std::chrono::seconds(kLookEvery).count();
  const int64_t next_s = ExpiryNotices::SecondsToNext(parts.certificates, now_s);
  if (next_s >= within) return now + kLookEvery;
  return now + std::chrono::seconds(next_s) - (wall - WallTime(std::chrono::seconds(now_s)));
}

void EmitMore(const char* kind, LogLevel level, size_t total, Turn& turn) {
  if (total > kMaxEvents)
    turn.Emit(kind, "", level, "more files of TLS likewise",
              {{"files", absl::StrCat(total - kMaxEvents)}});
}

void EmitLoaded(const std::vector<CertificateKey>& keys, const Parts& parts, Turn& turn) {
  for (size_t i = 0; i < std::min(keys.size(), kMaxEvents); ++i)
    turn.Emit("certificate.loaded", CertificateName(keys[i].file), LogLevel::kInfo,
              "a file of TLS came into force",
              FieldsOf(keys[i], parts.certificates.entries().at(keys[i])));
  EmitMore("certificate.loaded", LogLevel::kInfo, keys.size(), turn);
}

// Whether rules are left out since this file was never good.
bool IsMissed(const std::string& file, const Parts& parts) {
  for (const auto& [key, entry] : parts.certificates.entries())
    if (entry.id.empty() && (key.file == file || entry.key_file == file)) return true;
  return false;
}

// Whether what is in force names this file.
bool IsNamed(const std::string& file, const Parts& parts) {
  for (const auto& [key, entry] : parts.certificates.entries())
    if (key.file == file || entry.key_file == file || entry.ocsp_file == file) return true;
  return false;
}

// Tells of files that were refused and are good now; of those that nobody names any more, nothing.
void EmitMended(const BadFiles& bad, const Parts& parts, Turn& turn) {
  size_t mended = 0;
  for (const auto& [file, problem] : parts.refused_files) {
    if (bad.contains(file) || !IsNamed(file, parts) || ++mended > kMaxEvents) continue;
    turn.Emit("certificate.mended", CertificateName(file), LogLevel::kInfo,
              "a file of TLS that was refused is good again", {{"file", file}});
  }
  EmitMore("certificate.mended", LogLevel::kInfo, mended, turn);
}

// Tells of files that are no good; of those that were told before only when `again`.
void Refuse(BadFiles bad, bool again, Parts& parts, Turn& turn) {
  parts.certificates.Refuse(bad);
  EmitMended(bad, parts, turn);
  size_t news = 0;
  for (const auto& [file, problem] : bad) {
    const auto before = parts.refused_files.find(file);
    const bool told = before != parts.refused_files.end() && before->second == problem;
    if ((told && !again) || ++news > kMaxEvents) continue;
    turn.Emit("certificate.refused", CertificateName(file), LogLevel::kError,
              IsMissed(file, parts) ? "a file of TLS is refused; what needs it is left out"
                                    : "a file of TLS is refused; what is in force stays",
              {{"file", file}, {"problem", problem}});
  }
  EmitMore("certificate.refused", LogLevel::kError, news, turn);
  parts.refused_files = std::move(bad);
}

void EmitNotices(const std::vector<ExpiryNotice>& notices, const Parts& parts, Turn& turn) {
  size_t emitted = 0;
  for (const ExpiryNotice& notice : notices) {
    if (++emitted > kMaxEvents) break;
    const bool over = notice.days_left == 0;
    const CertificateEntry& entry = parts.certificates.entries().at(notice.key);
    LogFields fields =
        notice.response ? FieldsOfResponse(notice.key, entry) : FieldsOf(notice.key, entry);
    if (!over) fields.emplace_back("days_left", absl::StrCat(notice.days_left, " or less"));
    turn.Emit(over ? "certificate.expired" : "certificate.expiring",
              CertificateName(notice.key.file), over ? LogLevel::kError : LogLevel::kWarn,
              NoticeText(notice), std::move(fields));
  }
  EmitMore("certificate.expiring", LogLevel::kWarn, notices.size(), turn);
}

}  // namespace

void TakeMaterial(const ConfigRead& read, Parts& parts, Turn& turn) {
  static const TlsMaterial kNone;
  const TlsMaterial* const before = parts.material.get();
  const TlsMaterial* const now = read.material.get();
  const bool same = before == now || (before != nullptr && now != nullptr && *before == *now);
  parts.material_is_new |= !same;
  parts.material = read.material;
  EmitLoaded(parts.certificates.Take(*read.config, now == nullptr ? kNone : *now, read.time,
                                     read.left_out),
             parts, turn);
  Refuse(read.bad_files, !read.only_files, parts, turn);
  parts.next_certificate_look = turn.now;
}

void RefuseMaterial(const ConfigRead& read, Parts& parts, Turn& turn) {
  const Revision* running = parts.history.newest();
  BadFiles bad = read.bad_files;
  // What an edit does not name, or does not come to name, is no better for it.
  if (running == nullptr || running->digest != read.digest)
    bad.insert(parts.refused_files.begin(), parts.refused_files.end());
  Refuse(std::move(bad), !read.only_files, parts, turn);
}

void StepCertificates(Parts& parts, Turn& turn) {
  if (turn.now < parts.next_certificate_look) return;
  parts.next_certificate_look = NextLook(parts, turn.now);
  EmitNotices(parts.expiry_notices.Take(parts.certificates, WallOf(turn.now, parts)), parts, turn);
}

Instant NextCertificateDeadline(const Parts& parts) { return parts.next_certificate_look; }

}  // namespace lb::controlplane
