#pragma once
// Stores to write out and to read into.

#include <errand/export.h>
#include <errand/sqlite.h>
#include <gtest/gtest.h>

#include <sstream>

#include "support/folder.h"

inline constexpr errand::WallTime kNow{std::chrono::seconds(1'700'000'000)};

// Stores in SQLite, in a folder of a test's.
class StoreFolder {
 public:
  [[nodiscard]] std::string path(const std::string& name) const { return folder_.file(name); }
  [[nodiscard]] errand::StorePtr open(const std::string& name) const {
    auto store = errand::open_sqlite(path(name));
    EXPECT_TRUE(store) << store.error().message();
    return *store;
  }

 private:
  const Folder folder_;
};

inline std::string exported(errand::Store& store, errand::WallTime now) {
  std::string text;
  const auto done = errand::export_tasks(
      store,
      [&](std::string_view line) -> errand::Result<void> {
        text += line;
        return {};
      },
      {}, now);
  EXPECT_TRUE(done) << done.error().message();
  return text;
}

inline errand::Result<errand::Imported> imported(errand::Store& store, const std::string& text, errand::WallTime now,
                                                 std::vector<std::string>* refused = nullptr) {
  std::istringstream lines(text);
  return errand::import_tasks(
      store,
      [&]() -> errand::Result<std::optional<std::string>> {
        std::string line;
        if (!std::getline(lines, line)) return std::optional<std::string>();
        return std::optional(std::move(line));
      },
      [&](std::uint64_t, const errand::Error& why) {
        if (refused != nullptr) refused->push_back(why.message());
      },
      now);
}
