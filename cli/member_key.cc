#include "cli/member_key.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "cli/operation.h"
#include "cli/resource.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "cli/text.h"

namespace lb::cli {
namespace {

using api::ChangeKeyRequest;
using api::MemberKeys;

// Members have up to 13 s to answer, in large clusters.
constexpr std::chrono::seconds kAnswerWait{15};
constexpr size_t kFingerprintDigits = 8;
constexpr size_t kMaxKeyFileBytes = 4'096;

absl::StatusOr<std::unique_ptr<AdminClient>> Connect(const Globals& globals) {
  const auto timeout = std::max<std::chrono::milliseconds>(globals.timeout, kAnswerWait);
  return AdminClient::Connect({globals.endpoints, timeout, globals.verbose});
}

bool IsFingerprint(const std::string& word) {
  return word.size() == kFingerprintDigits &&
         std::all_of(word.begin(), word.end(),
                     [](unsigned char c) { return absl::ascii_isxdigit(c); });
}

// The first line of a file that is neither empty nor a comment, as in cluster.key_file.
absl::StatusOr<std::string> ReadKeyFile(const std::string& path) {
  std::string text;
  if (path == "-") {
    text = ReadLine();
  } else {
    std::ifstream file(path, std::ios::binary);
    if (!file) return absl::NotFoundError(absl::StrCat("cannot read ", Escape(path)));
    text.assign(std::istreambuf_iterator<char>(file), {});
    if (text.size() > kMaxKeyFileBytes)
      return UsageError(absl::StrCat(Escape(path), " is no file with one key: it is too long"));
  }
  std::vector<std::string> keys;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    line = absl::StripAsciiWhitespace(line);
    if (!line.empty() && line.front() != '#') keys.emplace_back(line);
  }
  if (keys.size() == 1) return keys[0];
  return UsageError(absl::StrCat(path == "-" ? "stdin" : Escape(path), " has ", keys.size(),
                                 " keys, not the one that is meant"));
}

absl::StatusOr<ChangeKeyRequest> RequestOf(const KeyOptions& options) {
  ChangeKeyRequest request;
  request.set_action(options.action);
  request.set_validate_only(options.dry_run);
  if (!options.file.empty()) {
    if (!options.words.empty()) return UsageError("the key is said twice: there and in --key-file");
    LB_ASSIGN_OR_RETURN(*request.mutable_key(), ReadKeyFile(options.file));
    return request;
  }
  if (options.words.size() != 1)
    return UsageError("one key is wanted", "as base64, or by --key-file FILE (- is stdin)");
  if (IsFingerprint(options.words[0]))
    request.set_fingerprint(absl::AsciiStrToLower(options.words[0]));
  else
    request.set_key(options.words[0]);
  return request;
}

Cell ResultCell(const MemberKeys& member) {
  switch (member.result()) {
    case MemberKeys::RESULT_DONE:
      return {"OK", Tone::kGood};
    case MemberKeys::RESULT_FAILED:
      return {absl::StrCat("FAILED: ", member.error()), Tone::kBad};
    case MemberKeys::RESULT_NO_ANSWER:
      return {"NO ANSWER", Tone::kBad};
    default:
      return {};
  }
}

// "1f2e3d4c* (32 bytes), 99aa88bb (16 bytes)"
std::string KeysText(const MemberKeys& member) {
  std::string out;
  for (const api::ClusterKey& key : member.keys())
    absl::StrAppend(&out, out.empty() ? "" : ", ", key.fingerprint(), key.primary() ? "*" : "",
                    " (", key.bytes(), " bytes)");
  return out;
}

template <typename Members>
ExitCode Print(const Globals& globals, const google::protobuf::Message& response,
               const Members& members, bool dry_run) {
  const bool structured = globals.output == Output::kJson || globals.output == Output::kYaml;
  size_t missing = 0;
  Table table({{"MEMBER"}, {"RESULT"}, {"KEYS"}});
  for (const MemberKeys& member : members) {
    table.Add({{Leaf(member.member())}, ResultCell(member), {KeysText(member)}});
    if (member.result() != MemberKeys::RESULT_DONE && !dry_run) ++missing;
  }
  if (structured)
    PrintList(globals, "MemberKeysList", "members", response);
  else
    WriteOut(table.Render({globals.headers, globals.color, StdoutSize().columns}));
  if (missing == 0) return ExitCode::kDone;
  if (!globals.quiet)
    WriteErr(absl::StrCat(missing, " of ", members.size(),
                          " members did not do it, or did not say so: look before you go on, with "
                          "lbctl member key list\n"));
  return ExitCode::kPartly;
}

absl::Status CheckOutput(const Globals& globals) {
  if (globals.output == Output::kName) return UsageError("-o name is not for member key");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ExitCode> RunMemberKeyList(const Globals& globals) {
  LB_RETURN_IF_ERROR(CheckOutput(globals));
  LB_ASSIGN_OR_RETURN(auto client, Connect(globals));
  LB_ASSIGN_OR_RETURN(const api::ListKeysResponse response, client->ListKeys());
  const ExitCode code = Print(globals, response, response.members(), false);
  if (response.keys_ordered() && !globals.quiet)
    WriteErr(
        "keys set by lbctl hold instead of the configuration's: bring cluster.key or key_file "
        "up to date\n");
  return code;
}

absl::StatusOr<ExitCode> RunMemberKeyChange(const Globals& globals, const KeyOptions& options) {
  LB_RETURN_IF_ERROR(CheckOutput(globals));
  LB_ASSIGN_OR_RETURN(const ChangeKeyRequest request, RequestOf(options));
  LB_ASSIGN_OR_RETURN(auto client, Connect(globals));
  LB_ASSIGN_OR_RETURN(const api::ChangeKeyResponse response, client->ChangeKey(request));
  if (!globals.quiet)
    WriteErr(absl::StrCat(options.dry_run ? "dry run: would be asked, of key " : "key ",
                          Escape(response.key().fingerprint()), " (", response.key().bytes(),
                          " bytes)\n"));
  return Print(globals, response, response.members(), options.dry_run);
}

}  // namespace lb::cli
