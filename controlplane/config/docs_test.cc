// Goal: the documents and examples say nothing that the loader would refuse. Method: every yaml
// block of docs/*.md and every example file is loaded, and the reference is made anew.

#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controlplane/config/load.h"
#include "controlplane/config/reference.h"
#include "controlplane/config/test_sources.h"
#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

std::string Read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  EXPECT_FALSE(text.empty()) << path;
  return text;
}

std::vector<std::string> YamlBlocks(const std::string& text) {
  constexpr std::string_view kBegin = "\n```yaml\n";
  std::vector<std::string> blocks;
  size_t at = 0;
  while ((at = text.find(kBegin, at)) != std::string::npos) {
    at += kBegin.size();
    const size_t end = text.find("\n```", at);
    blocks.push_back(text.substr(at, end + 1 - at));
    at = end;
  }
  return blocks;
}

// Sources in which every file is there that is named by its kind, as the documents do.
Sources ByKind(const TestSources& files) {
  Sources sources = files.Get();
  sources.read_file = [read = sources.read_file](const std::string& path) {
    constexpr std::pair<std::string_view, const char*> kKinds[] = {
        {"ca.crt", "/ca.pem"}, {".crt", "/c.pem"}, {".key", "/k.pem"}, {".crl", "/crl.pem"},
        {"token", "/keys"},    {".keys", "/keys"}, {".ocsp", "/o.der"}};
    for (const auto& [ending, file] : kKinds)
      if (path.ends_with(ending)) return read(file);
    return read(path);
  };
  return sources;
}

void ExpectLoads(const std::string& path, const std::string& text) {
  TestSources files;
  files.AddTlsFiles();
  files.files["/keys"] = "AAECAwQFBgcICQoLDA0ODw==\n";
  const LoadResult result = Load(text, ByKind(files));
  EXPECT_EQ(RenderFindings(path, text, result), "") << text;
  EXPECT_TRUE(result.config.has_value());
}

TEST(DocsTest, EveryYamlBlockOfTheDocumentsLoads) {
  for (const std::string path : {"docs/configuration.md", "docs/kubernetes-discovery.md",
                                 "docs/protocols.md", "docs/tls.md"}) {
    const std::vector<std::string> blocks = YamlBlocks(Read(path));
    EXPECT_GE(blocks.size(), 3u) << path;
    for (const std::string& block : blocks) ExpectLoads(path, block);
  }
}

TEST(DocsTest, EveryExampleLoads) {
  for (const std::string name : {"core", "limits", "minimal", "postgres-redis", "tls"}) {
    const std::string path = "deploy/examples/" + name + ".yaml";
    ExpectLoads(path, Read(path));
  }
}

TEST(DocsTest, TheReferenceIsWhatTheTableOfKeysSays) {
  const std::string text = Read("docs/configuration.md");
  const size_t marker = text.find(kReferenceMarker);
  ASSERT_NE(marker, std::string::npos);
  EXPECT_EQ(text.substr(marker + kReferenceMarker.size()), ConfigReference())
      << "bazel run //controlplane/config:write_reference -- \"$PWD/docs/configuration.md\"";
}

}  // namespace
}  // namespace lb::controlplane
