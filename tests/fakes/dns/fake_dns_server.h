// A DNS server that answers as told: records, errors, silence or garbage. UDP on a free port of
// 127.0.0.1. Source: RFC 1035 section 4, RFC 2782. Threading: the one thread of its io_context.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/endpoint.h"

namespace lb::fakes {

class FakeDnsServer final {
 public:
  enum class Type : uint16_t { kA = 1, kAaaa = 28, kSrv = 33 };
  enum class Manner { kAnswer, kNoSuchName, kServerFailure, kSilence, kGarbage };

  struct Reply {
    Manner manner = Manner::kAnswer;
    std::vector<std::string> records;  // The data of each record: see A(), Aaaa(), Srv().
    uint32_t ttl_s = 60;
  };

  explicit FakeDnsServer(boost::asio::io_context& io);
  ~FakeDnsServer();

  Endpoint endpoint() const;

  // What a question gets from now on. A name that was never set is NXDOMAIN; a type of a known name
  // that was not set is an answer without records.
  void Set(const std::string& name, Type type, Reply reply);

  size_t questions() const { return questions_; }

  // Record data from text.
  static std::string A(const std::string& ip);
  static std::string Aaaa(const std::string& ip);
  static std::string Srv(uint16_t priority, uint16_t port, const std::string& target);

 private:
  void Receive();
  void Answer(const std::string& query);
  Reply Find(const std::string& name, uint16_t type) const;

  boost::asio::ip::udp::socket socket_;
  boost::asio::ip::udp::endpoint client_;
  std::array<char, 1500> buffer_{};
  std::map<std::pair<std::string, uint16_t>, Reply> replies_;
  size_t questions_ = 0;
};

}  // namespace lb::fakes
