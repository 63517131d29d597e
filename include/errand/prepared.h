#pragma once
/// A body together with its options, to be submitted later.

#include <errand/task.h>

#include <type_traits>
#include <utility>

namespace errand {
inline namespace v0 {

/// What prepare() makes: set options one by one, then hand it to Queue::submit().
///
///     auto task = errand::prepare(fetch).max_attempts(5).timeout(10min).at(tonight).on_finish(report);
///     queue.submit(std::move(task));
template <Body F>
struct Prepared {
  F body;
  TaskOptions options{};

  Prepared&& delay(Duration delay) && { return options.delay = delay, std::move(*this); }
  Prepared&& at(WallTime at) && { return options.at = at, std::move(*this); }
  Prepared&& priority(int priority) && { return options.priority = priority, std::move(*this); }
  Prepared&& max_attempts(int count) && { return options.max_attempts = count, std::move(*this); }
  Prepared&& retry(Retry retry) && { return options.retry = std::move(retry), std::move(*this); }
  Prepared&& timeout(Duration timeout) && { return options.timeout = timeout, std::move(*this); }
  Prepared&& max_elapsed(Duration limit) && { return options.max_elapsed = limit, std::move(*this); }
  Prepared&& expires_at(WallTime at) && { return options.expires_at = at, std::move(*this); }
  Prepared&& stop(std::stop_token token) && { return options.stop = std::move(token), std::move(*this); }
  Prepared&& name(std::string name) && { return options.name = std::move(name), std::move(*this); }
  Prepared&& metadata(Metadata metadata) && { return options.metadata = std::move(metadata), std::move(*this); }
  Prepared&& on_finish(Callback<void(const TaskInfo&)> callback) && {
    return options.on_finish = std::move(callback), std::move(*this);
  }
};

template <Body F>
[[nodiscard]] Prepared<std::decay_t<F>> prepare(F&& f, TaskOptions options = {}) {
  return {std::forward<F>(f), std::move(options)};
}

}  // namespace v0
}  // namespace errand
