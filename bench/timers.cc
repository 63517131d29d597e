// W6: a million timers within 2 s, and a million far ones that are cancelled.

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <memory>
#include <random>

#include "measure.h"
#include "pools.h"
#include "suite.h"

namespace bench {

namespace {

using namespace std::chrono_literals;

// A body that says how late it was.
struct Late {
  SteadyClock::time_point due;
  double* us;
  Bodies* bodies;
  void operator()() const {
    *us = std::chrono::duration<double, std::micro>(SteadyClock::now() - due).count();
    bodies->one();
  }
};

// `cancel_far(count)`: schedules so many, then returns what cancelling them took, in seconds. `schedule(delay, body)`.
template <class CancelFar, class Schedule>
std::vector<double> run(std::uint64_t count, CancelFar cancel_far, Schedule schedule) {
  auto bodies = std::make_unique<Bodies>();
  const double cancelling = cancel_far(count);
  std::vector<double> late(count);
  std::mt19937_64 random(7);
  std::uniform_int_distribution<std::int64_t> within(0, 2'000'000'000);
  const double cpu_before = cpu_seconds();
  const auto start = SteadyClock::now();
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::chrono::nanoseconds delay(within(random));
    schedule(delay, Late{SteadyClock::now() + delay, &late[i], bodies.get()});
  }
  const double scheduling = seconds_since(start);
  bodies->wait_for(count);
  const double cpu = cpu_seconds() - cpu_before;
  const auto millions = static_cast<double>(count) / 1e6;
  return {millions / scheduling, millions / cancelling, quantile(late, 0.5), quantile(late, 0.99), cpu};
}

std::vector<double> errand_timers(std::uint64_t count) {
  errand::Queue queue({.workers = 1});
  return run(
      count,
      [&](std::uint64_t far) {
        std::vector<errand::TaskId> ids;
        ids.reserve(far);
        for (std::uint64_t i = 0; i < far; ++i) ids.push_back(queue.submit_in(1h, Nothing{}).id());
        const auto start = SteadyClock::now();
        for (const errand::TaskId id : ids) demand(queue.cancel(id).has_value(), "a timer was not there to cancel");
        return seconds_since(start);
      },
      [&](std::chrono::nanoseconds delay, const Late& body) { queue.submit_in(delay, body); });
}

std::vector<double> asio_timers(std::uint64_t count) {
  using Timer = boost::asio::steady_timer;
  boost::asio::io_context context(1);
  auto work = boost::asio::make_work_guard(context);
  std::thread thread([&] { context.run(); });
  std::deque<Timer> timers;
  const auto add = [&](std::chrono::nanoseconds delay, auto body) {
    timers.emplace_back(context, delay);
    timers.back().async_wait([body](const boost::system::error_code& error) {
      if (!error) body();
    });
  };
  auto figures = run(
      count,
      [&](std::uint64_t far) {
        for (std::uint64_t i = 0; i < far; ++i) add(1h, Nothing{});
        const auto start = SteadyClock::now();
        for (Timer& timer : timers) timer.cancel();
        return seconds_since(start);
      },
      add);
  work.reset();
  thread.join();
  return figures;
}

}  // namespace

void timers(Suite& suite) {
  const std::uint64_t million = suite.scale.of(1e6);
  suite.measure_several(
      {{"W6 timers scheduled", "M tasks/s", true, {}, 0},
       {"W6 far timers cancelled", "M tasks/s", true, {}, 0},
       {"W6 lateness, p50", "us", false, {}, 0},
       {"W6 lateness, p99", "us", false, {}, 0},
       {"W6 processor time", "s", false, {}, 0}},
      {{"errand", [=] { return errand_timers(million); }}, {"Boost.Asio", [=] { return asio_timers(million); }}});
}

}  // namespace bench
