#include <errand/result.h>

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace errand {
namespace {

using namespace std::string_literals;

const Error kFull(Code::queue_full, "queue \"mail\" is full");

TEST(Error, KeepsCodeMessageAndException) {
  const auto thrown = std::make_exception_ptr(7);
  const Error error(Code::failed, "boom", thrown);
  EXPECT_EQ(error.code(), Code::failed);
  EXPECT_EQ(error.message(), "boom");
  EXPECT_EQ(error.exception(), thrown);
  EXPECT_EQ(kFull.exception(), nullptr);
}

TEST(Error, CopiesShareOneText) {
  const Error copy = kFull;
  EXPECT_EQ(&copy.message(), &kFull.message());
  static_assert(std::is_nothrow_copy_constructible_v<Error>);
}

TEST(Error, AMovedFromErrorStillHasItsText) {
  Error from(Code::invalid, "bad");
  const Error to = std::move(from);
  EXPECT_EQ(from.message(), "bad");  // NOLINT: that it may be read is the point
  EXPECT_EQ(to.code(), Code::invalid);
  Result<int> result = Error(Code::gone, "away");
  const Result<int> taken = std::move(result);
  EXPECT_EQ(result.error().code(), Code::gone);  // NOLINT: as above
  EXPECT_EQ(taken.error().code(), Code::gone);
}

TEST(Error, RaisesWhatTheHandlerThrew) {
  const Error error(Code::failed, "boom (gave up: attempt 5 of 5)", std::make_exception_ptr(std::out_of_range("boom")));
  EXPECT_THROW(error.raise(), std::out_of_range);
}

TEST(Error, RaisesItselfWhereNothingWasThrown) {
  try {
    kFull.raise();
  } catch (const ErrorException& e) {
    EXPECT_EQ(e.what(), kFull.message());
    EXPECT_EQ(e.error().code(), Code::queue_full);
  }
}

TEST(Error, OnlyWhatPassesByItselfIsTransient) {
  for (int i = 0; i <= static_cast<int>(Code::unavailable); ++i) {
    const auto code = static_cast<Code>(i);
    const bool passes =
        code == Code::queue_full || code == Code::owned_by || code == Code::store_full || code == Code::unavailable;
    EXPECT_EQ(Error(code, "").transient(), passes) << to_string(code);
  }
}

TEST(Error, EveryCodeHasAWord) {
  const char* const words[] = {"queue_full",   "shutting_down", "forked",    "would_block", "owned_by",   "lease_lost",
                               "unknown_kind", "duplicate",     "too_large", "invalid",     "gone",       "not_found",
                               "failed",       "cancelled",     "discarded", "store_full",  "unavailable"};
  for (int i = 0; i <= static_cast<int>(Code::unavailable); ++i) EXPECT_EQ(to_string(static_cast<Code>(i)), words[i]);
  EXPECT_EQ(to_string(static_cast<Code>(99)), "unknown");
}

TEST(Result, HoldsAValue) {
  Result<std::string> result = "seven"s;
  ASSERT_TRUE(result);
  EXPECT_TRUE(result.has_value());
  EXPECT_EQ(*result, "seven");
  EXPECT_EQ(result->size(), 5u);
  EXPECT_EQ(result.value_or("other"), "seven");
  *result = "eight";
  EXPECT_EQ(std::as_const(result).value(), "eight");
}

TEST(Result, HoldsAnError) {
  const Result<std::string> result = kFull;
  EXPECT_FALSE(result);
  EXPECT_EQ(result.error().code(), Code::queue_full);
  EXPECT_EQ(result.value_or("other"), "other");
}

TEST(Result, HandsOutWhatCanOnlyBeMoved) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(7);
  const std::unique_ptr<int> taken = *std::move(result);
  EXPECT_EQ(*taken, 7);
  EXPECT_EQ(*Result<std::unique_ptr<int>>(std::make_unique<int>(8)).value(), 8);
}

TEST(Result, OfNothingIsDoneOrAnError) {
  const Result<void> fine;
  EXPECT_TRUE(fine);
  fine.value();
  const Result<void> not_fine = kFull;
  EXPECT_FALSE(not_fine.has_value());
  EXPECT_EQ(not_fine.error().code(), Code::queue_full);
}

TEST(ResultDeathTest, AskingForWhatIsNotThereEndsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  static const Result<int> kError = kFull;
  static const Result<int> kValue = 7;
  EXPECT_DEATH((void)*kError, "broken invariant: value_.has_value()");
  EXPECT_DEATH((void)kValue.error(), "broken invariant: error_.has_value()");
  EXPECT_DEATH(Result<void>(kFull).value(), "broken invariant");
  EXPECT_DEATH((void)Result<void>().error(), "broken invariant");
}

TEST(ResultDeathTest, AssertionsNameTheExpressionAndThePlace) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(ERRAND_ASSERT(1 + 1 == 3), "errand: broken invariant: 1 \\+ 1 == 3 \\(.*result_test.cc:[0-9]+\\)");
}

}  // namespace
}  // namespace errand
