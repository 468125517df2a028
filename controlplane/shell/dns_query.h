// One ResolveName on its way: the steps between a name and its endpoints, under one deadline.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>

#include "controlplane/loop/action.h"

namespace lb::controlplane {

// Resolves request.name and calls `done` once, on `io`'s one thread and never before this returns;
// not at all when `io` is destroyed first. Endpoints are sorted, without repeats, at most
// DnsClient::kMaxEndpoints.
void RunDnsQuery(boost::asio::io_context& io, const ResolveName& request,
                 std::function<void(Resolved)> done);

}  // namespace lb::controlplane
