#include "base/folder.h"

#include <fstream>

#include "gtest/gtest.h"

namespace lb {
namespace {

TEST(Folder, IsAFolderAndNothingElse) {
  EXPECT_TRUE(HasFolder(testing::TempDir()));
  EXPECT_FALSE(HasFolder(testing::TempDir() + "/not-there"));
  const std::string file = testing::TempDir() + "/a-file";
  std::ofstream(file) << "x";
  EXPECT_FALSE(HasFolder(file));
}

}  // namespace
}  // namespace lb
