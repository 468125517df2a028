// Rules, backends, workers, operations, certificates and members as table rows and as JSON. Pure;
// time is an argument.
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <variant>
#include <vector>

#include "base/time.h"
#include "cli/resource.h"
#include "cli/table.h"
#include "lb/admin/v1/admin.pb.h"
#include "lb/admin/v1/certificate.pb.h"
#include "lb/admin/v1/member.pb.h"

namespace lb::cli {

namespace api = lb::admin::v1;

// One thing that `get` shows.
using Item = std::variant<api::Rule, api::Backend, api::Worker, api::Operation, api::Certificate,
                          api::Member>;
using Items = std::vector<Item>;

// The full resource name, "rules/web".
const std::string& NameOf(const Item& item);

// The columns of a type, and one row of them.
std::vector<Column> ColumnsOf(Type type, bool wide);
Row RowOf(const Item& item, bool wide, WallTime now);

// Protobuf's JSON of any message: lowerCamelCase keys, 64-bit numbers as strings, all fields.
boost::json::value ToJson(const google::protobuf::Message& message);
boost::json::value ToJson(const Item& item);

// The JSON of an item without what changes by itself: differs exactly when a watcher should know.
std::string ChangeKey(const Item& item);

// Seconds from `time` to `now` as an age, "-" for an unset time.
std::string AgeOf(const google::protobuf::Timestamp& time, WallTime now);

// "BIND_FAILED: 0.0.0.0:80: Address already in use" of a worker that refused, else what it does
// besides forwarding ("draining"), else "".
std::string DetailOf(const api::Worker& worker);

}  // namespace lb::cli
