// The texts that errand run reads and makes: durations, quotes, templates, options, and what it says of its progress.

#include "run/command_line.h"
#include "run/done_before.h"
#include "run/duration.h"
#include "run/options.h"
#include "run/progress.h"
#include "run/shell_quote.h"
#include "run/tally.h"

#include <gtest/gtest.h>

namespace errand::cli {
namespace {

using namespace std::chrono_literals;

Duration duration(std::string_view text) {
  return parse_duration(text).value();
}

TEST(RunDuration, ReadsUnitsAndTakesABareNumberAsSeconds) {
  EXPECT_EQ(duration("500ms"), 500ms);
  EXPECT_EQ(duration("2s"), 2s);
  EXPECT_EQ(duration("1m30s"), 90s);
  EXPECT_EQ(duration("5min"), 5min);
  EXPECT_EQ(duration("1.5h"), 90min);
  EXPECT_EQ(duration("2d"), 48h);
  EXPECT_EQ(duration("0.1"), 100ms);
  EXPECT_EQ(duration(".5"), 500ms);
  EXPECT_EQ(duration("10"), 10s);
  EXPECT_EQ(duration("0"), 0s);
}

TEST(RunDuration, RefusesEverythingElse) {
  for (const char* text : {"", "s", "ms", "-1", "+1", "1x", "1 s", " 1s", "1s ", "1e3", "inf", "nan", "1..5s", ".",
                           "0x10", "1m30", "30s1", "11y"}) {
    const auto read = parse_duration(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().message(),
              "expected a duration such as 500ms, 2s or 1m30s, got \"" + std::string(text) + "\"");
  }
}

TEST(RunDuration, EndsAtTenYears) {
  EXPECT_EQ(duration("3650d"), 24h * 3650);
  for (const char* text : {"3651d", "99999999999999999999"}) {
    EXPECT_EQ(parse_duration(text).error().message(), "expected at most 3650d, got \"" + std::string(text) + "\"");
  }
}

TEST(RunDuration, IsShownToTheSecondInTwoUnits) {
  EXPECT_EQ(rough_text(999ms), "0s");
  EXPECT_EQ(rough_text(42s), "42s");
  EXPECT_EQ(rough_text(185s), "3m05s");
  EXPECT_EQ(rough_text(130min), "2h10m");
  EXPECT_EQ(rough_text(102h), "4d06h");
}

TEST(ShellQuote, LeavesPlainWordsAlone) {
  for (const char* text : {"a", "a.log", "dir/a-b_c.tar.gz", "user@host:/x", "50%", "+x", "-rf", "--"}) {
    EXPECT_EQ(shell_quote(text), text);
  }
}

TEST(ShellQuote, QuotesWhateverTheShellWouldLookAt) {
  EXPECT_EQ(shell_quote(""), "''");
  EXPECT_EQ(shell_quote("a b"), "'a b'");
  EXPECT_EQ(shell_quote("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_quote("'"), "''\\'''");
  EXPECT_EQ(shell_quote("a\nb"), "'a\nb'");
  EXPECT_EQ(shell_quote("$(x)"), "'$(x)'");
  EXPECT_EQ(shell_quote("~"), "'~'");
  EXPECT_EQ(shell_quote("#x"), "'#x'");
  EXPECT_EQ(shell_quote("A=b"), "'A=b'");
  EXPECT_EQ(shell_quote("\xff\xfe"), "'\xff\xfe'");
  EXPECT_EQ(shell_quote("if"), "'if'");
}

std::string fill(std::string_view command, std::string_view line, std::uint64_t number = 7) {
  return CommandLine(command).fill(line, number);
}

TEST(CommandLine, PutsTheLineInAtEachPlace) {
  EXPECT_EQ(fill("gzip -9 {}", "a b"), "gzip -9 'a b'");
  EXPECT_EQ(fill("mv {} {}.old", "x"), "mv x x.old");
  EXPECT_EQ(fill("{}", "x"), "x");
  EXPECT_EQ(fill("{}{}", "x"), "xx");
  EXPECT_EQ(fill("echo {#}:{}", "x", 12), "echo 12:x");
  EXPECT_EQ(fill("rm {}", "-rf"), "rm -rf");
}

TEST(CommandLine, AddsTheLineWhereTheCommandHasNoPlaceForIt) {
  EXPECT_EQ(fill("gzip -9", "a"), "gzip -9 a");
  EXPECT_EQ(fill("echo {", "a"), "echo { a");
  EXPECT_EQ(fill("echo", ""), "echo ''");
}

TEST(CommandLine, LeavesOtherBracesAlone) {
  EXPECT_EQ(fill("echo {a,b} {} { x; } ${HOME} {1} {..}", "z"), "echo {a,b} z { x; } ${HOME} {1} {..}");
}

TEST(CommandLine, WithoutACommandRunsTheLineItself) {
  EXPECT_TRUE(CommandLine("").empty());
  EXPECT_EQ(fill("", "echo 'a b' {}"), "echo 'a b' {}");
}

TEST(CommandLine, TakesPathsApartAsGnuParallelDoes) {
  EXPECT_EQ(fill("{.}|{/}|{//}|{/.}", "d/a.tar.gz"), "d/a.tar|a.tar.gz|d|a.tar");
  EXPECT_EQ(fill("{.}|{/}|{//}|{/.}", "x"), "x|x|.|x");
  EXPECT_EQ(fill("{.}|{/}|{//}|{/.}", "d.x/f"), "d.x/f|f|d.x|f");
  EXPECT_EQ(fill("{.}|{/}|{//}|{/.}", "a."), "a|a.|.|a");
  EXPECT_EQ(fill("{.}|{/}|{//}|{/.}", "dir/"), "dir/|''|.|''");
  EXPECT_EQ(fill("{//}", "/"), "/");
  EXPECT_EQ(fill("{//}", "/a"), "/");
  EXPECT_EQ(fill("{//}", "a/b/"), "a");
  EXPECT_EQ(fill("{.}", "a b.c"), "'a b'");
}

// There GNU parallel takes all of the name away, and `rm -r dir/{/.}` would mean the directory.
TEST(CommandLine, KeepsTheNameOfAHiddenFile) {
  EXPECT_EQ(fill("{.} {/.}", "d/.profile"), "d/.profile .profile");
  EXPECT_EQ(fill("{.} {/.}", "d/.."), "d/.. ..");
  EXPECT_EQ(fill("{.}", ".a.b"), ".a");
}

TEST(DoneBefore, KnowsEachCommandAsOftenAsItWasDone) {
  DoneBefore done;
  done.add("a");
  done.add("a");
  done.add("b");
  EXPECT_TRUE(done.take("a"));
  EXPECT_FALSE(done.take("c"));
  EXPECT_TRUE(done.take("a"));
  EXPECT_FALSE(done.take("a"));
  EXPECT_TRUE(done.take("b"));
  EXPECT_TRUE(done.empty());
}

std::string refusal(RunArguments given) {
  const auto options = read_options(given);
  return options ? "" : options.error().message();
}

TEST(RunOptions, HaveDefaults) {
  const auto options = read_options({}).value();
  EXPECT_EQ(options.command, "");
  EXPECT_FALSE(options.workers);
  EXPECT_EQ(options.retries, 0);
  EXPECT_EQ(options.backoff, 1s);
  EXPECT_FALSE(options.timeout);
  EXPECT_EQ(options.kill_after, 5s);
  EXPECT_EQ(options.delay, 0s);
  EXPECT_EQ(options.halt, HaltOn::never);
}

TEST(RunOptions, SplitWordsAtThreeColons) {
  const auto options = read_options({.words = {"gzip", "-9", "{}", ":::", "a", "-b"}}).value();
  EXPECT_EQ(options.command, "gzip -9 {}");
  EXPECT_EQ(options.arguments, (std::vector<std::string>{"a", "-b"}));
  EXPECT_TRUE(read_options({.words = {":::"}}).value().arguments->empty());
  EXPECT_EQ(refusal({.words = {"x", ":::", "a", ":::", "b"}}), "::: given twice; one list of arguments is possible");
}

TEST(RunOptions, SayWhichOneIsWrong) {
  EXPECT_EQ(refusal({.retries = "-1"}), "--retries: expected 0 to 10000, got \"-1\"");
  EXPECT_EQ(refusal({.retries = "2x"}), "--retries: expected 0 to 10000, got \"2x\"");
  EXPECT_EQ(refusal({.retries = "10001"}), "--retries: expected 0 to 10000, got \"10001\"");
  EXPECT_EQ(refusal({.workers = "0"}), "--jobs: expected 1 to 1024, got \"0\"");
  EXPECT_EQ(refusal({.workers = ""}), "--jobs: expected 1 to 1024, got \"\"");
  EXPECT_EQ(refusal({.workers = "-1"}), "--jobs: expected 1 to 1024, got \"-1\"");
  EXPECT_EQ(refusal({.workers = "1025"}), "--jobs: expected 1 to 1024, got \"1025\"");
  EXPECT_EQ(refusal({.timeout = "0"}), "--timeout: expected more than 0, got \"0\"");
  EXPECT_EQ(refusal({.halt = "later"}), "--halt: expected never, soon or now, got \"later\"");
}

TEST(RunOptions, SayWhichDurationIsWrong) {
  const struct {
    const char* option;
    std::optional<std::string> RunArguments::*given;
  } durations[] = {{"--backoff", &RunArguments::backoff},
                   {"--timeout", &RunArguments::timeout},
                   {"--kill-after", &RunArguments::kill_after},
                   {"--delay", &RunArguments::delay}};
  for (const auto& [option, given] : durations) {
    const auto says = [&, member = given](std::string_view value, std::string_view expected) {
      RunArguments arguments;
      arguments.*member = value;
      EXPECT_EQ(refusal(arguments),
                std::string(option) + ": expected " + std::string(expected) + ", got \"" + std::string(value) + "\"");
    };
    for (const char* value : {"x", "-1", "-2s", ""}) says(value, "a duration such as 500ms, 2s or 1m30s");
    says("3651d", "at most 3650d");
  }
}

TEST(RunOptions, SayWhatDoesNotGoTogether) {
  EXPECT_EQ(refusal({.resume = true}), "--resume: needs --joblog FILE");
  EXPECT_EQ(refusal({.joblog = "-"}), "--joblog: expected a file of its own, got - (standard output)");
  EXPECT_EQ(refusal({.keep_order = true, .line_buffer = true}),
            "--line-buffer: does not go together with --keep-order");
  EXPECT_EQ(refusal({.line_buffer = true, .json = true}), "--line-buffer: does not go together with --json");
  EXPECT_EQ(refusal({.words = {":::"}, .file = "x"}), "--arg-file: does not go together with :::");
}

TEST(RunVerdict, HasTheExitCodesOfGnuParallel) {
  EXPECT_EQ((Verdict{}.exit_code()), 0);
  EXPECT_EQ((Verdict{.failed = 1}.exit_code()), 1);
  EXPECT_EQ((Verdict{.failed = 100}.exit_code()), 100);
  EXPECT_EQ((Verdict{.failed = 101}.exit_code()), 101);
  EXPECT_EQ((Verdict{.failed = 100'000}.exit_code()), 101);
  EXPECT_EQ((Verdict{.halted_by = 3, .failed = 2}.exit_code()), 3);
  EXPECT_EQ((Verdict{.trouble = true, .halted_by = 3, .failed = 2}.exit_code()), 255);
}

TEST(RunProgress, CountsWhileTheAmountOfWorkIsUnknown) {
  const Figures figures{.submitted = 20, .settled = 12, .running = 8};
  EXPECT_EQ(progress_bar(figures, 10s, 80), "12  8 running");
  EXPECT_EQ(progress_line(figures, 10s), "12 done, 8 running");
}

TEST(RunProgress, EstimatesTheRestOnceAllLinesAreRead) {
  const Figures figures{.submitted = 1'000, .settled = 250, .failed = 2, .running = 8, .all_read = true};
  EXPECT_EQ(progress_bar(figures, 20s, 80), "[#####---------------]  25%  250/1000  8 running  2 failed  ETA 1m00s");
  EXPECT_EQ(progress_line(figures, 20s), "250 of 1000 done, 8 running, 2 failed, 1m00s left");
}

TEST(RunProgress, EstimatesFromTheShareOfAFileThatIsRead) {
  const Figures figures{.submitted = 40, .settled = 20, .running = 8, .share_read = 0.5};
  EXPECT_EQ(progress_bar(figures, 10s, 80), "[#####---------------]  25%  20  8 running  ETA 30s");
}

TEST(RunProgress, FitsTheTerminal) {
  const Figures figures{.submitted = 1'000, .settled = 1'000, .all_read = true};
  EXPECT_EQ(progress_bar(figures, 20s, 11), "[#########");
  EXPECT_EQ(progress_bar(figures, 20s, 0), "");
}

}  // namespace
}  // namespace errand::cli
