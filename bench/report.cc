#include "report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include "durable.h"
#include "machine.h"
#include "measure.h"

namespace bench {

namespace {

std::string quoted(const std::string& text) {
  std::string all = "\"";
  for (const char c : text) {
    char escaped[8] = {c};
    if (c == '"' || c == '\\') std::snprintf(escaped, sizeof escaped, "\\%c", c);
    if (static_cast<unsigned char>(c) < 0x20) std::snprintf(escaped, sizeof escaped, "\\u%04x", c);
    all += escaped;
  }
  return all + "\"";
}

// Numbers JSON knows; there is none for infinity.
std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return std::isfinite(value) ? text : "null";
}

std::string list(const std::vector<double>& values) {
  std::string text;
  for (const double value : values) text += (text.empty() ? "" : ",") + number(value);
  return "[" + text + "]";
}

std::string three_digits(double value) {
  if (!std::isfinite(value)) return "-";
  char text[32];
  std::snprintf(text, sizeof text, value >= 1000 ? "%.0f" : "%.3g", value);
  return text;
}

std::string with_spread(const std::vector<double>& values) {
  if (values.empty()) return "-";
  return three_digits(median(values)) + " (" + three_digits(quantile(values, 0)) + " to " +
         three_digits(quantile(values, 1)) + ")";
}

// "from 55 to 290 ns: 18 near, 5 far, 2 contended"; empty where nothing goes from core to core.
std::string hand_overs_of(const Row& row) {
  const std::vector<double> all = row.hand_overs();
  if (all.empty()) return "";
  std::map<Cores, int> counts;
  for (const double one : all) ++counts[cores_at(one)];
  std::string text = "hand-over " + three_digits(median(all)) + " ns (" + three_digits(quantile(all, 0)) + " to " +
                     three_digits(quantile(all, 1)) + "): ";
  const char* comma = "";
  for (const auto& [cores, count] : counts) {
    text += comma + std::to_string(count) + " " + name_of(cores);
    comma = ", ";
  }
  return text;
}

std::string result_of(const Verdict& verdict, const Window& window) {
  if (window.bound && window.figures.empty()) return "not measured";
  if (window.bound) return window.met ? "met" : "missed";
  std::string result = verdict.outcome == Outcome::contended ? name_of(verdict.outcome) : "contended: does not count";
  if (verdict.goal->stretch)
    result += median(window.figures) >= *verdict.goal->stretch ? "; stretch reached" : "; stretch not reached";
  return result;
}

bool is_behind(const Row& row, const Column& rival) {
  if (rival.limit) return false;
  const double ratio = median(ratios(row.columns.front(), rival));
  return row.more_is_better ? ratio < 1 : ratio > 1;
}

void print_rows(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    const std::string hand_overs = hand_overs_of(row);
    std::printf("%s, %s%s\n", row.workload.c_str(), row.unit.c_str(),
                hand_overs.empty() ? "" : ("; " + hand_overs).c_str());
    for (const Column& column : row.columns) {
      std::printf("  %-26s %12.3f   %.3f to %.3f", column.who.c_str(), median(column.runs), quantile(column.runs, 0),
                  quantile(column.runs, 1));
      const std::vector<double> times = ratios(row.columns.front(), column);
      if (&column != &row.columns.front() && std::isfinite(median(times))) {
        std::printf("   %s is %.2fx, %.2f to %.2f", row.columns.front().who.c_str(), median(times), quantile(times, 0),
                    quantile(times, 1));
      }
      std::printf("\n");
    }
  }
}

void print_verdicts(const std::vector<Verdict>& verdicts) {
  for (const Verdict& verdict : verdicts) {
    const std::string name = name_of(verdict);
    if (verdict.windows.empty()) std::printf("%s: %s\n", name_of(verdict.outcome), name.c_str());
    for (const Window& window : verdict.windows) {
      const std::string runs = std::to_string(window.figures.size()) + (window.figures.size() == 1 ? " run" : " runs");
      std::printf("%s: %s, %s%s: %s, goal %s\n", result_of(verdict, window).c_str(), name.c_str(), runs.c_str(),
                  window.cores ? (", cores " + std::string(name_of(*window.cores))).c_str() : "",
                  with_spread(window.figures).c_str(), window.bound ? number(*window.bound).c_str() : "-");
    }
  }
}

