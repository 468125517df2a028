#include "tests/fakes/dns/fake_dns_server.h"

#include <arpa/inet.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <cctype>
#include <sstream>

#include "base/check.h"

namespace lb::fakes {
namespace {

namespace asio = boost::asio;
using asio::ip::udp;
using boost::system::error_code;

constexpr size_t kHeaderBytes = 12;
constexpr size_t kTypeAndClassBytes = 4;
constexpr int kNameError = 3;
constexpr int kServerFailureCode = 2;

std::string Number16(size_t value) {
  return {static_cast<char>(value >> 8 & 0xff), static_cast<char>(value & 0xff)};
}

std::string Number32(uint32_t value) { return Number16(value >> 16) + Number16(value & 0xffff); }

std::string EncodeName(const std::string& name) {
  std::string out;
  std::istringstream labels(name);
  for (std::string label; std::getline(labels, label, '.');)
    if (!label.empty()) out += static_cast<char>(label.size()) + label;
  return out + '\0';
}

// Reads the question's name from after the header; returns it in lower case, and where it ends.
std::pair<std::string, size_t> ReadName(const std::string& query) {
  std::string name;
  size_t at = kHeaderBytes;
  while (at < query.size() && query[at] != 0) {
    const auto length = static_cast<size_t>(query[at]);
    if (!name.empty()) name += '.';
    name += query.substr(at + 1, length);
    at += 1 + length;
  }
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return {name, at + 1};
}

template <typename Address>
std::string IpBytes(int family, const std::string& ip) {
  Address address{};
  LB_CHECK(inet_pton(family, ip.c_str(), &address) == 1);
  return std::string(reinterpret_cast<const char*>(&address), sizeof(address));
}

}  // namespace

FakeDnsServer::FakeDnsServer(asio::io_context& io)
    : socket_(io, udp::endpoint(asio::ip::address_v4::loopback(), 0)) {
  Receive();
}

FakeDnsServer::~FakeDnsServer() {
  error_code ignored;
  socket_.close(ignored);
}

Endpoint FakeDnsServer::endpoint() const {
  return Endpoint::FromIp("127.0.0.1", socket_.local_endpoint().port()).value();
}

void FakeDnsServer::Set(const std::string& name, Type type, Reply reply) {
  replies_[{name, static_cast<uint16_t>(type)}] = std::move(reply);
}

std::string FakeDnsServer::A(const std::string& ip) { return IpBytes<in_addr>(AF_INET, ip); }

std::string FakeDnsServer::Aaaa(const std::string& ip) { return IpBytes<in6_addr>(AF_INET6, ip); }

std::string FakeDnsServer::Srv(uint16_t priority, uint16_t port, const std::string& target) {
  const uint16_t weight = 1;
  return Number16(priority) + Number16(weight) + Number16(port) + EncodeName(target);
}

void FakeDnsServer::Receive() {
  socket_.async_receive_from(asio::buffer(buffer_), client_,
                             [this](const error_code& error, size_t bytes) {
                               if (error == asio::error::operation_aborted) return;
                               if (!error) Answer(std::string(buffer_.data(), bytes));
                               Receive();
                             });
}

FakeDnsServer::Reply FakeDnsServer::Find(const std::string& name, uint16_t type) const {
  if (auto found = replies_.find({name, type}); found != replies_.end()) return found->second;
  const auto other = replies_.lower_bound({name, 0});
  const bool known = other != replies_.end() && other->first.first == name;
  return Reply{known ? Manner::kAnswer : Manner::kNoSuchName, {}, 0};
}

void FakeDnsServer::Answer(const std::string& query) {
  if (query.size() < kHeaderBytes) return;
  ++questions_;
  const auto [name, name_end] = ReadName(query);
  if (query.size() < name_end + kTypeAndClassBytes) return;
  const auto type = static_cast<uint16_t>(static_cast<unsigned char>(query[name_end]) << 8 |
                                          static_cast<unsigned char>(query[name_end + 1]));
  const Reply reply = Find(name, type);
  if (reply.manner == Manner::kSilence) return;
  int code = reply.manner == Manner::kNoSuchName ? kNameError : 0;
  if (reply.manner == Manner::kServerFailure) code = kServerFailureCode;
  const char recursion_available = static_cast<char>(0x80);
  std::string out = query.substr(0, 2);
  out += static_cast<char>(0x81);  // A response; recursion was desired.
  out += static_cast<char>(recursion_available | code);
  out += Number16(1) + Number16(reply.records.size()) + Number16(0) + Number16(0);
  out += query.substr(kHeaderBytes, name_end + kTypeAndClassBytes - kHeaderBytes);
  for (const std::string& data : reply.records) {
    out += Number16(0xc000 | kHeaderBytes);  // The question's name, by pointer.
    out += Number16(type) + Number16(1) + Number32(reply.ttl_s) + Number16(data.size()) + data;
  }
  if (reply.manner == Manner::kGarbage) out.replace(6, 2, "\xff\xff").append("garbage");
  error_code ignored;  // The client may be gone; it asks again if it is not.
  socket_.send_to(asio::buffer(out), client_, 0, ignored);
}

}  // namespace lb::fakes
