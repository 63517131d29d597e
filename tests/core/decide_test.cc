#include "core/decide.h"

#include <gtest/gtest.h>

#include <climits>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/time.h"
#include "core/lifecycle.h"
#include "core/text.h"

namespace errand {
namespace {

using namespace std::chrono_literals;
using How = Ended::How;

const SteadyTime kStart{1000s};

Transition decided(const Attempted& task, Ended ended, const Retry& retry = Retry::fixed(5s),
                   SteadyTime now = kStart + 1s) {
  Rng rng(1);
  return decide(task, std::move(ended), now, retry, rng);
}

Ended threw(std::string text) {
  return {.how = How::failed, .error = Error(Code::failed, text, std::make_exception_ptr(std::runtime_error(text)))};
}

Ended said(Outcome outcome) {
  return {.how = How::outcome, .outcome = std::move(outcome)};
}

constexpr Attempted first_of(int max_attempts) {
  return {.max_attempts = max_attempts, .first_started = kStart};
}

Attempted stopped(StopReason stop, bool outlived_grace = false) {
  return {.max_attempts = 5, .first_started = kStart, .stop = stop, .outlived_grace = outlived_grace};
}

std::string text_of(const Transition& transition) {
  return transition.error ? transition.error->message() : "none";
}

TEST(Decide, AReturnCompletes) {
  const Transition t = decided(first_of(1), {});
  EXPECT_EQ(t.to, TaskState::completed);
  EXPECT_FALSE(t.gives_back);
  EXPECT_FALSE(t.error);
}

TEST(Decide, AThrowIsRetriedWhileAttemptsAreLeft) {
  Attempted task = first_of(3);
  for (task.attempt = 1; task.attempt < 3; ++task.attempt) {
    const Transition t = decided(task, threw("boom"));
    EXPECT_EQ(t.to, TaskState::retryable);
    EXPECT_EQ(t.wait, 5s);
    EXPECT_FALSE(t.gives_back) << "a failed attempt counts";
    EXPECT_EQ(text_of(t), "boom");
  }
  EXPECT_EQ(decided(task, threw("boom")).to, TaskState::discarded);
}

TEST(Decide, ExhaustedAttemptsDoNotHideTheRealError) {
  Attempted task = first_of(3);
  task.attempt = 3;
  const Ended ended = threw("smtp is down");
  const Transition t = decided(task, ended);
  EXPECT_EQ(t.to, TaskState::discarded);
  EXPECT_EQ(text_of(t), "smtp is down (gave up: attempt 3 of 3)");
  EXPECT_EQ(t.error->exception(), ended.error->exception());
  EXPECT_EQ(t.error->code(), Code::failed);
}

TEST(Decide, UnlimitedAttemptsNeverEnd) {
  Attempted task = first_of(unlimited);
  for (const int attempt : {1, 2, 1'000'000, INT_MAX}) {
    task.attempt = attempt;
    EXPECT_EQ(decided(task, threw("boom")).to, TaskState::retryable) << attempt;
  }
}

TEST(Decide, AnErrorKeepsItsOwnCode) {
  const Transition t =
      decided(first_of(1), {.how = How::failed, .error = Error(Code::unavailable, "no answer from the server")});
  EXPECT_EQ(t.error->code(), Code::unavailable);
}

TEST(Decide, DoNotRetryEndsTheTaskAtOnce) {
  Ended ended = threw("no such user");
  ended.worth_retrying = false;
  const Transition t = decided(first_of(unlimited), ended);
  EXPECT_EQ(t.to, TaskState::discarded);
  EXPECT_EQ(text_of(t), "no such user (gave up: not worth retrying)");
}

TEST(Decide, ThePolicyMaySayNo) {
  const Retry picky = Retry::fixed(5s).when([](const Error& error) { return error.message() == "boom"; });
  EXPECT_EQ(decided(first_of(5), threw("boom"), picky).to, TaskState::retryable);
  const Transition t = decided(first_of(5), threw("no such user"), picky);
  EXPECT_EQ(t.to, TaskState::discarded);
  EXPECT_EQ(text_of(t), "no such user (gave up: the retry policy says no)");
  EXPECT_EQ(decided(first_of(5), said(retry_after(1s, "boom")), Retry::none()).to, TaskState::discarded);
}

TEST(Decide, NoPredicateIsAskedWithoutAnAttemptLeft) {
  int asked = 0;
  const Retry counting = Retry::fixed(5s).when([&asked](const Error&) { return ++asked > 0; });
  EXPECT_EQ(decided(first_of(1), threw("boom"), counting).to, TaskState::discarded);
  EXPECT_EQ(asked, 0);
  EXPECT_EQ(decided(first_of(2), threw("boom"), counting).to, TaskState::retryable);
  EXPECT_EQ(asked, 1);
}

TEST(Decide, TheBodysOwnWaitBeatsThePolicys) {
  EXPECT_EQ(decided(first_of(5), said(retry("smtp is down"))).wait, 5s);
  EXPECT_EQ(decided(first_of(5), said(retry_after(1min, "smtp is down"))).wait, 1min);
  EXPECT_EQ(decided(first_of(5), said(retry_after(-1s, "smtp is down"))).wait, 0s);
  EXPECT_EQ(decided(first_of(5), said(retry_after(0s, "smtp is down"))).to, TaskState::retryable);
}

TEST(Decide, AnExplicitRetryUsesUpAttempts) {
  Attempted task = first_of(2);
  task.attempt = 2;
  const Transition t = decided(task, said(retry_after(1s, "smtp is down")));
  EXPECT_EQ(t.to, TaskState::discarded);
  EXPECT_EQ(text_of(t), "smtp is down (gave up: attempt 2 of 2)");
}

TEST(Decide, ASnoozeGivesItsAttemptBack) {
  const Transition t = decided(first_of(1), said(snooze(1min)));
  EXPECT_EQ(t.to, TaskState::scheduled);
  EXPECT_EQ(t.wait, 1min);
  EXPECT_TRUE(t.gives_back);
  EXPECT_FALSE(t.error) << "a snooze leaves the last error as it was";
  EXPECT_EQ(decided(first_of(1), said(snooze(-1min))).wait, 0s);
}

TEST(Decide, NoWaitIsSoLongThatNowPlusItOverflows) {
  EXPECT_EQ(decided(first_of(1), said(snooze(Duration::max()))).wait, kLongestWait);
  EXPECT_EQ(decided(first_of(2), said(retry_after(Duration::max(), "w"))).wait, kLongestWait);
  EXPECT_EQ(decided(first_of(2), threw("w"), Retry::fixed(Duration::max())).wait, kLongestWait);
  EXPECT_GT(WallTime(std::chrono::sys_days(std::chrono::year(2100) / 1 / 1)) + kLongestWait,
            WallTime(std::chrono::sys_days(std::chrono::year(2199) / 1 / 1)));
}

TEST(Decide, CancelAndDiscardEndTheTaskWithTheirReason) {
  const Transition cancelled = decided(first_of(5), said(cancel("order was withdrawn")));
  EXPECT_EQ(cancelled.to, TaskState::cancelled);
  EXPECT_EQ(cancelled.error->code(), Code::cancelled);
  EXPECT_EQ(text_of(cancelled), "order was withdrawn");
  const Transition discarded = decided(first_of(5), said(discard("no such user")));
  EXPECT_EQ(discarded.to, TaskState::discarded);
  EXPECT_EQ(discarded.error->code(), Code::discarded);
  EXPECT_EQ(text_of(discarded), "no such user");
}

TEST(Decide, FinalOutcomesWithoutAReasonStillHaveAnError) {
  EXPECT_EQ(text_of(decided(first_of(1), said(cancel("")))), "cancelled by its own body");
  EXPECT_EQ(text_of(decided(first_of(1), said(discard("")))), "discarded by its own body");
  EXPECT_EQ(text_of(decided(first_of(2), said(retry("")))), "the body asked for a retry");
}

TEST(Decide, AnInterruptedAttemptFollowsTheReasonOfItsStop) {
  for (const Ended& ended : {Ended{}, threw("interrupted")}) {
    EXPECT_EQ(decided(stopped(StopReason::cancelled), ended).to, TaskState::cancelled);
    EXPECT_EQ(decided(stopped(StopReason::caller), ended).to, TaskState::cancelled);
    EXPECT_EQ(decided(stopped(StopReason::timed_out), ended).to, TaskState::retryable);
    EXPECT_EQ(decided(stopped(StopReason::shutting_down), ended).to, TaskState::available);
    EXPECT_EQ(decided(stopped(StopReason::lease_lost), ended).to, TaskState::available);
  }
}

TEST(Decide, ShutdownDoesNotChargeTheAttempt) {
  Attempted task = stopped(StopReason::shutting_down);
  task.attempt = task.max_attempts;
  const Transition t = decided(task, threw("interrupted"));
  EXPECT_EQ(t.to, TaskState::available);
  EXPECT_TRUE(t.gives_back);
  EXPECT_EQ(t.wait, 0s);
  EXPECT_FALSE(t.error) << "the last real error stays";
}

TEST(Decide, ATimeoutIsAFailedAttempt) {
  Attempted task = stopped(StopReason::timed_out);
  const Transition again = decided(task, {});
  EXPECT_EQ(again.to, TaskState::retryable);
  EXPECT_FALSE(again.gives_back);
  EXPECT_EQ(text_of(again), "timed out");
  EXPECT_EQ(text_of(decided(task, threw("read failed"))), "timed out: read failed");
  task.attempt = 5;
  const Transition last = decided(task, {});
  EXPECT_EQ(last.to, TaskState::discarded);
  EXPECT_EQ(text_of(last), "timed out (gave up: attempt 5 of 5)");
}

TEST(Decide, AnExplicitOutcomeWithinGraceStands) {
  for (const StopReason stop : {StopReason::none, StopReason::cancelled, StopReason::timed_out,
                                StopReason::shutting_down, StopReason::lease_lost, StopReason::caller}) {
    EXPECT_EQ(decided(stopped(stop), said(done())).to, TaskState::completed) << to_string(stop);
    EXPECT_EQ(decided(stopped(stop), said(discard("no"))).to, TaskState::discarded) << to_string(stop);
    EXPECT_EQ(decided(stopped(stop), said(cancel("no"))).to, TaskState::cancelled) << to_string(stop);
  }
  EXPECT_EQ(decided(stopped(StopReason::timed_out), said(snooze(1s))).to, TaskState::scheduled);
  EXPECT_EQ(decided(stopped(StopReason::shutting_down), said(snooze(1s))).to, TaskState::scheduled);
  EXPECT_EQ(decided(stopped(StopReason::shutting_down), said(retry("w"))).to, TaskState::retryable);
}

TEST(Decide, ACancelledTaskDoesNotComeBack) {
  for (const StopReason stop : {StopReason::cancelled, StopReason::caller}) {
    const Transition snoozed = decided(stopped(stop), said(snooze(1s)));
    EXPECT_EQ(snoozed.to, TaskState::cancelled);
    EXPECT_FALSE(snoozed.gives_back);
    EXPECT_EQ(text_of(snoozed), "cancelled while it ran");
    const Transition retried = decided(stopped(stop), said(retry("smtp is down")));
    EXPECT_EQ(retried.to, TaskState::cancelled);
    EXPECT_EQ(text_of(retried), "cancelled while it ran: smtp is down");
    EXPECT_EQ(retried.error->code(), Code::cancelled);
  }
}

TEST(Decide, ADoneAfterTheGracePeriodHasTimedOut) {
  for (const Outcome& late : {done(), snooze(1s)}) {
    const Transition t = decided(stopped(StopReason::timed_out, true), said(late));
    EXPECT_EQ(t.to, TaskState::retryable);
    EXPECT_FALSE(t.gives_back);
    EXPECT_EQ(t.wait, 5s) << "the policy's wait, not the late snooze's";
    EXPECT_EQ(text_of(t), "timed out, and ended after the grace period");
  }
  EXPECT_EQ(decided(stopped(StopReason::timed_out, true), said(cancel("no"))).to, TaskState::cancelled);
  EXPECT_EQ(decided(stopped(StopReason::timed_out, true), said(discard("no"))).to, TaskState::discarded);
  EXPECT_EQ(text_of(decided(stopped(StopReason::timed_out, true), said(retry("own words")))), "own words");
}

TEST(Decide, MaxElapsedIncludesTheWait) {
  Attempted task = first_of(unlimited);
  task.max_elapsed = 30s;
  EXPECT_EQ(decided(task, threw("boom"), Retry::fixed(5s), kStart + 25s).to, TaskState::retryable);
  const Transition t = decided(task, threw("boom"), Retry::fixed(5s), kStart + 25s + 1ns);
  EXPECT_EQ(t.to, TaskState::discarded);
  EXPECT_EQ(text_of(t), "boom (gave up: max_elapsed of 30s would be over)");
  EXPECT_EQ(decided(task, threw("boom"), Retry::immediate(), kStart + 31s).to, TaskState::discarded);
  EXPECT_EQ(decided(task, said(retry_after(29s, "boom")), Retry::fixed(5s), kStart + 2s).to, TaskState::discarded);
}

TEST(Decide, ASnoozeKeepsToMaxElapsed) {
  Attempted task = first_of(1);
  task.max_elapsed = 30s;
  EXPECT_EQ(decided(task, said(snooze(5s)), Retry(), kStart + 25s).to, TaskState::scheduled);
  const Transition t = decided(task, said(snooze(5s)), Retry(), kStart + 26s);
  EXPECT_EQ(t.to, TaskState::discarded);
  EXPECT_EQ(text_of(t), "snoozed (gave up: max_elapsed of 30s would be over)");
}

TEST(Decide, AnyMomentsAreTaken) {
  Attempted task = first_of(unlimited);
  for (const Duration limit : {Duration::min(), Duration(0), Duration::max()}) {
    task.max_elapsed = limit;
    for (const SteadyTime first : {SteadyTime::min(), SteadyTime(), SteadyTime::max()}) {
      task.first_started = first;
      for (const SteadyTime now : {SteadyTime::min(), SteadyTime(), SteadyTime::max()}) {
        const bool in_time = (limit == Duration::max() || (limit == Duration(0) && now <= first));
        EXPECT_EQ(decided(task, threw("boom"), Retry::immediate(), now).to,
                  in_time ? TaskState::retryable : TaskState::discarded);
      }
    }
  }
}

TEST(Decide, KeptErrorsAreCleanAndBounded) {
  const std::string hostile = std::string(100'000, '\xFF') + '\0';
  const Outcome outcomes[] = {retry(hostile), retry_after(1s, hostile), cancel(hostile), discard(hostile)};
  for (const int max_attempts : {1, 2}) {
    for (const Outcome& outcome : outcomes) {
      const Transition t = decided(first_of(max_attempts), said(outcome));
      ASSERT_TRUE(t.error);
      EXPECT_EQ(t.error->message(), clean_text(t.error->message()));
    }
    for (const bool worth : {true, false}) {
      Ended ended = threw(hostile);
      ended.worth_retrying = worth;
      const Transition t = decided(first_of(max_attempts), ended);
      EXPECT_EQ(t.error->message(), clean_text(t.error->message()));
      EXPECT_EQ(text_of(t).ends_with(" (gave up: not worth retrying)"), !worth);
    }
  }
  EXPECT_LE(text_of(decided(stopped(StopReason::cancelled), threw(hostile))).size(), kMaxErrorText);
  EXPECT_LE(text_of(decided(stopped(StopReason::timed_out), threw(hostile))).size(), kMaxErrorText);
  EXPECT_LE(text_of(decided(stopped(StopReason::cancelled), said(retry(hostile)))).size(), kMaxErrorText);
}

// The oracle: the rules of decide.h as a list of questions, the first that fits giving the answer. It shares nothing
// with decide.cc and speaks of one fixed policy, a wait of 5 s.
struct Case {
  Attempted task;
  Ended ended;
  Duration elapsed;
  bool none;      // the policy is none()
  bool declines;  // its when() says no
};

struct Answer {
  TaskState to;
  Duration wait{};
  bool gives_back = false;
  std::string error{"none"};
};

std::string either(const std::string& text, const std::string& without) {
  return text.empty() ? without : text;
}

// Why a failed attempt is the last one, or nothing if another one follows.
std::string last_because(const Case& c, bool too_late) {
  const Attempted& t = c.task;
  if (c.ended.how == How::failed && !c.ended.worth_retrying) return "not worth retrying";
  if (t.max_attempts >= 0 && t.attempt >= t.max_attempts) {
    return "attempt " + std::to_string(t.attempt) + " of " + std::to_string(t.max_attempts);
  }
  if (c.none || c.declines) return "the retry policy says no";
  return too_late ? "max_elapsed of " + to_text(*t.max_elapsed) + " would be over" : "";
}

Answer oracle(const Case& c) {
  const StopReason stop = c.task.stop;
  const bool late = c.task.outlived_grace;
  const Outcome& outcome = c.ended.outcome;
  const auto says = [&](Outcome::Kind kind) { return c.ended.how == How::outcome && outcome.kind == kind; };
  const bool snoozes = says(Outcome::Kind::snooze) && !late;
  const bool retries = says(Outcome::Kind::retry);
  const bool asked_to_end = stop == StopReason::cancelled || stop == StopReason::caller;
  const bool taken_away = stop == StopReason::shutting_down || stop == StopReason::lease_lost;

  if (says(Outcome::Kind::cancel)) {
    return {TaskState::cancelled, {}, false, either(outcome.why, "cancelled by its own body")};
  }
  if (says(Outcome::Kind::discard)) {
    return {TaskState::discarded, {}, false, either(outcome.why, "discarded by its own body")};
  }
  if (says(Outcome::Kind::done) && !late) return {TaskState::completed};
  if (c.ended.how == How::returned && stop == StopReason::none && !late) return {TaskState::completed};

  const std::string thrown = c.ended.error ? c.ended.error->message() : "";
  if (asked_to_end) {
    const std::string words = retries || snoozes ? outcome.why : thrown;
    return {TaskState::cancelled, {}, false, "cancelled while it ran" + (words.empty() ? "" : ": " + words)};
  }
  if (taken_away && !retries && !snoozes) return {TaskState::available, {}, true};

  Duration wait = c.none ? 0s : 5s;
  if ((retries || snoozes) && outcome.after) wait = *outcome.after < 0s ? Duration(0) : *outcome.after;
  const bool too_late = c.task.max_elapsed && c.elapsed + wait > *c.task.max_elapsed;
  if (snoozes && !too_late) return {TaskState::scheduled, wait, true, either(outcome.why, "none")};

  std::string error = either(thrown, "the body failed without saying why");
  const std::string timed_out = late ? "timed out, and ended after the grace period" : "timed out";
  if (late || stop == StopReason::timed_out) error = timed_out + (thrown.empty() ? "" : ": " + thrown);
  if (retries) error = either(outcome.why, "the body asked for a retry");
  if (snoozes) error = either(outcome.why, "snoozed");
  std::string because = last_because(c, too_late);
  if (snoozes) because = "max_elapsed of " + to_text(*c.task.max_elapsed) + " would be over";
  if (because.empty()) return {TaskState::retryable, wait, false, error};
  // Without a second attempt from the start there was nothing to give up.
  if (c.task.max_attempts == 1 && because.starts_with("attempt ")) return {TaskState::discarded, {}, false, error};
  return {TaskState::discarded, {}, false, error + " (gave up: " + because + ")"};
}

const std::optional<Duration> kWaits[] = {{}, -1s, 0s, 7s};
const std::optional<Duration> kLimits[] = {{}, 0s, 8s, 1h};

std::vector<Ended> all_endings() {
  std::vector<Ended> endings = {{}, {.how = How::failed}, threw("boom"), threw("boom")};
  endings.back().worth_retrying = false;
  using Kind = Outcome::Kind;
  for (const Kind kind : {Kind::done, Kind::retry, Kind::snooze, Kind::cancel, Kind::discard}) {
    for (const std::optional<Duration>& after : kWaits) {
      for (const char* why : {"", "reason"}) endings.push_back(said({kind, after, why}));
    }
  }
  return endings;
}

std::vector<Attempted> all_tasks() {
  std::vector<Attempted> tasks;
  for (const int attempt : {1, 2, 3}) {
    for (const int max_attempts : {unlimited, 0, 1, 3}) {
      for (const std::optional<Duration>& limit : kLimits) {
        for (int stop = 0; stop <= static_cast<int>(StopReason::caller); ++stop) {
          for (const bool late : {false, true}) {
            tasks.push_back({attempt, max_attempts, kStart, limit, static_cast<StopReason>(stop), late});
          }
        }
      }
    }
  }
  return tasks;
}

std::string describe(const Case& c) {
  return "how " + std::to_string(static_cast<int>(c.ended.how)) + ", outcome " +
         std::to_string(static_cast<int>(c.ended.outcome.kind)) + " after " +
         (c.ended.outcome.after ? to_text(*c.ended.outcome.after) : "unset") + ", attempt " +
         std::to_string(c.task.attempt) + " of " + std::to_string(c.task.max_attempts) + ", stop " +
         std::string(to_string(c.task.stop)) + (c.task.outlived_grace ? ", late" : "") + ", elapsed " +
         to_text(c.elapsed) + " of " + (c.task.max_elapsed ? to_text(*c.task.max_elapsed) : "any") +
         (c.none ? ", none()" : "") + (c.declines ? ", declines" : "");
}

TEST(Decide, AgreesWithTheRulesEverywhere) {
  struct Policy {
    Retry retry;
    bool none;
    bool declines;
  };
  const Policy policies[] = {{Retry::fixed(5s), false, false},
                             {Retry::none(), true, false},
                             {Retry::fixed(5s).when([](const Error&) { return false; }), false, true}};
  const std::vector<Ended> endings = all_endings();
  int cases = 0;
  for (const Attempted& task : all_tasks()) {
    for (const Ended& ended : endings) {
      for (const Policy& policy : policies) {
        for (const Duration elapsed : {Duration(0), Duration(1s), Duration(3s), Duration(9s)}) {
          const Case c{task, ended, elapsed, policy.none, policy.declines};
          const Answer expected = oracle(c);
          const Transition t = decided(task, ended, policy.retry, kStart + elapsed);
          ++cases;
          ASSERT_EQ(t.to, expected.to) << describe(c);
          ASSERT_EQ(t.wait, expected.wait) << describe(c);
          ASSERT_EQ(t.gives_back, expected.gives_back) << describe(c);
          ASSERT_EQ(text_of(t), expected.error) << describe(c);
          ASSERT_TRUE(allowed(TaskState::running, t.to)) << describe(c);
        }
      }
    }
  }
  EXPECT_EQ(cases, 3 * 4 * 4 * 6 * 2 * 44 * 3 * 4);
}

TEST(Decide, OnlyAttemptsThatComeBackWithoutBlameAreGivenBack) {
  for (const Attempted& task : all_tasks()) {
    for (const Ended& ended : all_endings()) {
      const Transition t = decided(task, ended);
      ASSERT_EQ(t.gives_back, t.to == TaskState::scheduled || t.to == TaskState::available);
      if (t.to == TaskState::discarded || t.to == TaskState::cancelled || t.to == TaskState::retryable) {
        ASSERT_TRUE(t.error) << "an attempt that did not succeed says why";
      }
    }
  }
}

}  // namespace
}  // namespace errand
