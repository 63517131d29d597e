#include "report.h"

#include <cmath>
#include <cstdio>

#include "durable.h"
#include "machine.h"
#include "measure.h"

namespace bench {

namespace {

std::string quoted(const std::string& text) {
  return "\"" + text + "\"";
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

}  // namespace

void print_table(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    std::printf("%s, %s (hand-over %.0f ns)\n", row.workload.c_str(), row.unit.c_str(), row.hand_over);
    for (const Column& column : row.columns) {
      std::printf("  %-26s %12.3f   %.3f to %.3f", column.who.c_str(), median(column.runs), quantile(column.runs, 0),
                  quantile(column.runs, 1));
      if (&column != &row.columns.front()) {
        const std::vector<double> times = ratios(row.columns.front(), column);
        if (std::isfinite(median(times))) {
          std::printf("   %s is %.2fx, %.2f to %.2f", row.columns.front().who.c_str(), median(times),
                      quantile(times, 0), quantile(times, 1));
        }
      }
      std::printf("\n");
    }
  }
}

void print_verdicts(const std::vector<Verdict>& verdicts) {
  for (const Verdict& v : verdicts) {
    const std::string name = v.goal->row + (v.goal->who == "errand" ? "" : ", " + v.goal->who) +
                             (v.against.empty() ? "" : ", against " + v.against);
    std::printf("%-9s %s: %.3g (%.3g to %.3g), goal %s\n",
                !v.bound ? "contended"
                : v.met  ? "met"
                         : "MISSED",
                name.c_str(), v.median, v.least, v.most, number(v.bound.value_or(v.goal->bound)).c_str());
  }
}

namespace {

std::string three_digits(double value) {
  if (!std::isfinite(value)) return "-";
  char text[32];
  std::snprintf(text, sizeof text, value >= 1000 ? "%.0f" : "%.3g", value);
  return text;
}

std::string with_spread(const std::vector<double>& values) {
  return three_digits(median(values)) + " (" + three_digits(quantile(values, 0)) + " to " +
         three_digits(quantile(values, 1)) + ")";
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
  std::printf(
      "\n## How some of it is measured\n\n"
      "- *Urgent task under load*: a queue kept full of tasks of priority 5 that take 1 us each gets one of priority 0 "
      "now and\n"
      "  then. Counted are the bodies of priority 5 that begin after its submit() has returned and before its own "
      "body: at "
      "most\n"
      "  one a worker, which that had taken already, is as few as can be. With no-ops several may begin before another "
      "core can\n"
      "  see the urgent task at all.\n"
      "- *Questions meanwhile*: everything is submitted before, one worker runs, and a second thread asks; two cores "
      "have "
      "no\n"
      "  room for a third one. The comparison is with a second thread that runs a loop, so that the loss is the "
      "queue's "
      "and not\n"
      "  that of a core which others use as well; listing another queue, just as full, shows what is the memory's.\n"
      "- *Instructions*: counted by callgrind in one thread that drives the queue by hand, as the difference of two "
      "numbers of\n"
      "  tasks. They vary by less than 1 %%, whatever the machine does.\n");
}

void print_references(const std::vector<Beside>& all) {
  std::printf(
      "\n## Rivals beside their reference figures\n\n"
      "How a rival fares here, beside the machine where the goals were set: 1 is as well as there. Below 0.8 the "
      "reason "
      "is\n"
      "what its figure rests on and is dearer here, as far as the table above tells.\n\n"
      "| workload | rival | there | here | times | reason |\n|---|---|---|---|---|---|\n");
  for (const Beside& one : all) {
    const bool below = !one.reason.empty();
    std::printf("| %s | %s | %s | %s | %s%s%s | %s |\n", one.reference->row.c_str(), one.reference->who.c_str(),
                three_digits(one.reference->figure).c_str(), three_digits(one.here).c_str(), below ? "**" : "",
                three_digits(one.times).c_str(), below ? "**" : "", one.reason.c_str());
  }
}

void print_goals(const std::vector<Verdict>& verdicts) {
  std::printf("\n## Goals\n\n| workload | against | ratio or figure | goal | |\n|---|---|---|---|---|\n");
  for (const Verdict& v : verdicts) {
    const std::string who = v.goal->who == "errand" ? "" : ", " + v.goal->who;
    std::printf("| %s%s | %s | %s (%s to %s) | %s | %s |\n", v.goal->row.c_str(), who.c_str(),
                v.against.empty() ? "-" : v.against.c_str(), three_digits(v.median).c_str(),
                three_digits(v.least).c_str(), three_digits(v.most).c_str(),
                three_digits(v.bound.value_or(v.goal->bound)).c_str(),
                !v.bound ? "contended"
                : v.met  ? "met"
                         : "**missed**");
  }
}

void print_figures(const std::vector<Row>& rows, bool with_hand_over) {
  std::printf("\n## Figures\n");
  for (const Row& row : rows) {
    std::printf("\n### %s\n\nIn %s", row.workload.c_str(), row.unit.c_str());
    if (with_hand_over) std::printf("; hand-over %.0f ns", row.hand_over);
    std::printf(".\n\n| | figure | %s is |\n|---|---|---|\n", row.columns.front().who.c_str());
    for (const Column& column : row.columns) {
      const bool first = &column == &row.columns.front();
      std::printf("| %s | %s | %s |\n", column.who.c_str(), with_spread(column.runs).c_str(),
                  first ? "" : (with_spread(ratios(row.columns.front(), column)) + " x").c_str());
    }
  }
}

// What the rows of the durable tier do not say themselves.
void print_durable_notes() {
  std::printf(
      "\n## How some of it is measured\n\n"
      "- *fdatasync alone*: 4 KiB are written behind what is there and flushed, by one thread: what the disk allows.\n"
      "- *raw SQLite*: the same rows written by hand, with the same settings, and none of the rest.\n"
      "- D1, D2 and D7: a call returns when its task is on the disk. D3: 4,000 are on their way, or calls take 1,000 "
      "each.\n"
      "- D4: each task is enqueued, claimed, run and completed; *kept* ones can be asked about afterwards.\n"
      "- D6: beside a million completed tasks, with so many waiting.\n"
      "- Redis runs with appendfsync always, as BullMQ's does, and beanstalkd with -f0: what they acknowledged is on "
      "the "
      "disk, too.\n"
      "  plainjob enqueues with synchronous = FULL; in D4 it has its own setting, NORMAL, under which a power cut "
      "takes "
      "what came last.\n");
}

}  // namespace

void print_memory_page(const std::vector<Row>& rows, const std::vector<Verdict>& verdicts, const Scale& scale,
                       const std::string& commit) {
  std::printf(
      "# Measurements of the memory tier\n\n"
      "Written by `./dev bench memory --page`; not by hand. Figures are medians of %d runs (W5: %d; W7, W8 and what is "
      "idle: 1;\n"
      "instructions: as many as `./dev bench instructions` does), with the least and the most. All contenders take "
      "turns "
      "in\n"
      "each run, on the same bodies, with the same number of workers; a ratio is taken within a run, so that it holds "
      "where\n"
      "the machine does not. errand has all its defaults on: status, figures, retention. *Hand-over* is how long a "
      "cache "
      "line\n"
      "takes between the two cores, measured before each run: from %.0f ns on the cores count as far apart, from %.0f "
      "ns "
      "on as\n"
      "contended, where a goal does not count. Each task ran once, counted by the bodies; after each run of W1 to W4 "
      "errand was\n"
      "asked about a thousand of its tasks, and was right.\n\n"
      "- machine: %s\n- commit: %s\n",
      scale.runs, scale.runs * 2, kFar, kContended, machine().c_str(), commit.c_str());
  const std::vector<Price> prices = bench::prices(rows);
  print_prices(prices);
  print_goals(verdicts);
  print_references(beside_references(rows, prices));
  print_notes();
  print_figures(rows, true);
}

void print_durable_page(const std::vector<Row>& rows, const std::vector<Verdict>& verdicts, const Scale& scale,
                        const std::string& commit) {
  std::printf(
      "# Measurements of the durable tier on SQLite\n\n"
      "Written by `./dev bench durable --page`; not by hand. Figures are medians of %d runs, with the least and the "
      "most. All\n"
      "contenders take turns in each run, on the same disk; a ratio is taken within a run, so that it holds where the "
      "disk does\n"
      "not. Payloads have %zu bytes. errand has all its defaults on, synchronous = FULL among them: what a call has "
      "reported\n"
      "survives a power cut. After each run the tasks were counted in the store, and none was missing.\n\n"
      "- machine: %s\n- commit: %s\n",
      scale.runs, kPayload.size(), machine().c_str(), commit.c_str());
  print_goals(verdicts);
  print_durable_notes();
  print_figures(rows, false);
}

void print_json(const std::vector<Row>& rows, const std::vector<Verdict>& verdicts) {
  std::printf("{\"rows\":[");
  const char* comma = "";
  for (const Row& row : rows) {
    std::printf("%s\n {\"workload\":%s,\"unit\":%s,\"hand_over_ns\":%s,\"columns\":[", comma,
                quoted(row.workload).c_str(), quoted(row.unit).c_str(), number(row.hand_over).c_str());
    const char* between = "";
    for (const Column& column : row.columns) {
      std::printf("%s\n  {\"who\":%s,\"median\":%s,\"runs\":%s}", between, quoted(column.who).c_str(),
                  number(median(column.runs)).c_str(), list(column.runs).c_str());
      between = ",";
    }
    std::printf("]}");
    comma = ",";
  }
  std::printf("],\n\"goals\":[");
  comma = "";
  for (const Verdict& v : verdicts) {
    std::printf(
        "%s\n {\"workload\":%s,\"who\":%s,\"against\":%s,\"median\":%s,\"least\":%s,\"most\":%s,\"bound\":%s,"
        "\"met\":%s}",
        comma, quoted(v.goal->row).c_str(), quoted(v.goal->who).c_str(), quoted(v.against).c_str(),
        number(v.median).c_str(), number(v.least).c_str(), number(v.most).c_str(),
        v.bound ? number(*v.bound).c_str() : "null",
        !v.bound ? "null"
        : v.met  ? "true"
                 : "false");
    comma = ",";
  }
  std::printf("]}\n");
}

}  // namespace bench