void print_prices(const std::vector<Price>& prices) {
  std::printf(
      "\nWhat single operations cost here, and where the goals were set (2 x AMD EPYC under KVM), in ns:\n\n"
      "| operation | here | there | times |\n|---|---|---|---|\n");
  for (const Price& price : prices) {
    std::printf("| %s | %s | %s | %s |\n", price.what.c_str(), three_digits(price.here).c_str(),
                three_digits(price.reference).c_str(), three_digits(price.here / price.reference).c_str());
  }
}

// What a row's name does not say.
void print_notes() {
  std::printf(R"(
## How some of it is measured

- *Near, far and contended*: before each run of each contender, errand among them, the hand-over is measured: how long
  a cache line takes from one core to the other. Below %.0f ns the cores count as near, from %.0f ns on as contended, and
  as far between; a ratio counts by the longer hand-over of its two runs. Where a goal has a bound for near cores and
  one for far ones, each is met or missed by the median of its own runs, and "not measured" where there were none, as on
  a machine whose cores are never near; contended runs are shown, beside the stretch where one is set, and neither meet
  a goal nor miss it. If all were contended nothing is known: `--check` fails, and asks to measure again.
- *Warming up*: W1 to W4 have a pass before the one that counts, W5 ten tasks, and the crowds of W6 a whole round; W6
  itself cancels its million far timers before it schedules the near ones. W7, W8, the burst and what is idle have a
  process of their own for each run, so that nothing is in their memory but themselves.
- *The body* is a closure of 24 bytes. A rival that has no handles has a promise beside it in W2, and a closure of 40.
- *Asked about its tasks* errand is in W1 to W3 and in W4 with stamps, after each run, about a thousand of each run; in
  the mixed row about those with a handle, the retried and the cancelled too. The row without stamps is asked nothing.
- *std::async* has a thread for each task: it runs a fiftieth of them, in W4 a thirty-second. It has no queue in which
  tasks could wait, and is not in W7 and W8; nor have pools timers, so that W6 has Asio's and those that everybody
  writes first.
- *Limits* do the same work, and none of what makes a queue of it: a ring of slots for each producer (W1, W3), plain
  calls (W2, W4), one word to wake a thread by (W5), a thread that spins over a slot for each microsecond (W6), an array
  (W8). What grows by nothing needs none (W7).
- *W7*: tasks come in bursts of 100,000, each after the end of the one before. In the burst before each look at the
  memory all of them wait at a time, so that growth is what the tasks left behind, and not that more of them happened to
  wait at a time than ever before. Rivals run a tenth of the tasks, beside errand's tenth: some of them take half a
  minute for the whole.
- *Urgent task under load*: a queue kept full of tasks of priority 5 that take 1 us each gets one of priority 0 now and
  then. Counted are the bodies of priority 5 that begin after its submit() has returned and before its own body: at most
  one a worker, which that had taken already, is as few as can be. No-ops are shown without a goal: the word of the
  urgent task takes a hand-over to the worker's core, and how many no-ops begin meanwhile, one every 30 to 40 ns, is the
  machine's doing and no queue's.
- *Questions meanwhile*: everything is submitted before, one worker runs, and a second thread asks; two cores have no
  room for a third one. The comparison is with a second thread that runs a loop, so that the loss is the queue's and not
  that of a core which others use as well; asking another queue, just as full, shows what is the memory's; and what the
  worker does alone stands beside them.
- *Instructions*: counted by callgrind in one thread that drives the queue by hand, as the difference of two numbers of
  tasks. What goes by the clock varies by a few per cent, since timers share steps; the rest by less than one, whatever
  the machine does.
)",
              kFar, kContended);
}

