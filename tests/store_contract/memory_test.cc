#include "contract.h"

namespace {

class InMemory final : public Kept {
 public:
  errand::StorePtr open() override { return errand::open_memory(); }
};

INSTANTIATE_TEST_SUITE_P(Memory, StoreContract, testing::Values([] { return std::make_unique<InMemory>(); }));

}  // namespace
