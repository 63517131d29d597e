#pragma once
// Work on a store that has a bad time: tasks are enqueued and run, an outage comes and goes, and the account has to be
// right in the end.

#include <errand/errand.h>
#include <errand/sqlite.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <functional>
#include <string>
#include <thread>

#include "account.h"
#include "effort.h"

class Work {
 public:
  using Steady = std::chrono::steady_clock;

  explicit Work(const errand::SqliteStore& store)
      : store_(store), queue_({.name = "work", .workers = 2, .store = store, .close = {.timeout = kSoon}}) {
    queue_.handle("count", [this](std::span<const std::byte> bytes) {
      const std::string_view payload(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      account.started(payload);
      account.succeeded(payload);
    });
  }

  /// So many, one after the other, with payloads of about so many bytes. Returns how many were taken; with
  /// `until_refused` the first error ends it.
  int enqueue(int count, std::size_t bytes = 100, bool until_refused = false) {
    int taken = 0;
    for (int i = 0; i < count; ++i) {
      const int number = account.intend();
      std::string payload = std::to_string(number) + ' ';
      payload.resize(std::max(payload.size(), bytes), '.');
      const auto task = queue_.enqueue_bytes("count", std::as_bytes(std::span(payload)));
      if (task) {
        account.acknowledged(number);
        ++taken;
        continue;
      }
      account.refused(number);
      error_ = task.error();
      if (until_refused) break;
    }
    return taken;
  }

  /// Of the last refusal.
  [[nodiscard]] const errand::Error& error() const { return error_; }

  /// While the outage lasts enqueues are refused, with `why`, and hardly any time is spent.
  void endure(Steady::duration outage, const std::string& why, std::size_t bytes = 100,
              errand::Code code = errand::Code::unavailable) {
    const auto began = Steady::now();
    const double cpu_before = cpu_seconds();
    int refusals = 0;
    while (Steady::now() - began < outage) {
      EXPECT_EQ(enqueue(1, bytes), 0) << "the outage is none";
      EXPECT_EQ(error_.code(), code) << error_.message();
      EXPECT_NE(error_.message().find(why), std::string::npos) << error_.message();
      ++refusals;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    const std::chrono::duration<double> took = Steady::now() - began;
    const double used = (cpu_seconds() - cpu_before) / took.count();
    most_cpu_ = std::max(most_cpu_, used);
    // Slices run under sanitizers too, where all takes longer: who spins takes a whole one.
    EXPECT_LT(used, by_effort(0.5, 0.05, 0.05)) << "it spins";
    EXPECT_GT(refusals, 0);
  }

  /// The outage is over. The queue finds out by itself: nobody calls it.
  void heal(std::chrono::seconds within = std::chrono::seconds(6)) {
    const auto began = Steady::now();
    while (account.unfinished() > 0 || !queue_.wait_idle(std::chrono::milliseconds(1))) {
      ASSERT_LT(Steady::now() - began, kSoon) << "it does not heal: " << account.unfinished() << " are left";
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    longest_ = std::max(longest_, Steady::now() - began);
    // Its back-off is 5 s at most, after a long outage; the rest is for a machine that has other things to do.
    EXPECT_LT(Steady::now() - began, effort() == Effort::slice ? std::chrono::seconds(30) : within);
  }

  /// In the end: everything is over, and as it was said.
  void expect_clean(Figures& figures) {
    const Account::Verdict verdict = account.check(*store_.operator->(), errand::real_clock()->now(), true);
    EXPECT_TRUE(verdict.clean()) << text_of(verdict);
    EXPECT_EQ(verdict.again, 0);
    figures.count("acknowledged", account.acked()).count("lost", verdict.lost).count("ghosts", verdict.ghosts);
    figures.count("ran again", verdict.forbidden).count("stuck", verdict.stuck);
    figures.count("ms to heal", std::chrono::duration_cast<std::chrono::milliseconds>(longest_).count());
    figures.count("per mille of a CPU in the outage", static_cast<int>(most_cpu_ * 1000));
  }

  Account account;

 private:
  static constexpr std::chrono::seconds kSoon{120};

  static double cpu_seconds() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const auto seconds = [](const timeval& time) { return static_cast<double>(time.tv_sec) + 1e-6 * time.tv_usec; };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
  }

  const errand::SqliteStore store_;
  errand::Error error_{errand::Code::failed, "there was none"};
  double most_cpu_ = 0;
  Steady::duration longest_{};
  errand::Queue queue_;
};