void print_references(const std::vector<Beside>& all) {
  std::printf(R"(
## Rivals beside their reference figures

How a rival fares here, beside the machine where the goals were set: 1 is as well as there. Below 0.8 the reason is
what its figure rests on and is dearer here, as far as the table above tells; the hand-over is that before the rival's
own runs.

| workload | rival | there | here | times | reason |
|---|---|---|---|---|---|
)");
  for (const Beside& one : all) {
    const bool below = !one.reason.empty();
    std::printf("| %s | %s | %s | %s | %s%s%s | %s |\n", one.reference->row.c_str(), one.reference->who.c_str(),
                three_digits(one.reference->figure).c_str(), three_digits(one.here).c_str(), below ? "**" : "",
                three_digits(one.times).c_str(), below ? "**" : "", one.reason.c_str());
  }
}

void print_goals(const std::vector<Verdict>& verdicts) {
  std::printf(
      "\n## Goals\n\n| workload | against | cores | runs | ratio or figure | goal | "
      "|\n|---|---|---|---|---|---|---|\n");
  for (const Verdict& verdict : verdicts) {
    const std::string name = verdict.goal->row + (verdict.goal->who == "errand" ? "" : ", " + verdict.goal->who) +
                             " | " + (verdict.against.empty() ? "-" : verdict.against);
    if (verdict.windows.empty())
      std::printf("| %s | - | 0 | - | - | **%s** |\n", name.c_str(), name_of(verdict.outcome));
    for (const Window& window : verdict.windows) {
      const std::string result = result_of(verdict, window);
      std::printf("| %s | %s | %zu | %s | %s | %s |\n", name.c_str(), window.cores ? name_of(*window.cores) : "-",
                  window.figures.size(), with_spread(window.figures).c_str(),
                  window.bound            ? three_digits(*window.bound).c_str()
                  : verdict.goal->stretch ? three_digits(*verdict.goal->stretch).c_str()
                                          : "-",
                  result == "met" ? "met" : ("**" + result + "**").c_str());
    }
  }
}

void print_figures(const std::vector<Row>& rows, bool with_hand_over) {
  std::printf("\n## Figures\n");
  for (const Row& row : rows) {
    const std::string hand_overs = with_hand_over ? hand_overs_of(row) : "";
    std::printf("\n### %s\n\nIn %s%s.\n\n| | figure | %s is |\n|---|---|---|\n", row.workload.c_str(), row.unit.c_str(),
                hand_overs.empty() ? "" : ("; " + hand_overs).c_str(), row.columns.front().who.c_str());
    for (const Column& column : row.columns) {
      std::printf("| %s%s | %s |", column.who.c_str(), column.limit ? " (limit)" : "",
                  with_spread(column.runs).c_str());
      if (&column != &row.columns.front()) {
        const char* const mark = is_behind(row, column) ? "**" : "";
        std::printf(" %s%s x%s", mark, with_spread(ratios(row.columns.front(), column)).c_str(), mark);
      }
      std::printf(" |\n");
    }
  }
}

// What the rows of the durable tier do not say themselves.
void print_durable_notes() {
  std::printf(R"(
## How some of it is measured

- *fdatasync alone*: 4 KiB are written behind what is there and flushed, by one thread: what the disk allows.
- *raw SQLite*: the same rows written by hand, with the same settings, and none of the rest.
- D1, D2 and D7: a call returns when its task is on the disk. D3: 4,000 are on their way, or calls take 1,000 each; the
  queue is not started and has no thread for its store, so that who calls errand's `enqueue_async()` also commits.
- D4: each task is enqueued, claimed, run and completed; *kept* ones can be asked about afterwards.
- D6: beside a million completed tasks, with so many waiting.
- Redis runs with appendfsync always, as BullMQ's does, and beanstalkd with -f0: what they acknowledged is on the disk,
  too. plainjob enqueues with synchronous = FULL; in D4 it has its own setting, NORMAL, under which a power cut takes
  what came last.
)");
}

// Where the figures come from.
void print_origin(const Report& report) {
  std::printf("\n- machine: %s\n- command: `%s`\n- commit: %s\n", machine().c_str(), report.command.c_str(),
              report.commit.c_str());
}

}  // namespace

void print_table(const Report& report) {
  print_rows(report.rows);
  print_verdicts(report.verdicts);
}

