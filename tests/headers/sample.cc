// The design's sample as it stands there. It is only compiled: without a warning, also without exceptions. What it does
// is tested elsewhere.

#include <errand/errand.h>
#include <errand/json.h>
#include <errand/sqlite.h>

using namespace std::chrono_literals;

// clang-format off
struct Receipt { int code; };
struct WelcomeMail { std::string to; int user; using output = Receipt; static constexpr std::string_view kind = "welcome_mail"; };
ERRAND_JSON(WelcomeMail, to, user)  ERRAND_JSON(Receipt, code)         // <errand/json.h>
                            // clang-format on
    static_assert(errand::Message<WelcomeMail> && errand::Encodable<errand::output_t<WelcomeMail>>);

bool smtp_up();
Receipt send(const WelcomeMail&);
int thumb(int);
int fail(const errand::Error&);
void show(const errand::TaskInfo&);
void f();
extern errand::WallTime when;

// clang-format off
int main() {
  errand::Queue queue;                                      // one worker per usable CPU, unbounded, starts now
  queue.submit([] { thumb(1); });                           // not nodiscard; runs once: a closure's max_attempts is 1
  auto task = queue.submit([](errand::Attempt& a) { return a.stop_requested() ? 0 : thumb(a.number()); },
      {.delay = 500us, .priority = 5, .max_attempts = 5, .retry = errand::Retry::fixed(1s), .timeout = 10s, .name = "thumbnail"});
  if (!task) return fail(task.error());                     // refused: queue_full, shutting_down, invalid, forked
  int n = task.wait_for(5s) ? task.get() : 0;               // get() throws what the attempt threw; result() -> Result<int>
  auto five = queue.submit([p = std::make_unique<int>(n)]() mutable { return std::move(p); }).get();
  auto later = queue.submit([]() -> errand::OutcomeOf<int> { if (!smtp_up()) return errand::snooze(1min); return 7; });
  queue.submit_in(5min, f);  queue.submit_at(when, f);      // sugar for .delay and .at
  auto tick = queue.every(30s, f);  tick.pause();           // Schedule: pause, resume, trigger, cancel, next(n)
  auto nine = queue.cron("0 9 * * MON-FRI", f, {.time_zone = "Europe/Berlin", .overlap = errand::Overlap::skip});
  if (!nine) return fail(nine.error());                     // Result<Schedule>: a cron text is input
  if (auto info = queue.info(task.id())) show(*info);       // Result<TaskInfo>; list() with filters and paging
  for (auto& info : queue.list({.state = errand::TaskState::retryable})) show(info);
  if (!queue.cancel(task.id())) return 1;                   // already over
  queue.pause();  queue.resume();  queue.set_workers(16);  queue.stats();  queue.wait_idle(10s);

  auto store = errand::open_sqlite("tasks.db");             // Result<SqliteStore>, a copyable handle
  if (!store) return fail(store.error());                   // open("sqlite:..."), open("postgresql://...") -> Result<std::shared_ptr<Store>>
  errand::Queue mail({.name = "mail", .workers = 8, .start = false, .store = *store});
  mail.handle<WelcomeMail>([](const WelcomeMail& m, errand::Attempt&) -> errand::OutcomeOf<Receipt> {
    if (!smtp_up()) return errand::retry_after(1min, "smtp is down");
    return send(m);
  });
  mail.start();
  auto sent = mail.enqueue(WelcomeMail{"a@b.c", 7}, {.delay = 1h, .unique = {.key = "user-7", .within = 24h}});
  if (!sent) return fail(sent.error());                     // nodiscard: success means it is on disk; sent->existed() = duplicate
  auto saved = store->transaction([&](errand::Transaction& tx) -> errand::Result<void> {
    if (auto r = tx.execute("insert into users values (?)", 7); !r) return r;
    if (auto r = mail.enqueue(tx, WelcomeMail{"a@b.c", 7}); !r) return r.error();
    return {};                                              // an error or a throw rolls both back
  });
  if (!saved) return fail(saved.error());
  return errand::shutdown_all({&queue, &mail}, {.drain = errand::Drain::due, .timeout = 30s}).left_over == 0 ? 0 : 2;
}
