#include "controlplane/shell/state_file.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "gtest/gtest.h"
#include "lb/state/v1/state.pb.h"

namespace lb::controlplane {
namespace {

namespace fs = std::filesystem;

// What the loop stores, told apart by a name.
std::string StateOf(const std::string& name) {
  state::v1::StoredState state;
  state.set_boot_id(name);
  return state.SerializeAsString();
}

class StateFileTest : public testing::Test {
 protected:
  StateFileTest() { fs::remove_all(folder_); }

  std::unique_ptr<StateFile> Open() {
    auto file = StateFile::Open(folder_.string());
    EXPECT_TRUE(file.ok()) << file.status();
    return file.ok() ? *std::move(file) : nullptr;
  }

  const fs::path folder_ = fs::path(testing::TempDir()) / "state_file_test";
};

TEST_F(StateFileTest, TheNewestSaveIsFoundAfterARestart) {
  Open()->Save(StateOf("first"));
  {
    auto file = Open();
    EXPECT_EQ(file->Read(), StateOf("first"));
    for (int i = 0; i < 100; ++i) file->Save(StateOf("save " + std::to_string(i)));
  }
  EXPECT_EQ(Open()->Read(), StateOf("save 99"));
  EXPECT_EQ(fs::status(folder_ / "state").permissions(),
            fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(StateFileTest, WhatCouldNotBeWrittenIsTriedAgain) {
  auto file = Open();
  const fs::path away = folder_.string() + ".away";
  fs::remove_all(away);
  fs::rename(folder_, away);
  file->Save(StateOf("precious"));
  EXPECT_FALSE(file->Flush().ok());
  fs::rename(away, folder_);
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!fs::exists(folder_ / "state") && std::chrono::steady_clock::now() < give_up)
    std::this_thread::yield();
  file.reset();
  EXPECT_EQ(Open()->Read(), StateOf("precious"));
}

TEST_F(StateFileTest, AFreshFolderHoldsNothing) { EXPECT_EQ(Open()->Read(), ""); }

TEST_F(StateFileTest, DamageIsNoticedAndTheFileKeptAside) {
  Open()->Save(StateOf("precious"));
  std::fstream(folder_ / "state", std::ios::in | std::ios::out).seekp(45).put('X');
  EXPECT_EQ(Open()->Read(), std::nullopt);
  EXPECT_FALSE(fs::exists(folder_ / "state"));
  EXPECT_TRUE(fs::exists(folder_ / "state.damaged"));
  EXPECT_EQ(Open()->Read(), "");
}

TEST_F(StateFileTest, WhatDoesNotParseIsKeptAside) {
  state::v1::StoredState::Override one;
  *one.mutable_author() = "half a character: \xC3";
  state::v1::StoredState state;
  *state.add_overrides() = one;
  Open()->Save(state.SerializePartialAsString());
  EXPECT_EQ(Open()->Read(), std::nullopt);
  EXPECT_TRUE(fs::exists(folder_ / "state.damaged"));
}

TEST_F(StateFileTest, AShortFileIsDamaged) {
  fs::create_directories(folder_);
  std::ofstream(folder_ / "state") << "lbst";
  EXPECT_EQ(Open()->Read(), std::nullopt);
  EXPECT_TRUE(fs::exists(folder_ / "state.damaged"));
}

TEST_F(StateFileTest, OneFolderHasOneOwner) {
  const auto first = Open();
  const auto second = StateFile::Open(folder_.string());
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(second.status().message().find("--state-dir"), absl::string_view::npos);
}

TEST_F(StateFileTest, AMissingParentNamesTheFolderAndTheFlag) {
  const auto file = StateFile::Open((folder_ / "a" / "b").string());
  EXPECT_TRUE(absl::IsNotFound(file.status()));
  EXPECT_NE(file.status().message().find("--state-dir"), absl::string_view::npos);
}

}  // namespace
}  // namespace lb::controlplane
