#include "controlplane/config/key_table.h"
#include "controlplane/config/tls_key_rows.h"

namespace lb::controlplane {
namespace {

using enum ValueType;

constexpr uint64_t kSecondMs = 1'000;
constexpr uint64_t kHourMs = 3'600 * kSecondMs;
constexpr uint64_t kDayMs = 24 * kHourMs;
constexpr uint64_t kMaxConnections = 1'000'000'000;
constexpr uint64_t kMaxNetworks = 100'000;
constexpr uint64_t kMaxSources = 64;              // Four million ports to one backend.
constexpr uint64_t kMaxRate = 1'000'000'000'000;  // Per second; 8 Tbit/s counting bytes.
constexpr uint64_t kMaxPeers = 1'000;
constexpr auto kNotYet = Built::kNotYet;
constexpr auto kBare = BareNumber::kAccepted;

// Each function is one part of the reference. clang-format would spread every row over eight lines.
// clang-format off

std::vector<KeySpec> RuleRows() {
  return {
      {.path = "rules", .type = kList, .description = "What is listened on, and where its connections go."},
      {.path = "rules[]", .type = kMap, .description = "One listening address and the backends behind it."},
      {.path = "rules[].name", .type = kName, .required = true, .min = 1, .max = 63, .description = "Unique name, used in metrics, logs and lbctl: letters, digits, '.', '_', '-'."},
      {.path = "rules[].listen", .type = kListen, .required = true, .description = "IP address and port that workers listen on: 0.0.0.0:8080, [::]:8080. [::] takes IPv6 alone: for IPv4 as well write a second rule on 0.0.0.0."},
      {.path = "rules[].backends", .type = kList, .may_be_one = true, .description = "Where connections go. An item is an address, or a map for more. Required, but where there are sni routes: there they are for clients that no route takes, and without any those are refused."},
      {.path = "rules[].backends[]", .type = kMap, .shorthand = "address", .description = "One address that connections are sent to."},
      {.path = "rules[].backends[].address", .type = kAddress, .description = "10.0.0.1:8080, [fd00::1]:8080, unix:/run/app.sock, a DNS name with a port, or an SRV name (_http._tcp.app.internal). Required, unless kubernetes is there."},
      {.path = "rules[].backends[].kubernetes", .type = kMap, .description = "Instead of an address: the endpoints of a Service of Kubernetes, each a backend with the keys that stand here, watched through the API server. See kubernetes-discovery.md."},
      {.path = "rules[].backends[].kubernetes.service", .type = kServiceName, .required = true, .min = 3, .max = 127, .description = "NAMESPACE/NAME of the Service."},
      {.path = "rules[].backends[].kubernetes.port", .type = kServicePort, .required = true, .min = 1, .max = 15, .description = "The name of the Service's port, or the number that the pods listen on."},
      {.path = "rules[].backends[].name", .type = kBackendName, .default_value = "the address, or NAMESPACE/NAME:PORT of the Service, '/' as '_'", .min = 1, .max = 260, .description = "Unique within the rule."},
      {.path = "rules[].backends[].weight", .type = kCount, .default_value = "1", .min = 0, .max = 65'535, .description = "Share of new connections, relative to the other backends; 0 takes none."},
      {.path = "rules[].backends[].max_connections", .type = kCount, .default_value = "backend_connection_limit", .min = 1, .max = kMaxConnections, .description = "Connections open at once to this backend, instead of the rule's backend_connection_limit."},
      {.path = "rules[].backends[].backup", .type = kBool, .default_value = "false", .description = "Takes connections only while every other backend is unhealthy, out of service or was tried in vain."},
      {.path = "rules[].backends[].zone", .type = kName, .built = kNotYet, .min = 1, .max = 63, .description = "Where the backend is; connections stay in the zone where they can."},
      {.path = "rules[].backend_connection_limit", .type = kMap, .shorthand = "limit", .description = "Connections open at once to each backend, all workers of the host together. A number, or a map. Absent: no limit."},
      {.path = "rules[].backend_connection_limit.limit", .type = kCount, .required = true, .min = 1, .max = kMaxConnections, .description = "The number of connections."},
      {.path = "rules[].backend_connection_limit.scope", .type = kChoice, .default_value = "node", .choices = {{"node"}, {"cluster"}}, .description = "Counted on this host, or over the whole cluster; also for the max_connections of its backends."},
      {.path = "rules[].max_connections", .type = kCount, .min = 1, .max = kMaxConnections, .description = "Connections of clients to the rule open at once, all workers of the host together. Absent: no limit."},
      {.path = "rules[].max_connections_per_client", .type = kCount, .min = 1, .max = kMaxConnections, .description = "Connections of one client (an IPv4 address, 64 bits of an IPv6 one) to the rule open at once, all workers of the host together. Absent: no limit."},
      {.path = "rules[].queue", .type = kMap, .description = "Where connections wait while every usable backend is at its limit, first in, first out. Absent: they are refused at once."},
      {.path = "rules[].queue.max", .type = kCount, .default_value = "1000", .min = 1, .max = 1'000'000, .description = "Connections waiting at once in one worker; more are refused."},
      {.path = "rules[].queue.timeout", .type = kDuration, .default_value = "5s", .min = 1, .max = kHourMs, .description = "How long one waits before it is refused."},
      {.path = "rules[].source", .type = kList, .default_value = "the kernel's choice", .max = kMaxSources, .description = "Addresses of this host that connections to backends come from. The next is taken when one has no port left; IPv4 is for IPv4 backends, IPv6 for IPv6."},
      {.path = "rules[].source[]", .type = kIp, .description = "An IP address, without a port."},
      {.path = "rules[].timeouts", .type = kMap, .description = "How long things may take."},
      {.path = "rules[].timeouts.connect", .type = kDuration, .default_value = "5s", .min = 1, .max = kHourMs, .description = "Connecting to one backend."},
      {.path = "rules[].timeouts.idle", .type = kDuration, .default_value = "10m", .min = 1, .max = 30 * kDayMs, .description = "No byte in either direction."},
      {.path = "rules[].timeouts.half_close", .type = kDuration, .default_value = "30s", .min = 1, .max = 30 * kDayMs, .description = "No byte after one side has ended its direction."},
      {.path = "rules[].timeouts.handshake", .type = kDuration, .default_value = "10s", .min = 1, .max = kHourMs, .description = "What a client must send before a backend is chosen for it: its whole PROXY header, its ClientHello, its part of a TLS handshake. A TLS handshake with a backend has as long, from its connect on."},
      {.path = "rules[].timeouts.max_duration", .type = kDuration, .built = kNotYet, .min = kSecondMs, .max = 365 * kDayMs, .description = "A connection's whole life."},
      {.path = "rules[].connect_attempts", .type = kCount, .default_value = "3", .min = 1, .max = 10, .description = "Backends tried for one connection, each another one."},
      {.path = "rules[].balance", .type = kChoice, .default_value = "weighted_round_robin", .choices = {{"weighted_round_robin"}, {"least_connections"}, {"random_two_choices"}, {"source_hash"}, {"maglev"}}, .description = "How a backend is chosen."},
      {.path = "rules[].hash_balance_factor", .type = kPercent, .min = 100, .max = 1'000, .description = "With source_hash and maglev: how much of its even share of the rule's open connections a backend may have before its next clients go to another. Absent: no bound."},
      {.path = "rules[].health_check", .type = kSection, .same_as = "health_check", .description = "Replaces the top level's health_check for this rule, key by key."},
      {.path = "rules[].rate_limit", .type = kSection, .same_as = "rate_limit", .description = "A limit of this rule alone, the top level's replaced key by key."},
      {.path = "rules[].access_log", .type = kBool, .default_value = "true", .description = "false: the access log has no line of this rule's connections."},
      {.path = "rules[].bandwidth_limit", .type = kSection, .same_as = "bandwidth_limit", .description = "A limit of this rule alone, the top level's replaced key by key."},
      {.path = "rules[].tls", .type = kSection, .same_as = "tls", .description = "Replaces the top level's tls for this rule, key by key."},
      {.path = "rules[].backend_tls", .type = kSection, .same_as = "backend_tls", .description = "Replaces the top level's backend_tls for this rule, key by key."},
  };
}

std::vector<KeySpec> RuleExtraRows() {
  return {
      {.path = "rules[].proxy_protocol", .type = kMap, .description = "The PROXY header of HAProxy, from clients and to backends."},
      {.path = "rules[].proxy_protocol.accept", .type = kSection, .default_value = "false", .shorthand = "enabled", .description = "true: every client must send a header, version 1 or 2, and is then who the header says. Who may connect past the proxy in front can be anybody: name the proxies in `from`."},
      {.path = "rules[].proxy_protocol.accept.enabled", .type = kBool, .default_value = "true", .description = "Turns the section on or off."},
      {.path = "rules[].proxy_protocol.accept.from", .type = kList, .default_value = "every client", .max = kMaxNetworks, .description = "The clients that must send a header; nobody else's is read."},
      {.path = "rules[].proxy_protocol.accept.from[]", .type = kCidr, .description = "A network, 10.0.0.0/8 or fd00::/8, or an address."},
      {.path = "rules[].proxy_protocol.accept.required", .type = kBool, .default_value = "true", .description = "Clients that are not in `from` are refused; false: they are taken as they are."},
      {.path = "rules[].proxy_protocol.send", .type = kChoice, .choices = {{"v1"}, {"v2"}}, .description = "The header sent to backends before the first byte: the client's address and the one it connected to. Absent: none."},
      {.path = "rules[].allow", .type = kList, .max = kMaxNetworks, .description = "Clients that may connect; no others. The longest network that holds a client, here or in `deny`, decides."},
      {.path = "rules[].allow[]", .type = kCidr, .description = "A network, 10.0.0.0/8 or fd00::/8, or an address."},
      {.path = "rules[].deny", .type = kList, .max = kMaxNetworks, .description = "Clients that may not connect. Without `allow`, all others may."},
      {.path = "rules[].deny[]", .type = kCidr, .description = "A network, 10.0.0.0/8 or fd00::/8, or an address."},
      {.path = "rules[].drain_timeout", .type = kDuration, .min = kSecondMs, .max = kDayMs, .description = "In which the connections of a backend are closed once an operator drains it, or a reload removes it or its rule: spread evenly over the last four fifths of that time, so that their clients do not all come back at once. Absent: they stay until they end."},
      {.path = "rules[].outlier_detection", .type = kSection, .description = "Leaves out backends that fail real connections: each worker for itself, as soon as connects fail or are reset before the first byte of an answer. A connection that was reset before any byte was passed on is tried on another backend. Absent: nobody is left out."},
      {.path = "rules[].outlier_detection.enabled", .type = kBool, .default_value = "true", .description = "Turns the section on or off."},
      {.path = "rules[].outlier_detection.failures", .type = kCount, .default_value = "5", .min = 1, .max = 1'000, .description = "Failures in a row after which a backend is left out; the first byte of an answer ends the row, and so does a clean close without one."},
      {.path = "rules[].outlier_detection.ejection_time", .type = kDuration, .default_value = "10s", .min = 1, .max = kDayMs, .description = "For how long it is left out the first time. Twice as long the second, and so on, up to ten times; each ejection_time without another one takes one step back."},
      {.path = "rules[].outlier_detection.max_ejected", .type = kPercent, .default_value = "50%", .min = 1, .max = 100, .description = "Most backends of the rule left out at once, rounded down; those of weight 0 do not count. Never the last usable one. To leave nobody out, turn the section off."},
      {.path = "rules[].outlier_detection.max_connect_time", .type = kDuration, .min = 1, .max = kHourMs, .description = "A connect that took longer counts as one more failure of the row (reason slow), though its connection goes on; its answer does not end the row. Shorter than timeouts.connect. Absent: only failures count."},
      {.path = "rules[].slow_start", .type = kDuration, .min = 1, .max = kDayMs, .description = "Time in which a backend that came back or was added grows from 10 % to its full share. Absent: at once."},
      {.path = "rules[].panic_threshold", .type = kPercent, .default_value = "0%", .min = 0, .max = 100, .description = "With fewer of the backends healthy than this, by number, all are used, healthy or not, lest the few drown; 0%: never. Backups, drained backends and those of weight 0 do not count; one that is not checked counts as healthy."},
  };
}

std::vector<KeySpec> HealthCheckRows() {
  return {
      {.path = "health_check", .type = kSection, .description = "Probes of every backend; one that fails takes no new connection."},
      {.path = "health_check.enabled", .type = kBool, .default_value = "true", .description = "Turns the section on or off."},
      {.path = "health_check.interval_ms", .type = kDuration, .bare = kBare, .default_value = "5000", .min = 10, .max = kDayMs, .description = "From one probe of a backend to its next, give or take 10 %. A bare number counts milliseconds."},
      {.path = "health_check.timeout_ms", .type = kDuration, .bare = kBare, .default_value = "1000", .min = 1, .max = kHourMs, .description = "One probe. A bare number counts milliseconds."},
      {.path = "health_check.protocol", .type = kChoice, .default_value = "tcp", .choices = {{"tcp"}, {"http"}, {"tls"}, {"grpc"}}, .description = "tcp: a connection is accepted, and with TLS the handshake succeeds. http: GET is answered with expect_status. tls: as tcp, always over TLS. grpc: grpc.health.v1.Health/Check is answered with SERVING."},
      {.path = "health_check.path", .type = kUrlPath, .default_value = "/", .min = 1, .max = 1'024, .description = "Path of the HTTP request."},
      {.path = "health_check.rise", .type = kCount, .default_value = "2", .min = 1, .max = 100, .description = "Good probes in a row after which a backend is healthy again."},
      {.path = "health_check.fall", .type = kCount, .default_value = "3", .min = 1, .max = 100, .description = "Failed probes in a row after which a backend is unhealthy."},
      {.path = "health_check.expect_status", .type = kCount, .default_value = "200", .min = 100, .max = 599, .description = "Status of a good HTTP answer."},
      {.path = "health_check.port", .type = kCount, .default_value = "the backend's", .min = 1, .max = 65'535, .description = "Port that is probed."},
      {.path = "health_check.tls", .type = kSection, .default_value = "as backend_tls", .description = "Probes over TLS, with the settings of the rule's backend_tls; where that is off, certificates are verified by ca, or the system's authorities. Absent: where the rule has backend_tls and probes go to the backend's own port."},
      {.path = "health_check.tls.enabled", .type = kBool, .default_value = "true", .description = "Turns the section on or off; false: probes are plain, whatever backend_tls says."},
      {.path = "health_check.tls.server_name", .type = kHostName, .default_value = "backend_tls.server_name", .min = 1, .max = kMaxHostNameBytes, .description = "Name that probes ask for and verify."},
      {.path = "health_check.tls.ca", .type = kFile, .default_value = "backend_tls.ca", .description = "Authorities that sign what probes are shown, PEM: for rules that pass TLS on, and for a check's own port."},
      {.path = "health_check.tls.ignore_verify", .type = kBool, .default_value = "backend_tls.ignore_verify", .description = "Probes take any certificate. They carry no secrets; who answers them is then not known."},
      {.path = "health_check.grpc", .type = kMap, .description = "What a probe with protocol: grpc asks."},
      {.path = "health_check.grpc.service", .type = kText, .default_value = "the whole server", .min = 1, .max = 255, .description = "Service that is asked about."},
  };
}

std::vector<KeySpec> DnsRows() {
  return {
      {.path = "dns", .type = kMap, .description = "How names of backends are resolved."},
      {.path = "dns.servers", .type = kList, .default_value = "those of /etc/resolv.conf", .description = "Name servers to ask."},
      {.path = "dns.servers[]", .type = kServer, .description = "IP address, with a port if it is not 53."},
      {.path = "dns.timeout", .type = kDuration, .default_value = "2s", .min = 10, .max = 60 * kSecondMs, .description = "One query to one server."},
      {.path = "dns.min_ttl", .type = kDuration, .default_value = "1s", .min = 100, .max = kDayMs, .description = "An answer is kept at least so long, whatever it says."},
      {.path = "dns.max_ttl", .type = kDuration, .default_value = "5m", .min = 100, .max = kDayMs, .description = "An answer is kept at most so long, whatever it says."},
  };
}

std::vector<KeySpec> KubernetesRows() {
  return {
      {.path = "kubernetes", .type = kMap, .description = "Where the API server is that backends with kubernetes come from. In a pod nothing of this is needed."},
      {.path = "kubernetes.api_server", .type = kApiServer, .default_value = "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT of the environment", .min = 1, .max = 270, .description = "https://HOST:PORT, HOST an IP address or a DNS name, port 443 unless it says another. http:// only to a loopback address, as kubectl proxy serves it."},
      {.path = "kubernetes.token_file", .type = kFile, .default_value = "/var/run/secrets/kubernetes.io/serviceaccount/token", .description = "File of the token that is shown to it, read anew for each request. Without a file at the default place none is shown."},
      {.path = "kubernetes.ca_file", .type = kFile, .default_value = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt", .description = "Authorities that sign its certificate, PEM, read anew for each request."},
  };
}

std::vector<KeySpec> LimitRows() {
  return {
      {.path = "rate_limit", .type = kSection, .description = "New connections from one client, all workers together, of all hosts of a cluster. One bucket per client over all rules without a section of their own; a rule's section counts for that rule alone."},
      {.path = "rate_limit.enabled", .type = kBool, .default_value = "true", .description = "Turns the section on or off."},
      {.path = "rate_limit.requests_per_second", .type = kEventRate, .bare = kBare, .min = 1, .max = 1'000'000, .description = "New connections per second from one client. Required where the section is on."},
      {.path = "rate_limit.burst", .type = kCount, .default_value = "requests_per_second", .min = 1, .max = 1'000'000, .description = "Connections at once after a quiet time."},
      {.path = "rate_limit.key", .type = kMap, .description = "What one client is."},
      {.path = "rate_limit.key.ipv4", .type = kCount, .default_value = "32", .min = 8, .max = 32, .description = "Prefix length of IPv4 clients."},
      {.path = "rate_limit.key.ipv6", .type = kCount, .default_value = "64", .min = 16, .max = 64, .description = "Prefix length of IPv6 clients. What is behind 64 bits is free for a client to choose."},
      {.path = "rate_limit.key.client_cert", .type = kBool, .default_value = "false", .description = "A second limit of the same size for each identity of a client certificate, asked after the handshake, wherever its connections come from. Needs tls.client_auth."},
      {.path = "rate_limit.enforce", .type = kChoice, .default_value = "on", .choices = {{"on"}, {"shadow"}, {"off"}}, .description = "shadow: what would be refused is counted, and nothing is refused."},
      {.path = "rate_limit.on_refuse", .type = kChoice, .default_value = "reset", .choices = {{"reset"}, {"close"}}, .description = "What a refused client sees: a reset, or an end without a byte."},
      {.path = "rate_limit.max_clients", .type = kCount, .default_value = "1000000", .min = 1'000, .max = 50'000'000, .description = "Clients whose buckets are not full that one worker keeps, 32 bytes each. With more, the one least in debt gives way to a new one, which takes over its debt."},
      {.path = "bandwidth_limit", .type = kSection, .description = "Bytes per second, all workers of the host together, or of the cluster. The limit of a client is one over all rules without a section of their own; a rule's section counts for that rule alone."},
      {.path = "bandwidth_limit.enabled", .type = kBool, .default_value = "true", .description = "Turns the section on or off."},
      {.path = "bandwidth_limit.scope", .type = kChoice, .default_value = "node", .choices = {{"node"}, {"cluster"}}, .description = "Counted on this host, or over the whole cluster, of clients and backends alike."},
      {.path = "bandwidth_limit.client", .type = kMap, .description = "Of one client (an IPv4 address, 64 bits of an IPv6 one), all its connections together."},
      {.path = "bandwidth_limit.client.upload_per_sec", .type = kByteRate, .bare = kBare, .min = 1, .max = kMaxRate, .description = "From the client."},
      {.path = "bandwidth_limit.client.download_per_sec", .type = kByteRate, .bare = kBare, .min = 1, .max = kMaxRate, .description = "To the client."},
      {.path = "bandwidth_limit.client.burst", .type = kSize, .default_value = "what passes in 250 ms, at least 64 KiB", .min = 1, .max = kMaxRate, .description = "Bytes at once after a quiet time, each way."},
      {.path = "bandwidth_limit.backend", .type = kMap, .same_as = "bandwidth_limit.client", .description = "Of one backend, all connections to it together."},
  };
}

std::vector<KeySpec> ClusterRows() {
  return {
      {.path = "cluster", .type = kSection, .description = "Membership of several hosts, found and watched by gossip (SWIM, as memberlist speaks it, so that Serf's tools may join, too)."},
      {.path = "cluster.enabled", .type = kBool, .default_value = "true", .description = "Turns the section on or off."},
      {.path = "cluster.bind_addr", .type = kListen, .default_value = "0.0.0.0:7946", .description = "Where gossip is listened for, UDP and TCP."},
      {.path = "cluster.peers", .type = kList, .max = kMaxPeers, .description = "Members to join by; one that answers is enough. Those that do not are called again for ever. Empty: others join by this one."},
      {.path = "cluster.peers[]", .type = kAddress, .description = "Address or DNS name with a port, or an SRV name. Of a name every address counts, looked up again and again."},
      {.path = "cluster.name", .type = kName, .default_value = "--node-id, else the host's name", .min = 1, .max = 63, .description = "Name of this member, unique in the cluster."},
      {.path = "cluster.label", .type = kText, .min = 1, .max = 255, .description = "Keeps clusters apart that could reach each other: who has another one is not heard."},
      {.path = "cluster.key", .type = kSecret, .min = 1, .max = 64, .description = "Base64 of 16, 24 or 32 bytes, with which all members seal what they say. Without a key anybody who reaches bind_addr is believed."},
      {.path = "cluster.key_file", .type = kFile, .description = "File of keys instead, one a line, at most 4: the first seals, all of them open. Lines that begin with '#' do not count. A change of it is taken at once, so that keys can be changed without a gap."},
      {.path = "cluster.advertise_addr", .type = kListen, .default_value = "bind_addr; of 0.0.0.0 and [::] an address of this host", .description = "Where others reach this member."},
      {.path = "cluster.delegate", .type = kChoice, .default_value = "serf", .choices = {{"serf"}, {"plain"}}, .description = "Beside whom it can be a member: serf: Serf's agents; plain: programs with nothing but memberlist. All members need the same."},
      {.path = "cluster.usage_bind_addr", .type = kListen, .default_value = "the gossip port plus 1", .description = "UDP, where members tell each other what limits are used of. Only what members sealed is taken there."},
      {.path = "cluster.on_partition", .type = kChoice, .default_value = "divide", .choices = {{"divide"}, {"local"}}, .description = "Limits while members do not hear each other. divide: each part of the cluster has its share by members, the larger one all of it. local: each part has all of it."},
      {.path = "cluster.overcommit", .type = kRatio, .default_value = "2.0", .min = 1'000, .max = 100'000, .description = "How far a burst may pass the limit of rate_limit after a quiet time, over all workers of all hosts; 1 is strict."},
      {.path = "cluster.minority", .type = kChoice, .default_value = "share", .choices = {{"share"}, {"full"}}, .description = "Limits of the smaller part of a split cluster: its share by members, or all of it."},
      {.path = "cluster.reclaim_after", .type = kDuration, .default_value = "60s", .min = 1, .max = kDayMs, .description = "A member that failed is counted for so long when it is asked which part of a split cluster is the larger one."},
      {.path = "cluster.forget_after", .type = kDuration, .default_value = "10m", .min = 1, .max = 365 * kDayMs, .description = "When the others take what a member that failed or left had of a backend_connection_limit with scope cluster: its workers may serve on for so long."},
      {.path = "access_log", .type = kLogFile, .default_value = "off", .min = 1, .max = 4'095, .description = "Where each worker writes one line, a JSON object, for every connection that ended or was refused: a file by its absolute path, stdout or stderr; off or false: nowhere. Traffic never waits for it. See operations.md."},
      {.path = "api", .type = kMap, .built = kNotYet, .description = "Where the programs' interfaces are; the same as the flags."},
      {.path = "api.worker", .type = kText, .min = 1, .max = 255, .description = "As --worker-api."},
      {.path = "api.admin", .type = kText, .min = 1, .max = 255, .description = "As --admin-api."},
      {.path = "api.http", .type = kText, .min = 1, .max = 255, .description = "As --http."},
  };
}

// clang-format on

}  // namespace

const std::vector<KeySpec>& KeyRows() {
  static const std::vector<KeySpec> rows = [] {
    std::vector<KeySpec> all;
    for (const std::vector<KeySpec>& part :
         {RuleRows(), RuleExtraRows(), SniRows(), HealthCheckRows(), DnsRows(), KubernetesRows(),
          LimitRows(), TlsRows(), BackendTlsRows(), ClusterRows()})
      all.insert(all.end(), part.begin(), part.end());
    return all;
  }();
  return rows;
}

}  // namespace lb::controlplane
