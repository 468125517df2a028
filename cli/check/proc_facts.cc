#include "cli/check/proc_facts.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <memory>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/unique_fd.h"

namespace lb::cli {
namespace {

// A table of sockets may be long; what is beyond is not looked at.
constexpr size_t kProcBytesMax = 64 << 20;
constexpr size_t kCommandLineBytesMax = 1 << 20;

using Words = std::vector<std::string>;

std::optional<std::string> ReadFile(const std::string& path, size_t bytes_max = kProcBytesMax) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return std::nullopt;
  std::string text;
  std::array<char, 65536> buffer;
  while (text.size() < bytes_max) {
    const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;
    if (got == 0) break;
    text.append(buffer.data(), static_cast<size_t>(got));
  }
  return text;
}

Words SplitWords(std::string_view text) {
  return absl::StrSplit(absl::string_view(text.data(), text.size()), absl::ByAnyChar(" \t\n"),
                        absl::SkipEmpty());
}

std::optional<uint64_t> ToNumber(const std::string& text) {
  uint64_t number = 0;
  if (!absl::SimpleAtoi(text, &number)) return std::nullopt;
  return number;
}

// The words of a file, none when it cannot be read.
Words ReadWords(const std::string& path) {
  const std::optional<std::string> text = ReadFile(path);
  return text ? SplitWords(*text) : Words();
}

std::optional<uint64_t> NumberAt(const Words& words, size_t index) {
  return index < words.size() ? ToNumber(words[index]) : std::nullopt;
}

// "TCP: inuse 5 orphan 0 tw 0 alloc 6 mem 1": the number after mem.
std::optional<uint64_t> TcpPages(const Words& sockstat) {
  for (size_t i = 0; i < sockstat.size(); ++i) {
    if (sockstat[i] != "TCP:") continue;
    for (size_t j = i + 1; j < sockstat.size() && sockstat[j].back() != ':'; ++j)
      if (sockstat[j] == "mem") return NumberAt(sockstat, j + 1);
  }
  return std::nullopt;
}

// The address in hexadecimal words of 32 bits, each as the host has it in memory (proc(5)).
std::optional<Endpoint> ParseAddress(const std::string& text) {
  const std::vector<std::string> parts = absl::StrSplit(text, ':');
  if (parts.size() != 2 || (parts[0].size() != 8 && parts[0].size() != 32)) return std::nullopt;
  std::array<uint32_t, 4> words{};
  for (size_t i = 0; i * 8 < parts[0].size(); ++i) {
    if (!absl::SimpleHexAtoi(parts[0].substr(i * 8, 8), &words[i])) return std::nullopt;
  }
  uint32_t port = 0;
  if (!absl::SimpleHexAtoi(parts[1], &port) || port > 65535) return std::nullopt;
  std::array<char, INET6_ADDRSTRLEN> host{};
  const int family = parts[0].size() == 8 ? AF_INET : AF_INET6;
  if (::inet_ntop(family, words.data(), host.data(), host.size()) == nullptr) return std::nullopt;
  const auto address = Endpoint::FromIp(host.data(), static_cast<uint16_t>(port));
  if (!address.ok()) return std::nullopt;
  return *address;
}

// "Max open files            1024                 524288               files"
std::optional<uint64_t> OpenFilesLimit(const std::string& limits) {
  for (absl::string_view line : absl::StrSplit(limits, '\n')) {
    if (line.substr(0, 14) != "Max open files") continue;
    return NumberAt(SplitWords({line.data(), line.size()}), 3);
  }
  return std::nullopt;
}

std::optional<uint64_t> CountEntries(const std::string& folder) {
  const std::unique_ptr<DIR, int (*)(DIR*)> open(::opendir(folder.c_str()), ::closedir);
  if (open == nullptr) return std::nullopt;
  uint64_t count = 0;
  while (const dirent* entry = ::readdir(open.get()))
    if (entry->d_name[0] != '.') ++count;
  return count;
}

// The values of a flag, "--flag VALUE" or "--flag=VALUE".
Words FlagsOf(const Words& arguments, const std::string& flag) {
  Words values;
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == flag && i + 1 < arguments.size()) values.push_back(arguments[i + 1]);
    if (arguments[i].rfind(flag + "=", 0) == 0)
      values.push_back(arguments[i].substr(flag.size() + 1));
  }
  return values;
}

