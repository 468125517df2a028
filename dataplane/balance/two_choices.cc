#include "dataplane/balance/two_choices.h"

#include <limits>
#include <numeric>

#include "base/check.h"

namespace lb::dataplane {
namespace {

constexpr uint32_t kAlways = std::numeric_limits<uint32_t>::max();

}  // namespace

TwoChoices::TwoChoices(size_t backends, uint64_t seed)
    : random_(seed), weights_(backends, 0), cells_(backends), scaled_(backends) {
  small_.reserve(backends);
  large_.reserve(backends);
}

void TwoChoices::Reweigh(const std::vector<uint32_t>& weights) {
  LB_CHECK(weights.size() == weights_.size());
  weights_ = weights;  // Of the same size: nothing is allocated.
  total_weight_ = std::accumulate(weights.begin(), weights.end(), uint64_t{0});
  if (total_weight_ == 0) return;
  small_.clear();
  large_.clear();
  for (size_t i = 0; i < weights.size(); ++i) {
    scaled_[i] = uint64_t{weights[i]} * weights.size();
    (scaled_[i] < total_weight_ ? small_ : large_).push_back(static_cast<uint32_t>(i));
  }
  while (!small_.empty() && !large_.empty()) {
    const uint32_t poor = small_.back();
    const uint32_t rich = large_.back();
    small_.pop_back();
    const auto threshold = static_cast<double>(scaled_[poor]) / static_cast<double>(total_weight_);
    cells_[poor] = {static_cast<uint32_t>(threshold * kAlways), rich};
    scaled_[rich] -= total_weight_ - scaled_[poor];
    if (scaled_[rich] >= total_weight_) continue;
    large_.pop_back();
    small_.push_back(rich);
  }
  // Sums of integers are exact: whoever is left has exactly its own cell.
  for (const std::vector<uint32_t>* rest : {&small_, &large_}) {
    for (const uint32_t i : *rest) cells_[i] = {kAlways, i};
  }
}

}  // namespace lb::dataplane
