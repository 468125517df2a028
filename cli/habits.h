// What people write who come from other tools, or leave a word out. Pure; threading: none.
#pragma once

#include <string>
#include <string_view>

namespace lb::cli {

// How to say it here: `word` was written after `command` ("lbctl apply"), which has no such word.
// "": it is no habit that is known.
std::string HintForHabit(std::string_view command, std::string_view word);

}  // namespace lb::cli
