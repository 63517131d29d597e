// Which kinds of tasks a queue can handle, and what that changes for those that wait.

#include <algorithm>
#include <stdexcept>

#include "base/time.h"
#include "core/text.h"
#include "durable/named_tasks.h"

namespace errand {
inline namespace v0 {
namespace detail {

namespace {

using namespace std::chrono_literals;

constexpr Duration kKeepCompleted = 24h;
constexpr std::size_t kPage = 1000;
constexpr std::size_t kMostShown = 128;  // bytes of a name that may be no text

std::invalid_argument bad_handler(const std::string& queue, const std::string& kind, const std::string& why) {
  return std::invalid_argument("queue \"" + queue + "\": handler for \"" +
                               (kind.empty() ? "any kind" : clean_text(kind, kMostShown)) + "\": " + why);
}

}  // namespace

void NamedTasks::add_handler(std::optional<std::string> given, Handler handler, HandlerOptions options) {
  const std::string kind = given.value_or("");
  if (options.max_attempts && *options.max_attempts < 1 && *options.max_attempts != unlimited)
    throw bad_handler(name_, kind, "max_attempts: expected 1 or more, or unlimited");
  if (options.retry) {
    if (auto ok = options.retry->check(); !ok) throw bad_handler(name_, kind, ok.error().message());
  }
  for (const auto& limit : {options.timeout, options.keep_completed, options.keep_cancelled, options.keep_discarded}) {
    if (limit && *limit <= Duration::zero()) throw bad_handler(name_, kind, "times: expected more than zero");
  }
  if (given) {
    if (const auto bad = check_kind(kind)) throw bad_handler(name_, kind, *bad);
  }
  if (engine_.options.when_full == WhenFull::drop_oldest)
    throw bad_handler(name_, kind, "its queue drops its oldest tasks, which no named task may be: give it another one");
  for (const std::string& alias : options.aliases) {
    if (const auto bad = check_kind(alias)) throw bad_handler(name_, kind, "aliases: " + *bad);
  }
  std::vector<std::string> names = std::move(options.aliases);
  names.insert(names.begin(), kind);
  const auto made = std::make_shared<const Kind>(Kind{kind, std::move(handler), std::move(options)});
  {
    MutexLock lock(mu_);
    for (const std::string& name : names) {
      if (kinds_.find(name) != kinds_.end()) throw bad_handler(name_, name, "there is one already");
    }
    auto all = std::make_shared<std::vector<std::string>>(*names_);
    for (const std::string& name : names) {
      kinds_.emplace(name, made);
      if (!name.empty()) all->push_back(name);
    }
    std::sort(all->begin(), all->end());
    names_ = std::move(all);
    any_kind_ = any_kind_ || kind.empty();
    to_restore_.insert(to_restore_.end(), names.begin(), names.end());
  }
  wish_again();
}

// Tasks of kinds that came when nobody had a handler for them are claimed from now on. Called before a transaction: the
// one that was on its way when the handler came is over, and may have set some more aside.
void NamedTasks::restore() {
  std::vector<std::string> names;
  {
    MutexLock lock(mu_);
    names.swap(to_restore_);
  }
  if (names.empty()) return;
  const auto kinds = with_those_of_any(names);
  const bool restored = kinds && hub_->store->restore(name_, *kinds);
  MutexLock lock(mu_);
  more_ = true;
  // Else before the next one, then. Why is the committer's to tell: it meets the same store.
  if (!restored) to_restore_.insert(to_restore_.end(), names.begin(), names.end());
}

// A store restores kinds by their names. Where the handler of any kind is among them, these are those of the tasks that
// were set aside.
Result<std::vector<std::string>> NamedTasks::with_those_of_any(std::vector<std::string> names) const {
  if (std::erase(names, std::string()) == 0) return names;
  const WallTime now = hub_->committer.now();
  const auto counts = hub_->store->counts(now);
  if (!counts) return counts.error();
  if (std::none_of(counts->begin(), counts->end(),
                   [&](const Counts& one) { return one.queue == name_ && one.no_handler != 0; }))
    return names;
  TaskFilter filter;
  filter.queue = name_;
  for (TaskId after{};;) {
    const auto page = hub_->store->list(filter, after, kPage, now);
    if (!page) return page.error();
    for (const KeptTask& task : *page) {
      if (task.aside == Aside::no_handler) names.push_back(task.task.kind);
    }
    if (page->size() < kPage) break;
    after = page->back().id;
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

std::shared_ptr<const Kind> NamedTasks::kind_of(std::string_view name) const {
  auto found = kinds_.find(name);
  if (found == kinds_.end()) found = kinds_.find("");
  return found != kinds_.end() ? found->second : nullptr;
}

std::optional<WallTime> NamedTasks::prune_at(std::string_view kind, TaskState state, WallTime now) const {
  std::shared_ptr<const Kind> known;
  {
    MutexLock lock(mu_);
    known = kind_of(kind);
  }
  return prune_at(known.get(), state, now);
}

std::optional<WallTime> NamedTasks::prune_at(const Kind* kind, TaskState state, WallTime now) const {
  const HandlerOptions none;
  const HandlerOptions& options = kind != nullptr ? kind->options : none;
  std::optional<Duration> keep = options.keep_completed;
  if (state == TaskState::cancelled && options.keep_cancelled) keep = options.keep_cancelled;
  if (state == TaskState::discarded) keep = options.keep_discarded;
  if (!keep)
    keep = !durable_ ? engine_.options.retention.age : state == TaskState::discarded ? kKeepDiscarded : kKeepCompleted;
  return saturating_add(now, *keep);
}

}  // namespace detail
}  // namespace v0
}  // namespace errand
