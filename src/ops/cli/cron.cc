#include "cron.h"

#include "cron_print.h"
#include "schedule/cron_next.h"
#include "schedule/cron_parse.h"
#include "schedule/instant.h"
#include "schedule/slots.h"

#include <CLI/CLI.hpp>
#include <iostream>
#include <map>

namespace errand::cli {

namespace {

constexpr int kMisused = 2;
constexpr int kMostCount = 10'000;

constexpr const char* kFooter = R"(Five fields, or six with seconds first:
  [second 0-59] minute 0-59 hour 0-23 day-of-month 1-31 month 1-12 day-of-week 0-7
In each field:
  *  ?             all                     5,10,20          a list
  9-17             a range                 */5 9-17/2 20/5  steps
  JAN-DEC SUN-SAT  names; 0 and 7 are Sunday
Days only:
  L LW             the last day and the last working day of the month
  15W              the working day nearest to the 15th
  MON#2 FRIL       the second Monday and the last Friday of the month
Instead of all fields:
  @yearly @annually @monthly @weekly @daily @midnight @hourly
  @every 90s       every so often, counted from --from; units are s, m, h and d, as in 1h30m
If both day fields are restricted, one of them is enough. One that starts with * is not restricted.

Where the clock is changed, an expression whose minute or hour starts with * goes by what the
clock shows. For all others, --dst says:
  after            a missing time fires right after the gap, a repeated one the first time
  skip             a missing time does not fire
  both             as after, but a repeated time fires both times

Examples:
  errand cron '0 9 * * MON-FRI' --zone Europe/Berlin
  errand cron '30 2 * * *' --zone America/New_York --from 2026-03-07 -n 3
  errand cron '@every 90s' --json

Exit status: 0; 2 if the expression, the zone or an option is refused; 1 if the answer cannot be written.)";

// Refused for a reason that has no place in the expression.
int refuse(const CronOptions& options, std::string_view option, std::string_view reason, std::ostream& out,
           std::ostream& err) {
  err << "errand cron: " << option << (option.empty() ? "" : ": ") << reason << "\n";
  if (options.json) print_json_refusal(out, options.expression, option, reason);
  return kMisused;
}

int refuse(const CronOptions& options, const CronRemark& remark, std::ostream& out, std::ostream& err) {
  print_refusal(err, options.expression, remark);
  if (options.json) print_json_refusal(out, options.expression, remark);
  return kMisused;
}

std::vector<WallTime> first_fires(const Timetable& timetable, WallTime from, int count) {
  std::vector<WallTime> fires;
  auto fire = timetable.next(from);
  for (; fire && static_cast<int>(fires.size()) < count; fire = timetable.next(*fire)) fires.push_back(*fire);
  return fires;
}

const std::map<std::string, Dst> kDst = {{"after", Dst::after}, {"skip", Dst::skip}, {"both", Dst::both}};

std::string check_dst(const std::string& given) {
  return kDst.contains(given) ? std::string() : "expected after, skip or both, got \"" + given + "\"";
}

std::string check_count(const std::string& given) {
  int number = 0;
  const bool fits = CLI::detail::lexical_cast(given, number) && number >= 1 && number <= kMostCount;
  return fits ? std::string() : "expected 1 to " + std::to_string(kMostCount) + ", got \"" + given + "\"";
}

// The shell splits an expression without quotes into many arguments, which deserves better than "not expected".
std::string about_extra(const std::string& argument) {
  if (argument.starts_with("-")) return "unknown option " + argument;
  return "expected one expression; put it in quotes, as in errand cron '0 9 * * *'";
}

}  // namespace

int cron_command(const CronOptions& options, WallTime now, std::ostream& out, std::ostream& err) {
  auto read = read_cron(options.expression);
  if (const auto* remark = std::get_if<CronRemark>(&read)) return refuse(options, *remark, out, err);
  const auto& expression = std::get<CronExpression>(read);
  const auto zone = find_zone(options.zone);
  if (!zone) return refuse(options, "--zone", zone.error().message(), out, err);
  const auto from = options.from ? parse_instant(*options.from, *zone) : Result<WallTime>(now);
  if (!from) return refuse(options, "--from", from.error().message(), out, err);
  const auto timetable = Timetable::cron(expression, *zone, options.dst, *from);
  const CronAnswer answer{expression, *zone, options.dst, *from, first_fires(timetable, *from, options.count)};
  if (answer.fires.empty()) return refuse(options, "", never_fires(*zone, *from), out, err);
  options.json ? print_json(out, answer) : print_table(out, answer);
  return 0;
}

void add_cron(CLI::App& app, int& exit_code) {
  // What the options are parsed into has to outlive this function, inside the callback.
  struct Line {
    CronOptions options{};
    std::string dst{"after"};
  };
  auto line = std::make_shared<Line>();
  CronOptions& options = line->options;
  CLI::App* cron = app.add_subcommand("cron", "Say when a cron expression fires next, or what is wrong with it.");
  cron->footer(kFooter);
  cron->add_option("EXPRESSION", options.expression, "the cron expression, in quotes")->required()->type_name("");
  cron->add_option("--zone", options.zone, "time zone, such as Europe/Berlin")
      ->take_last()
      ->type_name("ZONE")
      ->capture_default_str();
  cron->add_option("--from", options.from, "fire times later than this; unset: now")->take_last()->type_name("MOMENT");
  cron->add_option("--dst", line->dst, "fixed times that a change of the clock removes or repeats")
      ->check(check_dst)
      ->take_last()
      ->type_name("after|skip|both")
      ->capture_default_str();
  cron->add_option("-n,--count", options.count, "how many fire times, 1 to 10000")
      ->check(check_count)
      ->take_last()
      ->type_name("NUMBER")
      ->capture_default_str();
  cron->add_flag("--json", options.json, "for programs: one JSON object, moments in UTC");
  cron->allow_extras();
  cron->callback([cron, line, &exit_code] {
    if (cron->remaining_size() > 0) throw CLI::ArgumentMismatch(about_extra(cron->remaining().front()));
    line->options.dst = kDst.at(line->dst);
    const auto now = std::chrono::floor<std::chrono::seconds>(real_clock()->now());
    exit_code = cron_command(line->options, now, std::cout, std::cerr);
  });
}

}  // namespace errand::cli
