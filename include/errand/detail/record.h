#pragma once
// The memory tier's record of one task, as far as templates in the public headers have to see it.
// Not for users. How records live and who may touch which field: docs/engine.md.

#include <errand/outcome.h>
#include <errand/result.h>
#include <errand/task_state.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

namespace errand {
inline namespace v0 {
class Attempt;

namespace detail {

struct Record;

// The word of a record: generation 63..32 | counted 31 | runs 30..16 | priority 15..12 | flags 11..4 | state 3..0
// States beyond those of TaskState are the engine's own.
inline constexpr std::uint64_t kStateMask = 0xf;
inline constexpr std::uint64_t kVacant = 9;    // opened, and not published yet
inline constexpr std::uint64_t kForward = 10;  // stands in a lane for a task whose record is elsewhere
inline constexpr std::uint64_t kVoid = 11;     // its submit failed half-way: nothing is here
inline constexpr std::uint64_t kEnding = 12;   // taken by whoever ends it; its closure is being destroyed
inline constexpr std::uint64_t kMoving = 13;   // between two waiting states, for a few instructions
inline constexpr std::uint64_t kStopShift = 4;
inline constexpr std::uint64_t kStopMask = 0x7 << kStopShift;      // a StopReason, or kCancelledLate
inline constexpr std::uint64_t kStuck = 1 << 7;                    // its attempt outlived timeout and grace
inline constexpr std::uint64_t kSingle = 1 << 8;                   // given back by itself, not with its batch
inline constexpr std::uint64_t kCold = 1 << 9;                     // its cold line is in use
inline constexpr std::uint64_t kWaiter = 1 << 10;                  // somebody sleeps on the word
inline constexpr std::uint64_t kValue = 1 << 11;                   // `body` holds the value
inline constexpr std::uint64_t kCounted = std::uint64_t{1} << 31;  // it takes up room in a bounded queue
// Of a vacant record, which nobody waits for and which has no value yet, two flags tell publish() where to put it.
inline constexpr std::uint64_t kRunHere = kWaiter;
inline constexpr std::uint64_t kChild = kValue;
inline constexpr unsigned kPriorityShift = 12;
inline constexpr unsigned kRunShift = 16;
inline constexpr unsigned kGenerationShift = 32;

constexpr std::uint64_t raw_state(std::uint64_t word) noexcept {
  return word & kStateMask;
}
constexpr TaskState state_of(std::uint64_t word) noexcept {
  const std::uint64_t raw = raw_state(word);
  return raw == kEnding || raw == kMoving ? TaskState::available : static_cast<TaskState>(raw);
}

// How a body came back to the worker.
enum class Ran : unsigned char {
  done,      // completed; the closure is destroyed, the value (if any) stored
  returned,  // without a word, after it was asked to stop; the closure is whole
  said,      // it left an explicit outcome with say(); the closure is whole
  failed,    // it left an error with fail(); the closure is whole
};

inline constexpr std::size_t kBodySize = 32;
inline constexpr std::size_t kBodyAlign = 16;

// What the engine can do with a closure it knows nothing else about.
struct Ops {
  Ran (*run)(Record&, Attempt&);            // may throw; then the closure is whole
  void (*destroy)(Record&) noexcept;        // the closure
  void (*destroy_value)(Record&) noexcept;  // null where the value needs no destructor
  bool value;                               // whether Ran::done leaves one
};

// 64 bytes: all that a task without special wishes ever touches.
//
// Who moves the word on has the record, and what is in it. So a move releases what its maker did with the record, and
// whoever takes it over acquires that; in between its owner reads the word relaxed, since others only set flags.
// Readers by id own nothing: they copy `stamp`, `waited` and `ran` between two looks at the word. These are stored with
// release and loaded with acquire, so that a figure of the next attempt, or of the record's next life, is never seen
// without the word that the second look is to find.
struct alignas(64) Record {
  std::atomic<std::uint64_t> word;
  const Ops* ops;
  std::atomic<std::int64_t> stamp;  // when it was submitted, in ticks
  std::atomic<float> waited;        // nanoseconds from there to the start of the attempt, and
  std::atomic<float> ran;           // from there to its end
  alignas(kBodyAlign) std::byte body[kBodySize];
};
static_assert(sizeof(Record) == 64);

// Records live in pages of 4 KiB: line 0 is the page's header, line 1 has a byte for each record that says whether a
// handle holds it, lines 2 to 63 are records.
inline constexpr std::size_t kPageSize = 4096;
inline std::uintptr_t page_address(const Record& record) noexcept {
  return reinterpret_cast<std::uintptr_t>(&record) & ~(kPageSize - 1);
}
inline std::size_t line_of(const Record& record) noexcept {
  return (reinterpret_cast<std::uintptr_t>(&record) & (kPageSize - 1)) / 64;
}
inline std::atomic<std::uint8_t>& pin_of(Record& record) noexcept {
  return reinterpret_cast<std::atomic<std::uint8_t>*>(page_address(record) + 64)[line_of(record)];
}

// The life of a pin. A pinned record is not used again. Where the value needs a destructor, the end of the task and the
// end of its handle each leave their mark, in one exchange, and whoever comes second drops the value. Where it needs
// none, the pin is its handle's alone.
inline constexpr std::uint8_t kUnpinned = 0;
inline constexpr std::uint8_t kPinned = 1;     // a handle is there
inline constexpr std::uint8_t kAbandoned = 2;  // the handle went before the task ended
inline constexpr std::uint8_t kEnded = 3;      // the task ended before its handle went
inline constexpr std::uint8_t kTaken = 4;      // a handle is there, and has given away a value without a destructor
constexpr bool has_handle(std::uint8_t pin) noexcept {
  return pin != kUnpinned && pin != kAbandoned;
}

// Values and closures live inside the record where they fit, else behind a pointer there.
template <class T>
inline constexpr bool fits_in_record =
    sizeof(T) <= kBodySize && alignof(T) <= kBodyAlign && std::is_nothrow_move_constructible_v<T>;

template <class T>
T& stored(Record& record) noexcept {
  if constexpr (fits_in_record<T>) {
    return *std::launder(reinterpret_cast<T*>(record.body));
  } else {
    return **std::launder(reinterpret_cast<T**>(record.body));
  }
}

template <class T, class... A>
void store(Record& record, A&&... args) {
  if constexpr (fits_in_record<T>) {
    ::new (static_cast<void*>(record.body)) T(std::forward<A>(args)...);
  } else {
    ::new (static_cast<void*>(record.body))(T*)(new T(std::forward<A>(args)...));
  }
}

template <class T>
void destroy_stored(Record& record) noexcept {
  if constexpr (fits_in_record<T>) {
    stored<T>(record).~T();
  } else {
    delete &stored<T>(record);
  }
}

template <class T>
inline constexpr bool needs_destroying = !fits_in_record<T> || !std::is_trivially_destructible_v<T>;
template <>
inline constexpr bool needs_destroying<void> = false;

// Drops the value, if it is there, of a final task whose handle is gone.
void drop_value(Record& record, void (*destroy_value)(Record&) noexcept) noexcept;

// A handle goes. Where the value needs no destructor that is one plain store.
template <class T>
void unpin(Record& record) noexcept {
  if constexpr (needs_destroying<T>) {
    // Release: what was done with the value. Acquire: the value, for its destructor. Unless that is ours to call, the
    // record may be somebody else's from here on.
    if (pin_of(record).exchange(kAbandoned, std::memory_order_acq_rel) == kEnded)
      drop_value(record, &destroy_stored<T>);
  } else {
    // Release: what was done with the value comes before the record's next use, see pinned_in().
    pin_of(record).store(kUnpinned, std::memory_order_release);
  }
}

[[nodiscard]] Error value_gone(const Record& record);

// Of a completed task, whose word the handle's thread has seen with acquire.
template <class T>
Result<T> take_value(Record& record) {
  if constexpr (!needs_destroying<T>) {
    // Nothing is written to the record, which is in the worker's cache. Relaxed: to others any handle is a handle.
    pin_of(record).store(kTaken, std::memory_order_relaxed);
    return Result<T>(std::move(stored<T>(record)));
  } else {
    // Relaxed: what the handle does with the value, its end releases.
    const std::uint64_t before = record.word.fetch_and(~kValue, std::memory_order_relaxed);
    if ((before & kValue) == 0) return value_gone(record);
    if constexpr (fits_in_record<T>) {
      Result<T> result(std::move(stored<T>(record)));
      destroy_stored<T>(record);
      return result;
    } else {
      const std::unique_ptr<T> owner(&stored<T>(record));
      return Result<T>(std::move(*owner));
    }
  }
}

// --- bodies ----------------------------------------------------------------------------------------------------------

template <class T>
struct Unwrap {
  using type = std::remove_cvref_t<T>;
};
template <>
struct Unwrap<Outcome> {
  using type = void;
};
template <class T>
struct Unwrap<OutcomeOf<T>> {
  using type = T;
};
template <class T>
struct Unwrap<Result<T>> {
  using type = T;
};

template <class F>
struct Returned {
  using type = std::invoke_result_t<F&>;
};
template <class F>
  requires std::is_invocable_v<F&, Attempt&>
struct Returned<F> {
  using type = std::invoke_result_t<F&, Attempt&>;
};

// What an erased body came back with: nothing where it left no word about its outcome.
struct Said {
  std::optional<Outcome> outcome;
};
template <>
struct Unwrap<Said> {
  using type = void;
};

template <class T>
inline constexpr bool is_outcome_of = false;
template <class T>
inline constexpr bool is_outcome_of<OutcomeOf<T>> = true;
template <class T>
inline constexpr bool is_result = false;
template <class T>
inline constexpr bool is_result<Result<T>> = true;

// What a body says goes to the worker that runs it.
void say(Attempt& attempt, Outcome outcome);
void fail(Attempt& attempt, Error error);

template <class F>
decltype(auto) call(F& f, Attempt& attempt) {
  if constexpr (std::is_invocable_v<F&, Attempt&>) {
    return f(attempt);
  } else {
    return f();
  }
}

// For whoever has the record. Relaxed: a flag that comes a moment too late has come too late, and nothing that the
// other one did is read because of it.
inline bool asked_to_stop(const Record& record) noexcept {
  return (record.word.load(std::memory_order_relaxed) & kStopMask) != 0;
}
inline bool too_late(const Record& record) noexcept {
  return (record.word.load(std::memory_order_relaxed) & kStuck) != 0;
}

// Puts the value where the closure was. The closure goes first, and a value that needs room of its own has it by then.
template <class F, class T>
void replace(Record& record, T&& value) {
  using V = std::remove_cvref_t<T>;
  if constexpr (fits_in_record<V>) {
    destroy_stored<F>(record);
    ::new (static_cast<void*>(record.body)) V(std::forward<T>(value));
  } else {
    auto outside = std::make_unique<V>(std::forward<T>(value));
    destroy_stored<F>(record);
    ::new (static_cast<void*>(record.body))(V*)(outside.release());
  }
}

template <class F>
Ran run_body(Record& record, Attempt& attempt) {
  using R = typename Returned<F>::type;
  F& f = stored<F>(record);
  if constexpr (std::is_void_v<R>) {
    call(f, attempt);
    if (asked_to_stop(record)) [[unlikely]]
      return Ran::returned;
    destroy_stored<F>(record);
  } else if constexpr (std::is_same_v<R, Outcome>) {
    Outcome outcome = call(f, attempt);
    if (outcome.kind != Outcome::Kind::done || too_late(record)) [[unlikely]] {
      say(attempt, std::move(outcome));
      return Ran::said;
    }
    destroy_stored<F>(record);
  } else if constexpr (std::is_same_v<R, Said>) {
    Said said = call(f, attempt);
    if (!said.outcome && asked_to_stop(record)) [[unlikely]]
      return Ran::returned;
    if (said.outcome && (said.outcome->kind != Outcome::Kind::done || too_late(record))) [[unlikely]] {
      say(attempt, std::move(*said.outcome));
      return Ran::said;
    }
    destroy_stored<F>(record);
  } else if constexpr (is_outcome_of<R>) {
    R outcome = call(f, attempt);
    if (!outcome.has_value() || too_late(record)) [[unlikely]] {
      say(attempt, outcome.has_value() ? errand::done() : std::move(outcome.outcome()));
      return Ran::said;
    }
    replace<F>(record, std::move(outcome.value()));
  } else if constexpr (is_result<R>) {
    R result = call(f, attempt);
    if (!result) [[unlikely]] {
      fail(attempt, result.error());
      return Ran::failed;
    }
    if (asked_to_stop(record)) [[unlikely]]
      return Ran::returned;
    if constexpr (std::is_void_v<typename R::value_type>) {
      destroy_stored<F>(record);
    } else {
      replace<F>(record, std::move(*result));
    }
  } else {
    std::remove_cvref_t<R> value = call(f, attempt);
    if (asked_to_stop(record)) [[unlikely]]
      return Ran::returned;
    replace<F>(record, std::move(value));
  }
  return Ran::done;
}

// Calls a body with the arguments it takes (all of `head`, and the attempt if it wants that too); its value is dropped.
template <class F, class... Head>
Said call_erased(F& f, Attempt& attempt, Head&... head) {
  const auto invoke = [&]() -> decltype(auto) {
    if constexpr (std::is_invocable_v<F&, Head&..., Attempt&>) {
      return f(head..., attempt);
    } else {
      return f(head...);
    }
  };
  using R = std::remove_cvref_t<decltype(invoke())>;
  if constexpr (std::is_same_v<R, Said>) {
    return invoke();
  } else if constexpr (std::is_same_v<R, Outcome>) {
    return {invoke()};
  } else if constexpr (is_outcome_of<R>) {
    R outcome = invoke();
    return {outcome.has_value() ? errand::done() : std::move(outcome.outcome())};
  } else if constexpr (is_result<R>) {
    R result = invoke();
    if (!result) result.error().raise();
    return {};
  } else {
    static_cast<void>(invoke());
    return {};
  }
}

template <class F>
using ValueOf = typename Unwrap<typename Returned<F>::type>::type;

template <class T>
constexpr auto value_destroyer() -> void (*)(Record&) noexcept {
  if constexpr (needs_destroying<T>) {
    return &destroy_stored<T>;
  } else {
    return nullptr;
  }
}

template <class F>
inline constexpr Ops kOps{&run_body<F>, &destroy_stored<F>, value_destroyer<ValueOf<F>>(), !std::is_void_v<ValueOf<F>>};

}  // namespace detail

/// What submit() takes: callable with an Attempt&, or with nothing (where both fit, the Attempt& wins).
template <class F>
concept Body = std::is_invocable_v<std::decay_t<F>&> || std::is_invocable_v<std::decay_t<F>&, Attempt&>;

/// The type of the value that a body leaves: T for T, OutcomeOf<T> and Result<T>; void for Outcome.
template <Body F>
using output_of = detail::ValueOf<std::decay_t<F>>;

}  // namespace v0
}  // namespace errand
