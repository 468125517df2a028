// A body for Boost.Beast's parsers that passes on what comes and keeps nothing. Threading: none.
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/optional.hpp>
#include <boost/system/error_code.hpp>
#include <cstdint>
#include <functional>
#include <string_view>

namespace lb::controlplane {

struct StreamedBody {
  struct value_type {
    // False: no more is wanted; the parser fails with operation_aborted.
    std::function<bool(std::string_view bytes)> take;
  };

  class reader final {
   public:
    template <bool kIsRequest, class Fields>
    reader(boost::beast::http::header<kIsRequest, Fields>&, value_type& body) : body_(body) {}

    void init(const boost::optional<uint64_t>&, boost::system::error_code& error) { error = {}; }

    template <class Buffers>
    size_t put(const Buffers& buffers, boost::system::error_code& error) {
      error = {};
      size_t bytes = 0;
      for (const boost::asio::const_buffer buffer : boost::beast::buffers_range_ref(buffers)) {
        bytes += buffer.size();
        if (!body_.take({static_cast<const char*>(buffer.data()), buffer.size()})) {
          error = boost::asio::error::operation_aborted;
          return bytes;
        }
      }
      return bytes;
    }

    void finish(boost::system::error_code& error) { error = {}; }

   private:
    value_type& body_;
  };
};

}  // namespace lb::controlplane
