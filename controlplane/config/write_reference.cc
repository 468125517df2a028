// Rewrites the generated part of docs/configuration.md: write_reference FILE.

#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "controlplane/config/reference.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: write_reference FILE\n";
    return 2;
  }
  std::ifstream in(argv[1], std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  const size_t marker = text.find(lb::controlplane::kReferenceMarker);
  if (marker == std::string::npos) {
    std::cerr << argv[1] << ": it has no line " << lb::controlplane::kReferenceMarker;
    return 1;
  }
  text.resize(marker + lb::controlplane::kReferenceMarker.size());
  text += lb::controlplane::ConfigReference();
  std::ofstream out(argv[1], std::ios::binary | std::ios::trunc);
  out << text << std::flush;
  return out.good() ? 0 : 1;
}
