// The configuration's JSON Schema, for editors and other tools. Threading: safe.
#pragma once

#include <string>

namespace lb::controlplane {

// Returns the schema as JSON text (draft 2020-12), made from the table of keys. It describes what
// one file may say by itself: a schema cannot see what variables hold, nor compare two values. Keys
// that are not built yet are in it, marked by their description.
std::string ConfigSchema();

}  // namespace lb::controlplane
