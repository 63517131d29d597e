#include "base/new_file.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>

#include "support/child.h"
#include "support/folder.h"

using errand::Code;
using errand::NewFile;

namespace {

class NewFileTest : public testing::Test {
 protected:
  static std::string read(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  [[nodiscard]] bool is_empty() const { return std::filesystem::is_empty(folder.path()); }

  const Folder folder;
  std::string path = folder.file("copy.db");
};

TEST_F(NewFileTest, HasItsNameWhenItIsWhole) {
  auto file = NewFile::begin(path);
  ASSERT_TRUE(file) << file.error().message();
  std::ofstream(file->partial()) << "all of it";
  EXPECT_TRUE(file->flush());
  EXPECT_FALSE(std::filesystem::exists(path));
  ASSERT_TRUE(file->finish());
  EXPECT_EQ(read(path), "all of it");
  EXPECT_FALSE(std::filesystem::exists(path + ".partial"));
}

TEST_F(NewFileTest, LeavesNothingUnlessItWasFinished) {
  {
    auto file = NewFile::begin(path);
    ASSERT_TRUE(file);
    std::ofstream(file->partial()) << "half of it";
  }
  EXPECT_TRUE(is_empty());
}

TEST_F(NewFileTest, WritesOverNothing) {
  std::ofstream(path) << "dear";
  const auto refused = NewFile::begin(path);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::invalid);
  EXPECT_NE(refused.error().message().find(path), std::string::npos);
  EXPECT_EQ(read(path), "dear");
}

// Somebody else's has the name by now.
TEST_F(NewFileTest, WritesOverNothingThatCameMeanwhile) {
  {
    auto file = NewFile::begin(path);
    ASSERT_TRUE(file);
    std::ofstream(path) << "dear";
    const auto refused = file->finish();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Code::invalid);
  }
  EXPECT_EQ(read(path), "dear");
  EXPECT_FALSE(std::filesystem::exists(path + ".partial"));
}

TEST_F(NewFileTest, HasOneWriter) {
  auto first = NewFile::begin(path);
  ASSERT_TRUE(first);
  std::ofstream(first->partial()) << "the first's";
  const auto second = NewFile::begin(path);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), Code::unavailable);
  EXPECT_EQ(read(first->partial()), "the first's");
}

TEST_F(NewFileTest, MakesAnewWhatADeadProcessLeft) {
  const int killed = in_child([this] {
    auto file = NewFile::begin(path);
    require(file.has_value(), 1);
    std::ofstream(file->partial()) << "half of it, and long";
    ::raise(SIGKILL);
  });
  ASSERT_EQ(killed, 1000 + SIGKILL);
  ASSERT_TRUE(std::filesystem::exists(path + ".partial"));
  auto file = NewFile::begin(path);
  ASSERT_TRUE(file) << file.error().message();
  std::ofstream(file->partial(), std::ios::app) << "whole";
  ASSERT_TRUE(file->finish());
  EXPECT_EQ(read(path), "whole");
}

TEST_F(NewFileTest, SaysWhatTheSystemSays) {
  const auto refused = NewFile::begin(folder.file("no folder/copy.db"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::unavailable);
  EXPECT_NE(refused.error().message().find("No such file"), std::string::npos) << refused.error().message();
}

}  // namespace
