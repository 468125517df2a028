#include "dataplane/tls/server_context.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/sha256.h"
#include "dataplane/tls/suites.h"

namespace lb::dataplane::tls {
namespace {

// What clients are told that a ticket is good for (RFC 8446 section 4.6.1): as long as the oldest
// one that its key made is taken, with keys that change every 8 hours and two old ones.
constexpr uint32_t kTicketLifetimeS = 16 * 60 * 60;

// What tickets are bound to: the rule, and whose certificates it takes.
std::string BindingOf(const ServerContext::Settings& settings) {
  return absl::StrCat("lb ticket\n", settings.rule, "\n", settings.trust_id, "\n",
                      settings.requires_certificate ? "required" : "");
}

}  // namespace

int ServerContext::SharedIndex() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, FreeShared);
  return index;
}

void ServerContext::FreeShared(void*, void* shared, CRYPTO_EX_DATA*, int, long, void*) {  // NOLINT
  const std::unique_ptr<Shared> gone(static_cast<Shared*>(shared));
}

ServerContext::ServerContext(Settings settings, std::shared_ptr<const TicketKeys> ticket_keys)
    : asks_clients_(settings.trust != nullptr), context_(SSL_CTX_new(TLS_method())) {
  SSL_CTX* const context = context_.get();
  LB_CHECK(context != nullptr);
  const std::string binding = BindingOf(settings);
  const std::string alpn = AlpnWire(settings.alpn);
  std::unique_ptr<Shared> made(
      new Shared{std::move(settings), alpn, TicketSealer(std::move(ticket_keys), binding)});
  Shared* const shared = made.release();  // The SSL_CTX owns it.
  LB_CHECK(SSL_CTX_set_ex_data(context, SharedIndex(), shared) == 1);
  SetSuites(context, shared->settings.only_1_3);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);  // Tickets say it all.
  SSL_CTX_set_timeout(context, kTicketLifetimeS);
  SSL_CTX_set_session_psk_dhe_timeout(context, kTicketLifetimeS);
  const std::string id = Sha256(binding);
  LB_CHECK(SSL_CTX_set_session_id_context(context, reinterpret_cast<const uint8_t*>(id.data()),
                                          id.size()) == 1);
  shared->sealer.Install(context);
  SSL_CTX_set_select_certificate_cb(context, ChooseCertificate);
  SSL_CTX_set_tlsext_servername_callback(context, CheckName);
  SSL_CTX_set_tlsext_servername_arg(context, shared);
  if (!alpn.empty()) SSL_CTX_set_alpn_select_cb(context, ChooseProtocol, shared);
  const Trust* const trust = shared->settings.trust.get();
  if (trust == nullptr) return;
  trust->Install(context);
  trust->Announce(context);
  if (shared->settings.requires_certificate)
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
}

bssl::UniquePtr<SSL> ServerContext::NewSsl() const {
  bssl::UniquePtr<SSL> ssl(SSL_new(context_.get()));
  LB_CHECK(ssl != nullptr);
  SSL_set_accept_state(ssl.get());
  SSL_set_shed_handshake_config(ssl.get(), 1);  // A third of what an idle connection would hold.
  return ssl;
}

const ServerContext::Shared& ServerContext::Of(const SSL* ssl) {
  return *static_cast<const Shared*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), SharedIndex()));
}

ssl_select_cert_result_t ServerContext::ChooseCertificate(const SSL_CLIENT_HELLO* hello) {
  const char* const name = SSL_get_servername(hello->ssl, TLSEXT_NAMETYPE_host_name);
  const Certificates::Choice choice =
      Of(hello->ssl).settings.certificates->Choose(name == nullptr ? "" : name, *hello);
  return ShowPair(*choice.pair, hello->ssl) ? ssl_select_cert_success : ssl_select_cert_error;
}

// Called behind ChooseCertificate, where an alert of its own can be told.
int ServerContext::CheckName(SSL* ssl, int* alert, void* shared) {
  const Settings& settings = static_cast<const Shared*>(shared)->settings;
  if (!settings.strict_sni) return SSL_TLSEXT_ERR_OK;
  const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name != nullptr && settings.certificates->Has(name)) return SSL_TLSEXT_ERR_OK;
  *alert = SSL_AD_UNRECOGNIZED_NAME;
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

int ServerContext::ChooseProtocol(SSL*, const uint8_t** out, uint8_t* out_bytes, const uint8_t* in,
                                  unsigned in_bytes, void* shared) {
  const std::string& ours = static_cast<const Shared*>(shared)->alpn;
  uint8_t* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_bytes, reinterpret_cast<const uint8_t*>(ours.data()),
                            static_cast<unsigned>(ours.size()), in,
                            in_bytes) != OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace lb::dataplane::tls
