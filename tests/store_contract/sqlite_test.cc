#include <errand/sqlite.h>
#include <stdlib.h>

#include <filesystem>

#include "contract.h"

namespace {

class InFile final : public Kept {
 public:
  InFile() {
    std::string name = (std::filesystem::temp_directory_path() / "errand-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~InFile() override { std::filesystem::remove_all(folder_); }
  errand::StorePtr open() override {
    auto store = errand::open_sqlite((folder_ / "tasks.db").string());
    EXPECT_TRUE(store) << store.error().message();
    return *store;
  }

 private:
  std::filesystem::path folder_;
};

INSTANTIATE_TEST_SUITE_P(Sqlite, StoreContract, testing::Values([] { return std::make_unique<InFile>(); }));

}  // namespace
