// What could stand at the end of an unfinished command line, without asking anybody. Threading:
// none.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/globals.h"
#include "cli/resource.h"

namespace lb::cli {

struct Completion {
  std::vector<std::string> words;  // Commands, flags or values that may stand there, all of them.
  std::optional<Type> names;       // Names of these may stand there; a server knows them.
  bool typed = false;              // Names are written TYPE/NAME.
  bool contexts = false;           // Names of contexts may stand there; a file knows them.
  bool revisions = false;          // Revisions of the configuration may; a server knows them.
  std::string prefix{};            // Stands before each in the last word: "--rule=".
  GlobalFlags flags;               // What the line says about where to ask.
};

// `words` are those after "lbctl"; the last one, possibly empty, is being written.
Completion Complete(const std::vector<std::string>& words);

}  // namespace lb::cli
