#include <errand/retry.h>

#include <gtest/gtest.h>

#include <climits>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace errand {
namespace {

using namespace std::chrono_literals;

const Error kError(Code::failed, "smtp is down");
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

Duration wait(const Retry& retry, int attempt) {
  Rng rng(1);
  return retry.wait_after(attempt, kError, rng);
}

std::string refusal(const Retry& retry) {
  const Result<void> checked = retry.check();
  if (checked) return "fine";
  EXPECT_EQ(checked.error().code(), Code::invalid);
  return checked.error().message();
}

TEST(Retry, ImmediateWaitsForNothing) {
  for (const int attempt : {1, 2, 1000, INT_MAX}) EXPECT_EQ(wait(Retry::immediate(), attempt), 0s);
}

TEST(Retry, FixedIsAlwaysTheSame) {
  for (const int attempt : {1, 2, 1000, INT_MAX}) EXPECT_EQ(wait(Retry::fixed(5s), attempt), 5s);
}

TEST(Retry, LinearGrowsByItsStep) {
  EXPECT_EQ(wait(Retry::linear(3s), 1), 3s);
  EXPECT_EQ(wait(Retry::linear(3s), 2), 6s);
  EXPECT_EQ(wait(Retry::linear(3s), 100), 300s);
  EXPECT_EQ(wait(Retry::linear(3s, 10s), 4), 10s);
}

TEST(Retry, ExponentialDoublesUpToItsCap) {
  const Retry retry = Retry::exponential(1s, 1h).with_jitter(0);
  Duration expected = 1s;
  for (int attempt = 1; attempt <= 12; ++attempt, expected *= 2) EXPECT_EQ(wait(retry, attempt), expected) << attempt;
  for (const int attempt : {13, 14, 64, 65, 1025, INT_MAX}) EXPECT_EQ(wait(retry, attempt), 1h) << attempt;
}

TEST(Retry, ExponentialTakesAFactor) {
  const Retry retry = Retry::exponential(100ms, 1h, 1.5).with_jitter(0);
  EXPECT_EQ(wait(retry, 1), 100ms);
  EXPECT_EQ(wait(retry, 2), 150ms);
  EXPECT_EQ(wait(retry, 3), 225ms);
  EXPECT_EQ(wait(Retry::exponential(7ms, 1h, 1).with_jitter(0), INT_MAX), 7ms);
  const Duration barely_growing = wait(Retry::exponential(1s, 1h, 1.000001).with_jitter(0), 1'000'001);
  EXPECT_NEAR(std::chrono::duration<double>(barely_growing).count(), std::exp(1.0), 1e-5);
}

TEST(Retry, DefaultTakesAboutEightHoursForTwentyAttempts) {
  Rng rng(3);
  Duration sum{};
  for (int attempt = 1; attempt < 20; ++attempt) sum += Retry().wait_after(attempt, kError, rng);
  EXPECT_GT(sum, 7h);
  EXPECT_LT(sum, 9h);
  EXPECT_EQ(Retry().kind(), Retry::Kind::exponential);
}

TEST(Retry, HugeNumbersStayBetweenNothingAndTheCap) {
  const Retry policies[] = {
      Retry::fixed(Duration::max()).with_jitter(1),
      Retry::linear(Duration::max()).with_jitter(1),
      Retry::linear(1ns).with_jitter(1),
      Retry::linear(24h * 365, 24h * 365 * 200).with_jitter(0.3),
      Retry::exponential(1ns, Duration::max()),
      Retry::exponential(Duration::max(), Duration::max()).with_jitter(1),
      Retry::exponential(1s, Duration::max(), 1e300),
      Retry::exponential(1s, Duration::max(), std::numeric_limits<double>::max()).with_jitter(1),
      Retry::custom([](int, const Error&) { return Duration::max(); }).with_jitter(1),
  };
  Rng rng(5);
  for (const Retry& retry : policies) {
    ASSERT_TRUE(retry.check());
    for (const int attempt : {1, 2, 3, 62, 63, 64, 1024, 1'000'000, INT_MAX - 1, INT_MAX}) {
      for (int i = 0; i < 50; ++i) ASSERT_GE(retry.wait_after(attempt, kError, rng), 0s) << attempt;
    }
  }
}

TEST(Retry, CapHoldsWithJitter) {
  Rng rng(11);
  for (const double jitter : {0.0, 0.1, 0.5, 1.0}) {
    const Retry policies[] = {
        Retry::exponential(1s, 10s).with_jitter(jitter), Retry::linear(4s, 10s).with_jitter(jitter),
        Retry::fixed(9s).with_max(10s).with_jitter(jitter),
        Retry::custom([](int n, const Error&) { return n * 3s; }).with_max(10s).with_jitter(jitter)};
    for (const Retry& retry : policies) {
      for (int i = 0; i < 2'000; ++i) ASSERT_LE(retry.wait_after(1 + i % 40, kError, rng), 10s) << jitter;
    }
  }
}

TEST(Retry, JitterStaysWithinItsFractionAndReachesBothEnds) {
  Rng rng(13);
  for (const double jitter : {0.1, 0.25, 1.0}) {
    const Retry retry = Retry::fixed(100s).with_jitter(jitter);
    Duration least = Duration::max(), most = Duration::min();
    for (int i = 0; i < 5'000; ++i) {
      const Duration wait = retry.wait_after(1, kError, rng);
      least = std::min(least, wait);
      most = std::max(most, wait);
    }
    const auto by = std::chrono::duration_cast<Duration>(100s * jitter);
    EXPECT_GE(least, 100s - by);
    EXPECT_LE(most, 100s + by);
    EXPECT_LT(least, 100s - by + by / 50) << jitter;
    EXPECT_GT(most, 100s + by - by / 50) << jitter;
  }
}

TEST(Retry, JitterIsEven) {
  Rng rng(17);
  const Retry retry = Retry::fixed(100s).with_jitter(0.5);
  int tenths[10] = {};
  constexpr int kRounds = 20'000;
  for (int i = 0; i < kRounds; ++i) {
    const double part = (std::chrono::duration<double>(retry.wait_after(1, kError, rng)).count() - 50) / 100;
    ++tenths[std::min(9, static_cast<int>(part * 10))];
  }
  // Each tenth expects 2,000 with a standard deviation of 42; the seed is fixed, so this is no game of chance.
  for (const int count : tenths) EXPECT_NEAR(count, kRounds / 10.0, 210);
}

TEST(Retry, WaitsAtTheCapDoNotAllFallOnTheSameMoment) {
  Rng rng(19);
  const Retry retry = Retry::exponential(1s, 10s);
  int at_the_cap = 0;
  for (int i = 0; i < 1'000; ++i) {
    const Duration wait = retry.wait_after(30, kError, rng);
    ASSERT_GE(wait, 9s);
    if (wait == 10s) ++at_the_cap;
  }
  EXPECT_LE(at_the_cap, 1);
}

TEST(Retry, OnlyExponentialHasJitterByDefault) {
  const auto varies = [](const Retry& retry) {
    Rng rng(23);
    const Duration first = retry.wait_after(3, kError, rng);
    for (int i = 0; i < 20; ++i) {
      if (retry.wait_after(3, kError, rng) != first) return true;
    }
    return false;
  };
  EXPECT_TRUE(varies(Retry()));
  EXPECT_TRUE(varies(Retry::exponential(1s, 1h)));
  EXPECT_TRUE(varies(Retry::exponential(1s, 1h, 3)));
  EXPECT_FALSE(varies(Retry::exponential(1s, 1h).with_jitter(0)));
  EXPECT_FALSE(varies(Retry::fixed(5s)));
  EXPECT_FALSE(varies(Retry::linear(5s)));
  EXPECT_FALSE(varies(Retry::immediate().with_jitter(1)));
  EXPECT_FALSE(varies(Retry::custom([](int, const Error&) { return Duration(5s); })));
  EXPECT_TRUE(varies(Retry::custom([](int, const Error&) { return Duration(5s); }).with_jitter(0.5)));
}

TEST(Retry, TheSameSeedGivesTheSameWaits) {
  Rng a(29), b(29);
  for (int attempt = 1; attempt < 50; ++attempt) {
    EXPECT_EQ(Retry().wait_after(attempt, kError, a), Retry().wait_after(attempt, kError, b));
  }
}

TEST(Retry, CustomIsAskedWithAttemptAndError) {
  const Retry retry = Retry::custom([](int attempt, const Error& error) {
    return error.message() == "smtp is down" ? attempt * Duration(1s) : Duration(1h);
  });
  EXPECT_EQ(wait(retry, 4), 4s);
  Rng rng(1);
  EXPECT_EQ(retry.wait_after(4, Error(Code::failed, "other"), rng), 1h);
}

TEST(Retry, NegativeCustomWaitsCountAsZero) {
  EXPECT_EQ(wait(Retry::custom([](int, const Error&) { return Duration(-5s); }), 1), 0s);
  EXPECT_EQ(wait(Retry::custom([](int, const Error&) { return Duration::min(); }).with_jitter(1), 1), 0s);
}

TEST(Retry, AThrowingCustomFunctionFallsBackToTheDefault) {
  const Retry retry = Retry::custom([](int, const Error&) -> Duration { throw std::runtime_error("no idea"); });
  for (int attempt = 1; attempt < 30; ++attempt) EXPECT_EQ(wait(retry, attempt), wait(Retry(), attempt)) << attempt;
  EXPECT_EQ(wait(retry.with_max(2s), 20), 2s) << "the policy's own cap holds for the fallback too";
}

TEST(Retry, WithAndWhenLeaveTheOriginalAlone) {
  const Retry original = Retry::fixed(5s);
  const Retry spread = original.with_jitter(1);
  const Retry capped = Retry::linear(5s).with_max(6s);
  const Retry picky = original.when([](const Error&) { return false; });
  EXPECT_EQ(wait(original, 1), 5s);
  EXPECT_NE(wait(spread, 1), 5s);
  EXPECT_EQ(wait(capped, 2), 6s);
  EXPECT_TRUE(original.worth(kError));
  EXPECT_FALSE(picky.worth(kError));
  EXPECT_FALSE(picky.with_jitter(0.5).with_max(7s).worth(kError)) << "copies keep the function";
  EXPECT_EQ(picky.with_max(7s).kind(), Retry::Kind::fixed);
}

TEST(Retry, WhenIsAskedWithTheError) {
  const Retry retry = Retry().when([](const Error& error) { return error.message() == "smtp is down"; });
  EXPECT_TRUE(retry.worth(kError));
  EXPECT_FALSE(retry.worth(Error(Code::failed, "no such user")));
}

TEST(Retry, AThrowingPredicateCountsAsYes) {
  EXPECT_TRUE(Retry().when([](const Error&) -> bool { throw 7; }).worth(kError));
}

TEST(Retry, NoneIsNeverWorthIt) {
  EXPECT_FALSE(Retry::none().worth(kError));
  EXPECT_FALSE(Retry::none().when([](const Error&) { return true; }).worth(kError));
  EXPECT_EQ(wait(Retry::none(), 1), 0s);
}

TEST(Retry, CheckAcceptsWhatIsAllowed) {
  for (const Retry& retry :
       {Retry(), Retry::none(), Retry::immediate(), Retry::fixed(1ns), Retry::linear(1s), Retry::linear(1s, 1s),
        Retry::exponential(1s, 1s), Retry::exponential(1s, 1h, 1), Retry::fixed(1s).with_jitter(0),
        Retry::fixed(1s).with_jitter(1), Retry::immediate().with_max(0s), Retry::fixed(5s).with_max(5s),
        Retry::custom([](int, const Error&) { return Duration(1s); }).when([](const Error&) { return true; })}) {
    EXPECT_EQ(refusal(retry), "fine");
  }
}

TEST(Retry, CheckNamesTheOptionTheValueAndWhatIsAllowed) {
  const std::pair<Retry, std::string> cases[] = {
      {Retry::fixed(5s).with_max(1s), "retry: max 1s is below wait 5s; expected max >= wait"},
      {Retry::linear(5s, 1s), "retry: max 1s is below step 5s; expected max >= step"},
      {Retry::exponential(5s, 1s), "retry: max 1s is below base 5s; expected max >= base"},
      {Retry::fixed(0s), "retry: wait is 0s; expected more than 0s"},
      {Retry::linear(-250ms), "retry: step is -250ms; expected more than 0s"},
      {Retry::exponential(Duration(0), 1h), "retry: base is 0s; expected more than 0s"},
      {Retry::exponential(1s, 1h, 0.5), "retry: factor is 0.5; expected 1 or more"},
      {Retry::exponential(1s, 1h, -2), "retry: factor is -2; expected 1 or more"},
      {Retry::exponential(1s, 1h, kNan), "retry: factor is nan; expected 1 or more"},
      {Retry::exponential(1s, 1h, kInfinity), "retry: factor is inf; expected 1 or more"},
      {Retry().with_jitter(1.5), "retry: jitter is 1.5; expected 0 to 1"},
      {Retry().with_jitter(-0.1), "retry: jitter is -0.1; expected 0 to 1"},
      {Retry().with_jitter(kNan), "retry: jitter is nan; expected 0 to 1"},
      {Retry::immediate().with_max(-1s), "retry: max is -1s; expected 0s or more"},
      {Retry::custom([](int, const Error&) { return Duration(); }).with_max(-1ns),
       "retry: max is -1ns; expected 0s or more"},
      {Retry::custom(nullptr), "retry: the function of custom() is empty; expected a callable"},
      {Retry().when(nullptr), "retry: the function of when() is empty; expected a callable"},
  };
  for (const auto& [retry, message] : cases) EXPECT_EQ(refusal(retry), message);
}

// The formula of the header, in long double and without a limit, against random policies.
TEST(Retry, WaitsAreTheFormulaOfTheHeader) {
  Rng rng(31);
  for (int round = 0; round < 20'000; ++round) {
    const Duration base(1 + static_cast<std::int64_t>(rng.below(10'000'000'000)));
    const Duration max = base + Duration(static_cast<std::int64_t>(rng.below(100'000'000'000'000)));
    const double factor = 1 + rng.unit() * 3;
    const double jitter = rng.unit();
    const int attempt = 1 + static_cast<int>(rng.below(rng.below(2) == 0 ? 20 : 2'000));
    const bool linear = rng.below(2) == 0;
    const Retry retry = (linear ? Retry::linear(base, max) : Retry::exponential(base, max, factor)).with_jitter(jitter);
    ASSERT_TRUE(retry.check());
    const auto b = static_cast<long double>(base.count());
    const auto m = static_cast<long double>(max.count());
    const long double raw =
        std::fmin(m, linear ? b * attempt : b * std::pow(static_cast<long double>(factor), attempt - 1));
    const long double slack = 2 + raw * 1e-11L;
    const auto got = static_cast<long double>(retry.wait_after(attempt, kError, rng).count());
    ASSERT_GE(got, raw * (1 - jitter) - slack);
    ASSERT_LE(got, std::fmin(m, raw * (1 + jitter) + slack));
  }
}

}  // namespace
}  // namespace errand
