// One visitor for std::visit out of a function for each alternative; an alternative without one
// does not compile.
#pragma once

namespace lb {

template <typename... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};

// clang 14 does not deduce the arguments of an aggregate by itself (P1816).
template <typename... Functions>
Overloaded(Functions...) -> Overloaded<Functions...>;

}  // namespace lb
