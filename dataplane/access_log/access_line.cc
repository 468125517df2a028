#include "dataplane/access_log/access_line.h"

#include <chrono>
#include <cstdint>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "base/endpoint.h"
#include "base/utf8.h"

namespace lb::dataplane {
namespace {

constexpr size_t kMaxTextBytes = 1'024;  // Of one name; names are far shorter.

const char* NameOf(AccessRecord::Phase phase) {
  switch (phase) {
    case AccessRecord::Phase::kAccept:
      return "accept";
    case AccessRecord::Phase::kHeader:
      return "header";
    case AccessRecord::Phase::kHello:
      return "hello";
    case AccessRecord::Phase::kHandshake:
      return "handshake";
    case AccessRecord::Phase::kQueue:
      return "queue";
    case AccessRecord::Phase::kConnect:
      return "connect";
    case AccessRecord::Phase::kData:
      return "data";
    case AccessRecord::Phase::kLast:
      break;
  }
  return "last";
}

// RFC 8259 section 7.
void AppendText(std::string_view text, std::string& out) {
  out += '"';
  for (const char c : CutUtf8(text, kMaxTextBytes)) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20)
      absl::StrAppendFormat(&out, "\\u%04x", static_cast<unsigned>(c));
    else
      out += c;
  }
  out += '"';
}

std::optional<Endpoint> EndpointOf(const std::optional<proxy::Address>& address) {
  if (!address) return std::nullopt;
  const auto endpoint = Endpoint::FromSocketAddress(address->ToSocketAddress());
  return endpoint.ok() ? std::optional(*endpoint) : std::nullopt;
}

// Appends ,"key":VALUE.
class Fields final {
 public:
  explicit Fields(std::string& out) : out_(out) {}

  void Text(const char* key, std::string_view value) {
    Key(key);
    AppendText(value, out_);
  }
  void Number(const char* key, uint64_t value) {
    Key(key);
    absl::StrAppend(&out_, value);
  }
  // null when it is empty.
  void TextOrNull(const char* key, std::string_view value) {
    if (value.empty()) return Nulls({key});
    Text(key, value);
  }
  void Bool(const char* key, bool value) {
    Key(key);
    out_ += value ? "true" : "false";
  }
  void Milliseconds(const char* key, const std::optional<Duration>& value) {
    Key(key);
    if (!value) return Null();
    absl::StrAppend(&out_, std::chrono::floor<std::chrono::milliseconds>(*value).count());
  }
  void Address(const char* key, const std::optional<proxy::Address>& value) {
    const std::optional<Endpoint> endpoint = EndpointOf(value);
    if (endpoint) return Text(key, endpoint->ToString());
    Key(key);
    Null();
  }
  // Host and port apart: who counts by client does not want the port.
  void Client(const std::optional<proxy::Address>& value) {
    const std::optional<Endpoint> endpoint = EndpointOf(value);
    if (endpoint) {
      Text("client", endpoint->host());
      return Number("client_port", endpoint->port());
    }
    Nulls({"client", "client_port"});
  }
  void Nulls(std::initializer_list<const char*> keys) {
    for (const char* key : keys) {
      Key(key);
      Null();
    }
  }

 private:
  void Key(const char* key) { absl::StrAppend(&out_, ",\"", key, "\":"); }
  void Null() { out_ += "null"; }

  std::string& out_;
};

void AppendTls(const tls::Facts& facts, Fields& fields) {
  fields.TextOrNull("sni", facts.sni);
  fields.TextOrNull("alpn", facts.alpn);
  fields.TextOrNull("tls_version", facts.version);
  fields.TextOrNull("tls_cipher", facts.cipher);
  fields.TextOrNull("client_identity", facts.client_identity);
  fields.Bool("tls_resumed", facts.resumed);
  fields.TextOrNull("backend_tls_version", facts.backend_version);
  fields.TextOrNull("tls_failure", facts.failure);
}

std::string IdOf(int64_t began_ms, Prng& ids) {
  constexpr uint64_t kVersion = 7u << 12;
  constexpr uint64_t kVariant = uint64_t{1} << 63;
  const uint64_t high = static_cast<uint64_t>(began_ms) << 16 | kVersion | ids.Below(1u << 12);
  const uint64_t low = kVariant | ids.Next() >> 2;
  return absl::StrCat(absl::Hex(high, absl::kZeroPad16), absl::Hex(low, absl::kZeroPad16));
}

}  // namespace

void AppendAccessLine(const AccessRecord& record, std::string_view worker, WallTime began,
                      Prng& ids, std::string& out) {
  const int64_t began_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(began.time_since_epoch()).count();
  absl::StrAppend(
      &out, "{\"ts\":\"",
      absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::FromUnixMillis(began_ms), absl::UTCTimeZone()),
      "\"");
  Fields fields(out);
  fields.Text("id", IdOf(began_ms, ids));
  fields.Text("worker", worker);
  fields.Text("rule", record.rule->name);
  if (record.backend) {
    const BackendTable& backend = record.rule->backends[*record.backend];
    fields.Text("backend", backend.name);
    fields.Text("backend_address", backend.endpoint.ToString());
  } else {
    fields.Nulls({"backend", "backend_address"});
  }
  fields.Client(record.client);
  fields.Address("peer", record.peer);
  fields.Address("listen", record.listen);
  fields.Address("source", record.source);
  fields.Number("received_bytes", record.received_bytes);
  fields.Number("sent_bytes", record.sent_bytes);
  fields.Milliseconds("queue_ms", record.queued);
  fields.Milliseconds("connect_ms", record.connected_after);
  fields.Milliseconds("first_byte_ms", record.first_byte_after);
  fields.Milliseconds("duration_ms", record.duration);
  fields.Number("attempts", record.attempts);
  fields.Text("close", record.reason);
  fields.Text("phase", NameOf(record.phase));
  if (record.tls != nullptr) AppendTls(*record.tls, fields);
  out += "}\n";
}

}  // namespace lb::dataplane
