// LZW as members pack with it, the way that lzw.h reads: code by code what Go's compress/lzw
// writes. For tests: we send nothing packed. Pure; threading: none.
#pragma once

#include <string>
#include <string_view>

namespace lb::controlplane::swim {

// `bytes`, packed.
std::string LzwPack(std::string_view bytes);

// A message, a compound or what a stream has, in the layer that says it is packed.
std::string Compressed(std::string_view bytes);

}  // namespace lb::controlplane::swim
