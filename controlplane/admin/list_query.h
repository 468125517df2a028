// What a List request asks for beside its own arguments: page, filter, order_by and read_mask. Read
// by reflection, so that each list that has these fields gets them all. Pure; threading: none.
//
//   Outcome<ListQuery> query = ListQuery::Read(view.page_key, request, Item::descriptor());
//   PageMaker<Item> page(query);
//   for (each in the list's own order)
//     if (place > query.after() && !page.Offer(item, place)) break;
//   page.Finish(*response.mutable_items(), *response.mutable_next_page_token());
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "controlplane/admin/failure.h"
#include "controlplane/admin/filter.h"
#include "controlplane/admin/order.h"
#include "controlplane/admin/pages.h"
#include "google/protobuf/field_mask.pb.h"
#include "google/protobuf/repeated_ptr_field.h"

namespace lb::controlplane {

class ListQuery final {
 public:
  // Reads the fields "page_size", "page_token", "filter", "order_by" and "read_mask" that the
  // request has. `page_key` is the secret of page tokens. Failures: PAGE_SIZE_INVALID,
  // PAGE_TOKEN_INVALID, FILTER_INVALID, ORDER_BY_INVALID, FIELD_MASK_INVALID.
  static Outcome<ListQuery> Read(std::string_view page_key,
                                 const google::protobuf::Message& request,
                                 const google::protobuf::Descriptor& item);

  size_t size() const { return page_.size; }
  // The place, in the list's own order, after which the page begins; empty: at its start, also when
  // another order is asked for.
  const std::string& after() const { return order_.given() ? kStart : page_.after; }

  bool Wants(const google::protobuf::Message& item) const { return filter_.Matches(item); }
  const Order& order() const { return order_; }
  // The last key of the page before, in the order asked for.
  const std::string& after_key() const { return page_.after; }
  // Removes the fields that were not asked for.
  void Trim(google::protobuf::Message& item) const;
  std::string TokenFor(std::string_view last) const {
    return MakePageToken(page_key_, scope_, last);
  }

 private:
  static const std::string kStart;

  std::string page_key_;
  std::string scope_;
  Page page_;
  Filter filter_;
  Order order_;
  google::protobuf::FieldMask mask_;
};

// Gathers one page of what a query asks for.
template <typename Item>
class PageMaker final {
 public:
  explicit PageMaker(const ListQuery& query) : query_(query) {}

  // Takes the next item, in the list's own order; `place` names it for a token and is not empty.
  // Returns false when the page needs no more.
  bool Offer(Item item, std::string place) {
    if (!query_.Wants(item)) return true;
    const bool ordered = query_.order().given();
    std::string key = ordered ? query_.order().KeyOf(item, place) : std::move(place);
    if (ordered && !query_.after_key().empty() && key <= query_.after_key()) return true;
    found_.emplace_back(std::move(key), std::move(item));
    if (!ordered) return found_.size() <= query_.size();
    // Twice a page at most is kept: of more, the first page by order stays.
    if (found_.size() > 2 * (query_.size() + 1)) Cut();
    return true;
  }

  // Moves the page into a response.
  void Finish(google::protobuf::RepeatedPtrField<Item>& items, std::string& next_page_token) {
    if (query_.order().given()) Cut();
    const size_t count = std::min(found_.size(), query_.size());
    for (size_t i = 0; i < count; ++i) {
      query_.Trim(found_[i].second);
      *items.Add() = std::move(found_[i].second);
    }
    if (found_.size() > count && count > 0)
      next_page_token = query_.TokenFor(found_[count - 1].first);
  }

 private:
  // Sorts, and keeps one more than a page.
  void Cut() {
    std::sort(found_.begin(), found_.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    if (found_.size() > query_.size() + 1) found_.resize(query_.size() + 1);
  }

  const ListQuery& query_;
  std::vector<std::pair<std::string, Item>> found_;
};

}  // namespace lb::controlplane