void print_memory_page(const Report& report) {
  std::printf(R"(# Measurements of the memory tier

Written by `./dev bench memory --page`; not by hand. Figures are medians of %d runs, with the least and the
most (W5: %d; W7, W8, bursts and what is idle: %d; instructions: as many as `./dev bench instructions` does). All
contenders take turns in each run, on the same bodies, with the same number of workers; a ratio is taken within a run,
so that it holds where the machine does not. Where errand is behind, its ratio is in bold. errand has all its defaults
on: status, figures, retention. Each task ran once, counted by the bodies, and what errand said of its tasks afterwards
was right.
)",
              report.scale.runs, report.scale.runs * 2, std::min(3, report.scale.runs));
  print_origin(report);
  const std::vector<Price> prices = bench::prices(report.rows);
  print_prices(prices);
  print_goals(report.verdicts);
  print_references(beside_references(report.rows, prices));
  print_notes();
  print_figures(report.rows, true);
}

void print_durable_page(const Report& report) {
  std::printf(R"(# Measurements of the durable tier on SQLite

Written by `./dev bench durable --page`; not by hand. Figures are medians of %d runs, with the least and the most. All
contenders take turns in each run, on the same disk; a ratio is taken within a run, so that it holds where the disk does
not. Where errand is behind, its ratio is in bold. Payloads have %zu bytes. errand has all its defaults on, synchronous
= FULL among them: what a call has reported survives a power cut. After each run the tasks were counted in the store,
and none was missing.
)",
              report.scale.runs, kPayload.size());
  print_origin(report);
  print_goals(report.verdicts);
  print_durable_notes();
  print_figures(report.rows, false);
}

namespace {

void print_json_row(const Row& row) {
  std::printf("\n {\"workload\":%s,\"unit\":%s,\"more_is_better\":%s,\"columns\":[", quoted(row.workload).c_str(),
              quoted(row.unit).c_str(), row.more_is_better ? "true" : "false");
  const char* comma = "";
  for (const Column& column : row.columns) {
    std::printf("%s\n  {\"who\":%s,\"limit\":%s,\"median\":%s,\"runs\":%s,\"hand_overs_ns\":%s}", comma,
                quoted(column.who).c_str(), column.limit ? "true" : "false", number(median(column.runs)).c_str(),
                list(column.runs).c_str(), list(column.hand_overs).c_str());
    comma = ",";
  }
  std::printf("]}");
}

void print_json_verdict(const Verdict& verdict) {
  std::printf("\n {\"workload\":%s,\"who\":%s,\"against\":%s,\"outcome\":%s,\"windows\":[",
              quoted(verdict.goal->row).c_str(), quoted(verdict.goal->who).c_str(), quoted(verdict.against).c_str(),
              quoted(name_of(verdict.outcome)).c_str());
  const char* comma = "";
  for (const Window& window : verdict.windows) {
    std::printf("%s\n  {\"cores\":%s,\"figures\":%s,\"median\":%s,\"least\":%s,\"most\":%s,\"bound\":%s,\"met\":%s}",
                comma, window.cores ? quoted(name_of(*window.cores)).c_str() : "null", list(window.figures).c_str(),
                number(median(window.figures)).c_str(), number(quantile(window.figures, 0)).c_str(),
                number(quantile(window.figures, 1)).c_str(), window.bound ? number(*window.bound).c_str() : "null",
                !window.bound ? "null"
                : window.met  ? "true"
                              : "false");
    comma = ",";
  }
  std::printf("]}");
}

template <class T>
void print_json_list(const char* name, const std::vector<T>& all, void (*print)(const T&)) {
  std::printf(",\n\"%s\":[", name);
  const char* comma = "";
  for (const T& one : all) {
    std::printf("%s", comma);
    print(one);
    comma = ",";
  }
  std::printf("]");
}

}  // namespace

void print_json(const Report& report) {
  std::printf("{\"machine\":%s,\n\"command\":%s,\n\"commit\":%s", quoted(machine()).c_str(),
              quoted(report.command).c_str(), quoted(report.commit).c_str());
  print_json_list("rows", report.rows, print_json_row);
  print_json_list("goals", report.verdicts, print_json_verdict);
  std::printf("}\n");
}

}  // namespace bench
