// Goal: tar(1) and gzip(1) read what is written. Method: the real programs unpack it.

#include "cli/bundle/archive.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace lb::cli {
namespace {

std::string Read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(ArchiveTest, TarUnpacksWhatWasPacked) {
  std::string folder = testing::TempDir() + "tar-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const std::string large(3'000'000, 'x');
  const std::string block(512, 'b');
  Archive archive(1'700'000'000);
  archive.Add("d/empty", "");
  archive.Add("d/small", "one\n");
  archive.Add("d/block", block);
  archive.Add("d/sub/large", large);
  archive.Add(std::string(Archive::kMaxPathBytes, 'n'), "long name");
  const auto packed = Gzip(archive.Tar());
  ASSERT_TRUE(packed.ok());
  EXPECT_LT(packed->size(), 100'000u);
  std::ofstream(folder + "/a.tar.gz", std::ios::binary) << *packed;
  ASSERT_EQ(std::system(("cd " + folder + " && gzip -t a.tar.gz && tar -xzf a.tar.gz").c_str()), 0);
  EXPECT_EQ(Read(folder + "/d/empty"), "");
  EXPECT_EQ(Read(folder + "/d/small"), "one\n");
  EXPECT_EQ(Read(folder + "/d/block"), block);
  EXPECT_EQ(Read(folder + "/d/sub/large"), large);
  EXPECT_EQ(Read(folder + "/" + std::string(Archive::kMaxPathBytes, 'n')), "long name");
  struct stat info {};
  ASSERT_EQ(::stat((folder + "/d/small").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_EQ(info.st_mtime, 1'700'000'000);
  std::filesystem::remove_all(folder);
}

TEST(ArchiveTest, AnEmptyArchiveIsOne) { EXPECT_EQ(Archive(0).Tar(), std::string(1024, '\0')); }

}  // namespace
}  // namespace lb::cli
