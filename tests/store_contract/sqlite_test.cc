#include <errand/sqlite.h>

#include "contract.h"
#include "support/folder.h"

namespace {

class InFile final : public Kept {
 public:
  errand::StorePtr open() override {
    auto store = errand::open_sqlite(folder_.file("tasks.db"));
    EXPECT_TRUE(store) << store.error().message();
    return *store;
  }

 private:
  const Folder folder_;
};

INSTANTIATE_TEST_SUITE_P(Sqlite, StoreContract, testing::Values([] { return std::make_unique<InFile>(); }));

}  // namespace
