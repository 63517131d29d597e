#pragma once
// How a Task is made: what the templates of a queue need of the library.

#include <errand/detail/record.h>
#include <errand/result.h>
#include <errand/task.h>

#include <cstdint>
#include <type_traits>
#include <utility>

namespace errand {
inline namespace v0 {
namespace detail {

class Engine;

struct Draft {
  Record* record;             // null: refused
  std::uint64_t id_or_error;  // the address of a new Error where refused
};

// A task that is in its store, and a handle to it.
struct NamedDraft {
  NamedHandle* handle;
  std::uint64_t id;
};

[[nodiscard]] Draft begin(Engine& engine);
[[nodiscard]] Draft begin(Engine& engine, TaskOptions& options);
[[nodiscard]] Draft begin_in(Engine& engine, Duration delay);
void publish(Engine& engine, Draft draft, const Ops& ops) noexcept;
void abandon(Engine& engine, Draft draft) noexcept;

struct TaskMaker {
  template <class T>
  static Task<T> refused(Draft draft) {
    return Task<T>(static_cast<Record*>(nullptr), draft.id_or_error);
  }
  template <class T>
  static Result<Task<T>> named(const Result<NamedDraft>& draft) {
    if (!draft) return draft.error();
    return Task<T>(draft->handle, draft->id);
  }
  // Builds the closure in the record. If that throws, the place is left empty and the task was never there.
  template <class F, class A>
  static Task<ValueOf<F>> make(Engine& engine, Draft draft, A&& f) {
    static_assert(std::is_nothrow_destructible_v<F>, "the destructor of a body has to be noexcept");
    if (draft.record == nullptr) [[unlikely]]
      return refused<ValueOf<F>>(draft);
    if constexpr (fits_in_record<F> && std::is_nothrow_constructible_v<F, A>) {
      store<F>(*draft.record, std::forward<A>(f));
    } else {
      struct Guard {
        ~Guard() {
          if (engine != nullptr) abandon(*engine, draft);
        }
        Engine* engine;
        Draft draft;
      } guard{&engine, draft};
      store<F>(*draft.record, std::forward<A>(f));
      guard.engine = nullptr;
    }
    publish(engine, draft, kOps<F>);
    return Task<ValueOf<F>>(draft.record, draft.id_or_error);
  }
};

}  // namespace detail
}  // namespace v0
}  // namespace errand
