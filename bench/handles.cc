// W2: a result handle for each task, kept or dropped.

#include <boost/asio/use_future.hpp>
#include <memory>

#include "measure.h"
#include "pools.h"
#include "suite.h"

namespace bench {

namespace {

struct Sum {
  Bodies* bodies;
  std::uint64_t a, b;
  std::uint64_t operator()() const {
    bodies->one();
    return a + b;
  }
};
static_assert(sizeof(Sum) == 24);

// Who calls a body has its value at once.
struct Value {
  std::uint64_t value;
  [[nodiscard]] std::uint64_t get() const { return value; }
};

// `submit` returns a handle with get(). Kept: all values are taken in the end.
template <class Submit>
double run(bool keep, std::uint64_t count, Submit submit) {
  using Handle = decltype(submit(Sum{}));
  auto bodies = std::make_unique<Bodies>();
  double took = 0;
  std::vector<Handle> kept;
  kept.reserve(count);
  for (std::uint64_t pass = 1; pass <= 2; ++pass) {
    kept.clear();
    const auto start = SteadyClock::now();
    for (std::uint64_t i = 0; i < count; ++i) {
      Handle handle = submit(Sum{bodies.get(), i, 0});
      if (keep || i + 1 == count) kept.push_back(std::move(handle));
    }
    std::uint64_t sum = 0;
    for (Handle& handle : kept) sum += handle.get();
    took = seconds_since(start);
    demand(sum == (keep ? count * (count - 1) / 2 : count - 1), "a value is wrong");
    bodies->wait_for(count * pass);
  }
  return static_cast<double>(count) / took / 1e6;
}

// A future for each task, on a pool that knows none.
template <class Pool>
Contender with_promise(const char* name, bool keep, std::uint64_t count) {
  return {name, [=] {
            Pool pool(1);
            return run(keep, count, [&](Sum sum) {
              // A std::function has to be copied.
              auto promise = std::make_shared<std::promise<std::uint64_t>>();
              auto future = promise->get_future();
              pool.submit([promise, sum] { promise->set_value(sum()); });
              return future;
            });
          }};
}

void compare(Suite& suite, const std::string& name, bool keep) {
  const std::uint64_t million = suite.scale.of(1e6);
  suite.measure(name, "M tasks/s", true,
                {{"errand",
                  [=] {
                    errand::Queue queue({.workers = 1});
                    Sample sample(million, 2);
                    const auto submit = [&](auto body) { return queue.submit(body); };
                    const double figure = run(keep, million, [&](Sum sum) {
                      return sample.picks() ? sample.note(submit, sum) : submit(sum);
                    });
                    demand(queue.wait_idle(std::chrono::seconds(60)), "the queue did not become idle");
                    sample.check(queue);
                    return figure;
                  }},
                 with_promise<MoodycamelPool>("moodycamel and a promise", keep, million),
                 {"Boost.Asio and use_future",
                  [=] {
                    boost::asio::thread_pool pool(1);
                    const double figure = run(keep, million, [&](Sum sum) {
                      return boost::asio::post(pool, boost::asio::use_future([sum] { return sum(); }));
                    });
                    pool.join();
                    return figure;
                  }},
                 with_promise<TbbPool>("oneTBB and a promise", keep, million),
                 with_promise<MutexPool>("mutex, deque and a promise", keep, million),
                 {"std::async",
                  [=] { return run(keep, million / 50, [](Sum sum) { return std::async(std::launch::async, sum); }); }},
                 {"plain calls", [=] { return run(keep, million, [](Sum sum) { return Value{sum()}; }); }, true}});
}

}  // namespace

void handles(Suite& suite) {
  compare(suite, "W2 handle per task, kept", true);
  compare(suite, "W2 handle per task, dropped", false);
}

}  // namespace bench
