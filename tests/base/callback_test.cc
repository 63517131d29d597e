#include <errand/callback.h>

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace errand {
namespace {

int twice(int x) {
  return 2 * x;
}

// Counts how many of its copies are alive.
template <std::size_t Size>
struct Counted {
  explicit Counted(int& alive) : alive_(&alive) { ++*alive_; }
  Counted(Counted&& other) noexcept : alive_(other.alive_) { ++*alive_; }
  ~Counted() { --*alive_; }
  int operator()() const { return *alive_; }

  int* alive_;
  std::array<char, Size> filling_{};
};

TEST(Callback, CallsLambdasAndFunctions) {
  EXPECT_EQ(Callback<int(int)>([](int x) { return x + 1; })(6), 7);
  EXPECT_EQ(Callback<int(int)>(twice)(6), 12);
  EXPECT_EQ(Callback<int(int)>(&twice)(6), 12);
}

TEST(Callback, IsEmptyUntilGivenSomething) {
  Callback<void()> callback;
  EXPECT_FALSE(callback);
  EXPECT_FALSE(Callback<void()>(nullptr));
  int (*const no_function)(int) = nullptr;
  EXPECT_FALSE(Callback<int(int)>(no_function));
  callback = [] {};
  EXPECT_TRUE(callback);
}

TEST(Callback, KeepsSmallCallablesInsideAndLargeOnesOutside) {
  for (const bool large : {false, true}) {
    int alive = 0;
    {
      Callback<int()> callback = large ? Callback<int()>(Counted<1000>(alive)) : Callback<int()>(Counted<8>(alive));
      EXPECT_EQ(callback(), 1);
      Callback<int()> moved = std::move(callback);
      EXPECT_FALSE(callback);  // NOLINT: that it is empty is the point
      EXPECT_EQ(moved(), 1);
      Callback<int()> assigned = [] { return 0; };
      assigned = std::move(moved);
      EXPECT_EQ(assigned(), 1);
    }
    EXPECT_EQ(alive, 0) << (large ? "outside" : "inside");
  }
}

TEST(Callback, AssigningDestroysWhatWasThere) {
  int alive = 0;
  Callback<int()> callback = Counted<8>(alive);
  callback = [] { return 0; };
  EXPECT_EQ(alive, 0);
  callback = Counted<1000>(alive);
  callback = nullptr;
  EXPECT_EQ(alive, 0);
  EXPECT_FALSE(callback);
}

TEST(Callback, SurvivesBeingAssignedToItself) {
  Callback<int()> callback = [] { return 7; };
  Callback<int()>& same = callback;
  callback = std::move(same);
  EXPECT_EQ(callback(), 7);
}

TEST(Callback, PassesArgumentsOnWithoutCopyingThem) {
  const Callback<std::size_t(std::unique_ptr<int>, std::string&)> callback = [](std::unique_ptr<int> p,
                                                                                std::string& s) {
    s += std::to_string(*p);
    return s.size();
  };
  std::string text = "n=";
  EXPECT_EQ(callback(std::make_unique<int>(7), text), 3u);
  EXPECT_EQ(text, "n=7");
}

TEST(Callback, TakesCallablesThatCanOnlyBeMoved) {
  Callback<int()> callback = [p = std::make_unique<int>(7)] { return *p; };
  EXPECT_EQ(Callback<int()>(std::move(callback))(), 7);
}

TEST(Callback, KeepsTheStateOfItsCallable) {
  const Callback<int()> counter = [n = 0]() mutable { return ++n; };
  EXPECT_EQ(counter(), 1);
  EXPECT_EQ(counter(), 2);
}

TEST(Callback, DropsAResultNobodyWants) {
  int calls = 0;
  const Callback<void()> callback = [&calls] { return ++calls; };
  callback();
  EXPECT_EQ(calls, 1);
}

TEST(Callback, LetsExceptionsThrough) {
  const Callback<void()> callback = [] { throw 7; };
  EXPECT_THROW(callback(), int);
}

TEST(Callback, HonoursLargeAlignment) {
  struct alignas(64) Aligned {
    bool operator()() const { return reinterpret_cast<std::uintptr_t>(this) % 64 == 0; }
  };
  const Callback<bool()> callback = Aligned();
  EXPECT_TRUE(callback());
}

TEST(Callback, AcceptsOnlyWhatItCanCall) {
  static_assert(std::is_constructible_v<Callback<int(int)>, int (*)(int)>);
  static_assert(!std::is_constructible_v<Callback<int(int)>, int (*)(std::string)>);
  static_assert(!std::is_constructible_v<Callback<std::string()>, int (*)()>);
  static_assert(!std::is_copy_constructible_v<Callback<void()>>);
  static_assert(std::is_nothrow_move_constructible_v<Callback<void()>>);
  static_assert(sizeof(Callback<void()>) == 4 * sizeof(void*));
}

}  // namespace
}  // namespace errand
