// W6: a million timers within 2 s, and a million far ones that are cancelled.

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <functional>
#include <future>
#include <limits>
#include <memory>
#include <numeric>
#include <queue>
#include <random>
#include <unordered_map>

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
        const double took = seconds_since(start);
        // Behind the handlers that hear of it, which would run during what comes next.
        std::promise<void> heard;
        boost::asio::post(context, [&] { heard.set_value(); });
        heard.get_future().wait();
        timers.clear();
        return took;
      },
      add);
  work.reset();
  thread.join();
  return figures;
}

// What everybody writes first: a heap, a mutex, a thread that sleeps until the next one is due. What is cancelled stays
// in the heap until then.
class HeapTimers {
 public:
  HeapTimers() : thread_([this] { work(); }) {}
  ~HeapTimers() {
    {
      const std::lock_guard lock(mutex_);
      stops_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  std::uint64_t schedule(std::chrono::nanoseconds delay, std::function<void()> body) {
    const auto due = SteadyClock::now() + delay;
    const std::lock_guard lock(mutex_);
    const std::uint64_t id = ++last_;
    bodies_.emplace(id, std::move(body));
    const bool first = heap_.empty() || due < heap_.top().first;
    heap_.emplace(due, id);
    if (first) changed_.notify_one();
    return id;
  }
  bool cancel(std::uint64_t id) {
    const std::lock_guard lock(mutex_);
    return bodies_.erase(id) != 0;
  }

 private:
  using Due = std::pair<SteadyClock::time_point, std::uint64_t>;

  void work() {
    std::unique_lock lock(mutex_);
    while (!stops_) {
      if (heap_.empty()) {
        changed_.wait(lock);
      } else if (const auto due = heap_.top().first; due > SteadyClock::now()) {
        changed_.wait_until(lock, due);
      } else {
        auto body = bodies_.extract(heap_.top().second);
        heap_.pop();
        if (!body) continue;
        lock.unlock();
        body.mapped()();
        lock.lock();
      }
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> heap_;
  std::unordered_map<std::uint64_t, std::function<void()>> bodies_;
  std::uint64_t last_ = 0;
  bool stops_ = false;
  std::thread thread_;
};

std::vector<double> heap_timers(std::uint64_t count) {
  HeapTimers timers;
  return run(
      count,
      [&](std::uint64_t far) {
        std::vector<std::uint64_t> ids;
        ids.reserve(far);
        for (std::uint64_t i = 0; i < far; ++i) ids.push_back(timers.schedule(1h, Nothing{}));
        const auto start = SteadyClock::now();
        for (const std::uint64_t id : ids) demand(timers.cancel(id), "a timer was not there to cancel");
        return seconds_since(start);
      },
      [&](std::chrono::nanoseconds delay, const Late& body) { timers.schedule(delay, body); });
}

// The limit: memory that is there before, a slot for each microsecond, a thread that spins, and a mark in place of a
// cancel. Nobody could sleep, or ask about a timer.
class SpinningTimers {
 public:
  explicit SpinningTimers(std::uint64_t count) : places_(count), slots_(kSlots) {}
  ~SpinningTimers() {
    stops_.store(true);
    thread_.join();
  }
  void schedule(std::chrono::nanoseconds delay, const Late& body) {
    Place& place = places_[used_++];
    place.body = body;
    auto slot = static_cast<std::size_t>((SteadyClock::now() - start_ + delay) / 1us);
    while (!push(slots_[std::min(slot, kSlots - 1)], place)) ++slot;
  }
  void cancel_all() {
    for (std::uint64_t i = 0; i < used_; ++i) places_[i].cancelled = true;
  }

 private:
  struct Place {
    Late body;
    Place* next;
    bool cancelled = false;
  };
  using Slots = std::vector<std::atomic<Place*>>;
  static constexpr std::size_t kSlots = 5'000'000;

  // False where the slot's time is over.
  bool push(std::atomic<Place*>& slot, Place& place) {
    place.next = slot.load(std::memory_order_relaxed);
    do {
      if (place.next == &over_) return false;
    } while (!slot.compare_exchange_weak(place.next, &place, std::memory_order_release, std::memory_order_relaxed));
    return true;
  }
  void work() {
    for (std::size_t slot = 0; !stops_.load(std::memory_order_relaxed);) {
      const auto now = static_cast<std::size_t>((SteadyClock::now() - start_) / 1us);
      for (; slot < std::min(now, kSlots - 1); ++slot) {
        for (Place* due = slots_[slot].exchange(&over_, std::memory_order_acquire); due != nullptr; due = due->next) {
          if (!due->cancelled) due->body();
        }
      }
    }
  }

  std::vector<Place> places_;
  std::uint64_t used_ = 0;
  Slots slots_;
  Place over_{};
  std::atomic<bool> stops_{false};
  const SteadyClock::time_point start_ = SteadyClock::now();
  std::thread thread_{[this] { work(); }};
};

std::vector<double> spinning_timers(std::uint64_t count) {
  SpinningTimers timers(2 * count);
  auto figures = run(
      count,
      [&](std::uint64_t far) {
        for (std::uint64_t i = 0; i < far; ++i) timers.schedule(1h, Late{});
        const auto start = SteadyClock::now();
        timers.cancel_all();
        return seconds_since(start);
      },
      [&](std::chrono::nanoseconds delay, const Late& body) { timers.schedule(delay, body); });
  // Who spins needs as much as there is: that is no limit.
  figures.back() = std::numeric_limits<double>::quiet_NaN();
  return figures;
}

// A queue in which many timers wait, none of them due for an hour.
class Crowd {
 public:
  explicit Crowd(std::uint64_t waiting) : waiting_(waiting) {
    for (std::uint64_t i = 0; i < waiting; ++i) add();
  }
  // What it costs to schedule one more and to cancel it again, in ns. Cancelled in another order than they were
  // scheduled in, since neighbours are in the cache.
  double schedule_and_cancel(std::uint64_t count) {
    std::vector<errand::TaskId> ids(count);
    std::vector<std::size_t> order(count);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::shuffle(order.begin(), order.end(), random_);
    const auto start = SteadyClock::now();
    for (errand::TaskId& id : ids) id = add();
    for (const std::size_t i : order) demand(queue_.cancel(ids[i]).has_value(), "a timer was not there to cancel");
    const double took = seconds_since(start);
    demand(queue_.stats().scheduled == waiting_, "timers that nobody cancelled are gone");
    return took / static_cast<double>(count) * 1e9;
  }

  // The processor time that it costs to schedule one that is due soon and to run it, in ns.
  double schedule_and_fire(std::uint64_t count) {
    auto bodies = std::make_unique<Bodies>();
    const double before = cpu_seconds();
    for (std::uint64_t i = 0; i < count; ++i)
      queue_.submit_in(std::chrono::nanoseconds(within_(random_)) / 36'000, Nothing{bodies.get(), i, 0});
    bodies->wait_for(count);
    const double took = cpu_seconds() - before;
    demand(queue_.stats().scheduled == waiting_, "timers that are not due are gone");
    return took / static_cast<double>(count) * 1e9;
  }

 private:
  errand::TaskId add() { return queue_.submit_in(1h + std::chrono::nanoseconds(within_(random_)), Nothing{}).id(); }

  const std::uint64_t waiting_;
  errand::Queue queue_{{.workers = 1, .close = {.drain = errand::Drain::none}}};
  std::mt19937_64 random_{7};
  std::uniform_int_distribution<std::int64_t> within_{0, std::chrono::nanoseconds(1h).count()};
};

// The crowds are there for all the runs, and each has had a first one that does not count.
void crowds(Suite& suite) {
  const std::uint64_t count = suite.scale.of(1e5);
  std::vector<Suite::Several> all;
  for (const auto& [who, waiting] :
       {std::pair("errand", 1e4), {"100 k others", 1e5}, {"1 M others", 1e6}, {"10 M others", 1e7}}) {
    const std::uint64_t others = suite.scale.of(waiting);
    all.push_back({who, [=, crowd = std::shared_ptr<Crowd>()]() mutable {
                     const auto both = [&] {
                       return std::vector{crowd->schedule_and_cancel(count), crowd->schedule_and_fire(count)};
                     };
                     if (!crowd) {
                       crowd = std::make_shared<Crowd>(others);
                       static_cast<void>(both());
                     }
                     return both();
                   }});
  }
  suite.measure_several({{"W6 schedule and cancel a timer beside 10 k others, or more", "ns", false},
                         {"W6 schedule and fire a timer beside 10 k others, or more", "ns of processor time", false}},
                        std::move(all));
}

}  // namespace

void timers(Suite& suite) {
  const std::uint64_t million = suite.scale.of(1e6);
  suite.measure_several({{"W6 timers scheduled", "M tasks/s", true},
                         {"W6 far timers cancelled", "M tasks/s", true},
                         {"W6 lateness, p50", "us", false},
                         {"W6 lateness, p99", "us", false},
                         {"W6 processor time", "s", false}},
                        {{"errand", [=] { return errand_timers(million); }},
                         {"Boost.Asio", [=] { return asio_timers(million); }},
                         {"heap and mutex", [=] { return heap_timers(million); }},
                         {"a slot for each us, spinning", [=] { return spinning_timers(million); }, true}});
  crowds(suite);
}

}  // namespace bench
