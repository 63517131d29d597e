#pragma once
/// What a queue does with the named tasks of one kind.

#include <errand/attempt.h>
#include <errand/callback.h>
#include <errand/codec.h>
#include <errand/detail/record.h>
#include <errand/outcome.h>
#include <errand/retry.h>
#include <errand/store.h>
#include <errand/task.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace errand {
inline namespace v0 {

/// What holds for every task of a kind that does not say otherwise itself.
///
/// Errors:  Queue::handle() throws std::invalid_argument for values that can't be right.
struct HandlerOptions {
  std::vector<std::string> aliases{};        ///< other kinds it serves: the names that this one had before
  std::optional<int> max_attempts{};         ///< 1 or more, or `unlimited`; of what is enqueued here; unset: 20
  std::optional<Retry> retry{};              ///< unset: the queue's
  std::optional<Duration> timeout{};         ///< for each attempt; unset: none
  std::optional<Duration> keep_completed{};  ///< how long they can still be asked about; unset: 24 h, in memory what
                                             ///< QueueOptions::retention says
  std::optional<Duration> keep_cancelled{};  ///< unset: as keep_completed
  std::optional<Duration> keep_discarded{};  ///< unset: 7 d, in memory as above
};

/// What a handler of raw bytes may leave, and what is found of a task's output without its type.
struct Output {
  std::string bytes{};
  std::string content_type{};
};

namespace detail {

// A named task, as its handler is given it.
struct NamedCall {
  std::string_view kind{};
  std::string_view payload{};
  std::string_view content_type{};
  Output output{};
};

using Handler = Callback<Said(NamedCall&, Attempt&)>;

template <class T>
void keep_output(NamedCall& call, T&& value) {
  using V = std::remove_cvref_t<T>;
  if constexpr (std::is_same_v<V, Output>) {
    call.output = std::forward<T>(value);
  } else {
    auto bytes = Codec<V>::encode(value);
    if (!bytes) bytes.error().raise();
    call.output = {std::move(*bytes), std::string(Codec<V>::content_type)};
  }
}

// Calls the handler with `head`, and the attempt if it wants that too, and keeps the value it leaves.
template <class Expected, class F, class Head>
Said call_handler(F& f, NamedCall& call, const Head& head, Attempt& attempt) {
  const auto invoke = [&]() -> decltype(auto) {
    if constexpr (std::is_invocable_v<F&, const Head&, Attempt&>) {
      return f(head, attempt);
    } else {
      return f(head);
    }
  };
  using R = std::remove_cvref_t<decltype(invoke())>;
  using V = typename Unwrap<R>::type;
  static_assert(std::is_void_v<V> || std::is_same_v<V, Expected>,
                "a handler returns nothing, an Outcome, or its message's `output` type (also as OutcomeOf or Result)");
  if constexpr (std::is_void_v<R>) {
    invoke();
    return {};
  } else if constexpr (std::is_same_v<R, Outcome>) {
    return {invoke()};
  } else if constexpr (is_outcome_of<R>) {
    R outcome = invoke();
    if (!outcome.has_value()) return {std::move(outcome.outcome())};
    keep_output(call, std::move(outcome.value()));
    return {errand::done()};
  } else if constexpr (is_result<R>) {
    R result = invoke();
    if (!result) result.error().raise();
    if constexpr (!std::is_void_v<V>) keep_output(call, std::move(*result));
    return {};
  } else {
    keep_output(call, invoke());
    return {};
  }
}

template <class M, class F>
Handler message_handler(F f) {
  return [f = std::move(f)](NamedCall& call, Attempt& attempt) mutable -> Said {
    const Result<M> message = Codec<M>::decode(call.payload, call.content_type);
    // An attempt like others that failed: the next one may be made by a program that can read it.
    if (!message) message.error().raise();
    return call_handler<output_t<M>>(f, call, *message, attempt);
  };
}

template <class F>
Handler bytes_handler(F f) {
  return [f = std::move(f)](NamedCall& call, Attempt& attempt) mutable -> Said {
    const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(call.payload.data()),
                                           call.payload.size());
    return call_handler<Output>(f, call, bytes, attempt);
  };
}

template <class T>
Result<void> read_output(std::string_view bytes, std::string_view content_type, void* value) {
  Result<T> read = Codec<T>::decode(bytes, content_type);
  if (!read) return read.error();
  *static_cast<std::optional<T>*>(value) = std::move(*read);
  return {};
}

template <class T>
constexpr OutputReader output_reader() {
  if constexpr (std::is_void_v<T>) {
    return {};
  } else {
    return {&read_output<T>};
  }
}

}  // namespace detail

namespace detail {
template <class T>
Result<Output> encode_output(const T& value) {
  auto bytes = Codec<T>::encode(value);
  if (!bytes) return bytes.error();
  return Output{std::move(*bytes), std::string(Codec<T>::content_type)};
}
}  // namespace detail

/// Completes the task that `attempt` is of inside a transaction of its store: what the body did there and the end of
/// the task happen together, or not at all. The body returns after it; if the transaction was committed, what it
/// returns no longer matters.
template <class Tx>
Result<void> complete(Tx& tx, Attempt& attempt, Output output = {}) {
  auto finish = detail::completion(attempt, std::move(output));
  if (!finish) return finish.error();
  return tx.finish(*finish, finish->run_at);
}
template <class Tx, class T>
  requires Encodable<T>
Result<void> complete(Tx& tx, Attempt& attempt, const T& output) {
  auto encoded = detail::encode_output(output);
  if (!encoded) return encoded.error();
  return complete(tx, attempt, std::move(*encoded));
}

/// Something to enqueue whose type is no longer known: what Queue::enqueue_many() takes, of several kinds together.
struct Named {
  std::string kind{};
  std::string payload{};
  std::string content_type{"application/octet-stream"};
  TaskOptions options{};
  std::string fields{};  ///< what Unique::by_fields names, where that is used, as text
};

/// A message as a Named. `invalid` where it can't be encoded.
template <Message M>
[[nodiscard]] Result<Named> named(const M& message, TaskOptions options = {}) {
  auto bytes = Codec<M>::encode(message);
  if (!bytes) return bytes.error();
  std::string fields;
  if (!options.unique.by_fields.empty()) {
    if constexpr (requires { Codec<M>::fields(*bytes, options.unique.by_fields); }) {
      Result<std::string> found = Codec<M>::fields(*bytes, options.unique.by_fields);
      if (!found) return found.error();
      fields = std::move(*found);
    }
  }
  return Named{std::string(KindOf<M>::value), std::move(*bytes), std::string(Codec<M>::content_type),
               std::move(options), std::move(fields)};
}

}  // namespace v0
}  // namespace errand
