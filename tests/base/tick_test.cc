#include "base/tick.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>

namespace errand {
namespace {

using namespace std::chrono_literals;

class FakeClock final : public Clock {
 public:
  [[nodiscard]] WallTime now() const noexcept override { return WallTime(at); }
  [[nodiscard]] SteadyTime mono() const noexcept override { return SteadyTime(at); }
  void wait(const std::atomic<std::uint32_t>&, std::uint32_t, const WaitUntil&) override {}
  void wake(const std::atomic<std::uint32_t>&, int) override {}

  Duration at{7s};
};

// A stamp, and the clock's time just before and just after it was taken.
struct Reading {
  SteadyTime before;
  std::int64_t stamp;
  SteadyTime after;
};

Reading read(const TickSource& source) {
  const Clock& clock = source.clock();
  const SteadyTime before = clock.mono();
  const std::int64_t stamp = source.stamp();
  return {before, stamp, clock.mono()};
}

// Spins, since a test does not sleep.
Reading read_later(const TickSource& source, Duration after) {
  const SteadyTime begin = source.clock().mono();
  while (source.clock().mono() < begin + after) {
  }
  return read(source);
}

TEST(Tick, StampsOfAFakeClockAreItsNanoseconds) {
  const auto clock = std::make_shared<FakeClock>();
  const TickSource source(clock);
  const std::int64_t first = source.stamp();
  EXPECT_EQ(first, Duration(7s).count());
  clock->at += 1500ns;
  EXPECT_EQ(source.between(first, source.stamp()), 1500);
  EXPECT_EQ(source.to_mono(first), SteadyTime(7s));
  clock->at += 24h;
  EXPECT_EQ(source.to_mono(first), SteadyTime(7s)) << "however long ago";
  EXPECT_EQ(&source.clock(), clock.get());
}

TEST(Tick, AFloatBetweenIsTheSameRounded) {
  const TickSource fake(std::make_shared<FakeClock>());
  EXPECT_EQ(fake.float_between(3, 10), 7.0f);
  EXPECT_EQ(fake.float_between(10, 3), 0.0f);
  const TickSource real(real_clock());
  EXPECT_EQ(real.float_between(10, 3), 0.0f);
  for (std::int64_t ticks = 1; ticks < std::int64_t{1} << 50; ticks = ticks * 3 + 1) {
    const auto exact = static_cast<double>(real.between(1000, 1000 + ticks));
    EXPECT_NEAR(static_cast<double>(real.float_between(1000, 1000 + ticks)), exact, 1 + exact * 1e-6) << ticks;
  }
}

TEST(Tick, BetweenNeverGoesBelowZero) {
  const TickSource fake(std::make_shared<FakeClock>());
  EXPECT_EQ(fake.between(10, 3), 0);
  EXPECT_EQ(fake.between(3, 3), 0);
  const TickSource real(real_clock());
  EXPECT_EQ(real.between(10, 3), 0);
  EXPECT_EQ(real.between(3, 3), 0);
}

TEST(Tick, StampsOfOneThreadDoNotGoBack) {
  const TickSource source(real_clock());
  std::int64_t last = source.stamp();
  for (int i = 0; i < 100'000; ++i) {
    const std::int64_t next = source.stamp();
    ASSERT_GE(next, last);
    last = next;
  }
}

// An interrupt between a stamp and a reading of the clock only widens the bounds; it can't fail the test.
TEST(Tick, BetweenAgreesWithTheClock) {
  const TickSource source(real_clock());
  for (int i = 0; i < 5; ++i) {
    const Reading a = read(source);
    const Reading b = read_later(source, 2ms);
    const Duration got(source.between(a.stamp, b.stamp));
    const Duration slack = (b.after - a.before) / 500 + 2us;
    EXPECT_GE(got, b.before - a.after - slack);
    EXPECT_LE(got, b.after - a.before + slack);
  }
}

TEST(Tick, AStampKeepsItsMoment) {
  const TickSource source(real_clock());
  const Reading taken = read(source);
  for (const Duration later : {0ms, 1ms, 5ms}) {
    const Duration slack = (read_later(source, later).after - taken.before) / 500 + 20us;
    const SteadyTime moment = source.to_mono(taken.stamp);
    EXPECT_GE(moment, taken.before - slack);
    EXPECT_LE(moment, taken.after + slack);
  }
}

TEST(Tick, TwoSourcesTellTheSameTime) {
  const TickSource first(real_clock());
  const Reading taken = read(first);
  (void)read_later(first, 2ms);
  const TickSource second(real_clock());
  const SteadyTime moment = second.to_mono(taken.stamp);
  EXPECT_GE(moment, taken.before - 100us);
  EXPECT_LE(moment, taken.after + 100us);
}

}  // namespace
}  // namespace errand
