#include "contract.h"

namespace {

class InMemory final : public Kept {
 public:
  errand::StorePtr open() override { return errand::open_memory(); }
};

INSTANTIATE_TEST_SUITE_P(Memory, StoreContract, testing::Values([] { return std::make_unique<InMemory>(); }));

TEST(RunningBody, AStoreInMemoryBlamesNobody) {
  errand::RunningBody body(errand::open_memory());
  EXPECT_FALSE(body);
  body.begins(errand::TaskId{1}, errand::WallTime{});
  body.is_over();
  EXPECT_FALSE(errand::RunningBody(nullptr));
}

}  // namespace
