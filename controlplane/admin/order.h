// Orders of lists (AIP-132): "connections desc, name". Works on every message. Pure; threading:
// none.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controlplane/admin/failure.h"
#include "controlplane/admin/message_field.h"

namespace lb::controlplane {

class Order final {
 public:
  static constexpr size_t kMaxFields = 4;

  // Reads an order for items of this type; "" is the list's own. InvalidArgument ORDER_BY_INVALID
  // names what is wrong.
  static Outcome<Order> Parse(std::string_view text, const google::protobuf::Descriptor& item);

  // False for the list's own order.
  bool given() const { return !fields_.empty(); }

  // Bytes that compare (unsigned, left to right) as the items do. `place` breaks ties, so that each
  // item has a place of its own.
  std::string KeyOf(const google::protobuf::Message& item, std::string_view place) const;

 private:
  struct Field {
    MessageField path;
    bool descending = false;
  };

  std::vector<Field> fields_;
};

}  // namespace lb::controlplane