std::string FlagOf(const Words& arguments, const std::string& flag) {
  const Words values = FlagsOf(arguments, flag);
  return values.empty() ? "" : values.front();
}

// Where a control plane listens: defaults as controlplane/shell/flags.cc has them.
Words ApisOf(const Words& arguments) {
  Words apis;
  for (const char* api : {"admin", "worker"}) {
    const Words said = FlagsOf(arguments, absl::StrCat("--", api, "-api"));
    apis.insert(apis.end(), said.begin(), said.end());
    if (said.empty()) apis.push_back(absl::StrCat("unix:/run/lb/", api, ".sock"));
  }
  return apis;
}

ProcessFacts ReadProcess(const std::string& folder, int64_t pid, std::string program) {
  ProcessFacts process;
  process.program = std::move(program);
  process.pid = pid;
  if (const auto limits = ReadFile(folder + "/limits"))
    process.descriptors_limit = OpenFilesLimit(*limits);
  process.descriptors_open = CountEntries(folder + "/fd");
  if (process.program == "lb-worker")
    for (const char* table : {"/net/tcp", "/net/tcp6"})
      if (const auto text = ReadFile(folder + table))
        process.listening.merge(ParseListening(*text));
  if (const auto line = ReadFile(folder + "/cmdline", kCommandLineBytesMax)) {
    const Words arguments = absl::StrSplit(*line, '\0');
    process.tls = {FlagOf(arguments, "--tls-ca"), FlagOf(arguments, "--tls-cert"),
                   FlagOf(arguments, "--tls-key")};
    if (process.program == "lb-controlplane") process.apis = ApisOf(arguments);
    process.id = FlagOf(arguments, "--id");
    process.http = FlagOf(arguments, "--http");
  }
  return process;
}

int TryReusePort() {
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return errno;
  const int on = 1;
  return ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0 ? 0 : errno;
}

// A byte from one pipe to another.
int TrySplice() {
  std::array<int, 2> from{};
  std::array<int, 2> to{};
  if (::pipe2(from.data(), O_CLOEXEC) != 0) return errno;
  const UniqueFd from_read(from[0]);
  const UniqueFd from_write(from[1]);
  if (::pipe2(to.data(), O_CLOEXEC) != 0) return errno;
  const UniqueFd to_read(to[0]);
  const UniqueFd to_write(to[1]);
  if (::write(from_write.get(), "x", 1) != 1) return errno;
  return ::splice(from_read.get(), nullptr, to_write.get(), nullptr, 1, SPLICE_F_NONBLOCK) == 1
             ? 0
             : errno;
}

