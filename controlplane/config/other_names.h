// What other load balancers and servers call our keys and words, for hints. Pure; threading: none.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lb::controlplane {

// The one of `known`, the keys that may stand there, that is `key` but for '_', '-' and capitals,
// or that others (nginx, HAProxy, Envoy, Traefik) call so; "" when there is none.
std::string_view KeyForOther(std::string_view key, const std::vector<std::string_view>& known);

// Where our key stands that others call `key`: "here it is tls.cert". "" when nobody has it.
std::string PlaceOfOtherKey(std::string_view key);

// The one of `known`, the words of a choice, that others call `word`; "" when there is none.
std::string_view WordForOther(std::string_view word, const std::vector<std::string_view>& known);

}  // namespace lb::controlplane