// As a worker's: dataplane/forward/socket_options.cc.
int TryBind(const Endpoint& address) {
  const SocketAddress at = address.ToSocketAddress();
  const UniqueFd fd(::socket(at.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return errno;
  const int on = 1;
  for (const int option : {SO_REUSEADDR, SO_REUSEPORT})
    if (::setsockopt(fd.get(), SOL_SOCKET, option, &on, sizeof on) != 0) return errno;
  return ::bind(fd.get(), at.get(), at.length) == 0 ? 0 : errno;
}

}  // namespace

std::vector<PortRange> ParsePortRanges(std::string_view text) {
  std::vector<PortRange> ranges;
  for (absl::string_view part : absl::StrSplit(absl::string_view(text.data(), text.size()),
                                               absl::ByAnyChar(", \n"), absl::SkipEmpty())) {
    const std::vector<std::string> ends = absl::StrSplit(part, absl::ByAnyChar("-\t"));
    PortRange range;
    if (ends.size() > 2 || !absl::SimpleAtoi(ends[0], &range.first)) continue;
    range.last = range.first;
    if (ends.size() == 2 && !absl::SimpleAtoi(ends[1], &range.last)) continue;
    if (range.first <= range.last) ranges.push_back(range);
  }
  return ranges;
}

std::set<Endpoint> ParseListening(std::string_view text) {
  constexpr char kListen[] = "0A";
  std::set<Endpoint> found;
  for (absl::string_view line : absl::StrSplit(absl::string_view(text.data(), text.size()), '\n')) {
    const Words words = SplitWords({line.data(), line.size()});
    if (words.size() < 4 || words[3] != kListen) continue;
    if (const auto address = ParseAddress(words[1])) found.insert(*address);
  }
  return found;
}

KernelFacts ReadKernelFacts(const std::string& root) {
  const std::string sys = root + "/proc/sys/";
  const auto number = [&sys](const char* name) { return NumberAt(ReadWords(sys + name), 0); };
  KernelFacts kernel;
  kernel.somaxconn = number("net/core/somaxconn");
  kernel.unprivileged_port_start = number("net/ipv4/ip_unprivileged_port_start");
  kernel.nr_open = number("fs/nr_open");
  kernel.tcp_migrate_requests = number("net/ipv4/tcp_migrate_req");
  kernel.conntrack_count = number("net/netfilter/nf_conntrack_count");
  kernel.conntrack_max = number("net/netfilter/nf_conntrack_max");
  if (const auto text = ReadFile(sys + "net/ipv4/ip_local_port_range"))
    if (const auto ranges = ParsePortRanges(*text); !ranges.empty())
      kernel.ephemeral_ports = ranges.front();
  if (const auto text = ReadFile(sys + "net/ipv4/ip_local_reserved_ports"))
    kernel.reserved_ports = ParsePortRanges(*text);
  const Words files = ReadWords(sys + "fs/file-nr");
  kernel.files_open = NumberAt(files, 0);
  kernel.files_max = NumberAt(files, 2);
  const Words memory = ReadWords(sys + "net/ipv4/tcp_mem");
  kernel.tcp_pressure_pages = NumberAt(memory, 1);
  kernel.tcp_high_pages = NumberAt(memory, 2);
  kernel.tcp_pages = TcpPages(ReadWords(root + "/proc/net/sockstat"));
  return kernel;
}

void TryCalls(KernelFacts& kernel) {
  kernel.reuse_port_error = TryReusePort();
  kernel.splice_error = TrySplice();
}

std::vector<ProcessFacts> ReadProcessFacts(const std::string& root) {
  const std::string proc = root + "/proc";
  const std::unique_ptr<DIR, int (*)(DIR*)> open(::opendir(proc.c_str()), ::closedir);
  std::map<int64_t, std::string> found;
  while (const dirent* entry = open == nullptr ? nullptr : ::readdir(open.get())) {
    int64_t pid = 0;
    if (!absl::SimpleAtoi(entry->d_name, &pid)) continue;
    const Words name = ReadWords(absl::StrCat(proc, "/", pid, "/comm"));
    const bool ours = name.size() == 1 && (name[0] == "lb-controlplane" || name[0] == "lb-worker");
    if (ours && found.size() < kMaxProcesses) found[pid] = name[0];
  }
  std::vector<ProcessFacts> processes;
  for (const auto& [pid, program] : found)
    processes.push_back(ReadProcess(absl::StrCat(proc, "/", pid), pid, program));
  return processes;
}

std::vector<BindFacts> TryBinds(const controlplane::Config& config) {
  std::vector<BindFacts> binds;
  for (const controlplane::RuleConfig& rule : config.rules)
    binds.push_back({rule.name, rule.listen, TryBind(rule.listen)});
  return binds;
}

}  // namespace lb::cli
