// errand cron, run as a program. Every run has --from, so that its output is always the same.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

namespace errand {
namespace {

struct Ended {
  int exit_code = -1;
  std::string out;
  std::string err;
};

std::string read_all(int file) {
  std::string text(1 << 16, '\0');
  lseek(file, 0, SEEK_SET);
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(read(file, text.data(), text.size()), 0)));
  close(file);
  return text;
}

int unnamed_file() {
  char name[] = "/tmp/errand-cli-XXXXXX";
  const int file = mkstemp(name);
  unlink(name);
  return file;
}

// Runs `errand` with these arguments as they are; no shell is in between.
Ended errand(std::vector<std::string> arguments, int out = unnamed_file()) {
  const int err = unnamed_file();
  const pid_t child = fork();
  if (child == 0) {
    dup2(open("/dev/null", O_RDONLY), 0);
    dup2(out, 1);
    dup2(err, 2);
    std::vector<char*> argv{const_cast<char*>("errand")};
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    execv(ERRAND_BINARY, argv.data());
    _exit(127);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_all(out), read_all(err)};
}

TEST(CronCommand, PrintsTheExpressionInWordsAndATableInBothTimes) {
  const Ended run = errand({"cron", "0 9 * * MON-FRI", "--zone", "Europe/Berlin", "--from", "2026-03-26", "-n", "3"});
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_EQ(run.err, "");
  EXPECT_EQ(run.out,
            "At 09:00, Monday to Friday\n"
            "zone Europe/Berlin, dst after, from 2026-03-25T23:00:00Z\n"
            "\n"
            "local time                           UTC\n"
            "Thu 2026-03-26 09:00:00 +01:00 CET   2026-03-26T08:00:00Z\n"
            "Fri 2026-03-27 09:00:00 +01:00 CET   2026-03-27T08:00:00Z\n"
            "Mon 2026-03-30 09:00:00 +02:00 CEST  2026-03-30T07:00:00Z\n");
}

TEST(CronCommand, PrintsOneColumnInUtcAndTenLinesUnlessAskedOtherwise) {
  const Ended run = errand({"cron", "@hourly", "--from", "2026-01-01T00:00:00Z"});
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_EQ(run.out.find("At minute 0 of every hour\nzone UTC, dst after, from 2026-01-01T00:00:00Z\n\n"
                         "Thu  2026-01-01T01:00:00Z\n"),
            0u);
  EXPECT_EQ(std::count(run.out.begin(), run.out.end(), '\n'), 3 + 10);
}

// Fire times in New York after noon of `day`.
std::string in_new_york(const char* expression, const std::string& day, const char* dst) {
  const Ended run =
      errand({"cron", expression, "--zone", "America/New_York", "--from", day + " 12:00", "-n", "2", "--dst", dst});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  return run.out.substr(run.out.find("UTC\n") + 4);
}

TEST(CronCommand, ShowsWhatAMissingHourDoes) {
  const char* const at_half_past_two = "30 2 * * *";
  const char* const after =
      "Sun 2026-03-08 03:00:00 -04:00 EDT  2026-03-08T07:00:00Z\n"
      "Mon 2026-03-09 02:30:00 -04:00 EDT  2026-03-09T06:30:00Z\n";
  EXPECT_EQ(in_new_york(at_half_past_two, "2026-03-07", "after"), after);
  EXPECT_EQ(in_new_york(at_half_past_two, "2026-03-07", "both"), after);
  EXPECT_EQ(in_new_york(at_half_past_two, "2026-03-07", "skip"),
            "Mon 2026-03-09 02:30:00 -04:00 EDT  2026-03-09T06:30:00Z\n"
            "Tue 2026-03-10 02:30:00 -04:00 EDT  2026-03-10T06:30:00Z\n");
}

TEST(CronCommand, ShowsWhatARepeatedHourDoes) {
  const char* const at_half_past_one = "30 1 * * *";
  const char* const once =
      "Sun 2026-11-01 01:30:00 -04:00 EDT  2026-11-01T05:30:00Z\n"
      "Mon 2026-11-02 01:30:00 -05:00 EST  2026-11-02T06:30:00Z\n";
  EXPECT_EQ(in_new_york(at_half_past_one, "2026-10-31", "after"), once);
  EXPECT_EQ(in_new_york(at_half_past_one, "2026-10-31", "skip"), once);
  EXPECT_EQ(in_new_york(at_half_past_one, "2026-10-31", "both"),
            "Sun 2026-11-01 01:30:00 -04:00 EDT  2026-11-01T05:30:00Z\n"
            "Sun 2026-11-01 01:30:00 -05:00 EST  2026-11-01T06:30:00Z\n");
}

TEST(CronCommand, PrintsJsonForPrograms) {
  const Ended run = errand(
      {"cron", "*/60 9 * * *", "--zone", "Europe/Berlin", "--from", "2026-03-28T00:00:00Z", "-n", "2", "--json"});
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_EQ(run.err, "");
  EXPECT_EQ(run.out,
            R"({"expression":"*/60 9 * * *","description":"At 09:00, every day","zone":"Europe/Berlin","dst":"after",)"
            R"("from":"2026-03-28T00:00:00Z","warnings":[{"field":"minute","column":3,"reason":)"
            R"("the step 60 is larger than the range 0-59, so only 0 is left"}],)"
            R"("next":["2026-03-28T08:00:00Z","2026-03-29T07:00:00Z"]})"
            "\n");
}

TEST(CronCommand, CountsEveryFromTheGivenInstant) {
  const Ended run = errand({"cron", "@every 90s", "--from", "2026-01-01T00:00:00.5Z", "-n", "2", "--json"});
  EXPECT_NE(run.out.find(R"("next":["2026-01-01T00:01:30.5Z","2026-01-01T00:03:00.5Z"])"), std::string::npos)
      << run.out;
}

TEST(CronCommand, WarnsOfAStepAboveItsRange) {
  const Ended run = errand({"cron", "*/60 9 * * *", "--from", "2026-01-01", "-n", "1"});
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_NE(
      run.out.find("warning: field minute, column 3: the step 60 is larger than the range 0-59, so only 0 is left\n"),
      std::string::npos);
}

TEST(CronCommand, PutsACaretUnderWhatIsRefused) {
  const Ended run = errand({"cron", "0 25 * * *"});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_EQ(run.out, "");
  EXPECT_EQ(run.err,
            "errand cron: field hour, column 3: 25 is out of range 0-23\n"
            "  0 25 * * *\n"
            "    ^\n");
  EXPECT_EQ(errand({"cron", "0\t9 * *\x01 *"}).err,
            "errand cron: field month, column 8: unexpected byte \\x01; expected ',' or '/' after it\n"
            "  0\t9 * *? *\n"
            "   \t     ^\n");
  EXPECT_EQ(errand({"cron", ""}).exit_code, 2);
  EXPECT_EQ(errand({"cron", "-5 * * * *"}).exit_code, 2);
}

TEST(CronCommand, SaysInJsonWhatIsRefused) {
  const Ended run = errand({"cron", "0 25 * * \"\xc3", "--json"});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_EQ(run.out,
            R"({"expression":"0 25 * * \"�","error":{"field":"hour","column":3,"reason":"25 is out of range 0-23"}})"
            "\n");
  EXPECT_EQ(errand({"cron", "1 2 * * é", "--json"}).out.find(R"({"expression":"1 2 * * é","error":{"field")"), 0u);
  EXPECT_EQ(
      errand({"cron", "1 2", "--json"}).out.find(R"({"expression":"1 2","error":{"column":4,"reason":"2 fields; )"),
      0u);
  EXPECT_EQ(errand({"cron", "* * * * *", "--zone", "Mars", "--json"}).out,
            R"({"expression":"* * * * *","error":{"option":"--zone",)"
            R"("reason":"zone \"Mars\": not in the time zone database in /usr/share/zoneinfo"}})"
            "\n");
}

TEST(CronCommand, RefusesAnExpressionThatNeverFires) {
  const Ended run = errand({"cron", "0 0 31 2 *", "--from", "2026-01-01T00:00:00Z"});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_EQ(run.err,
            "errand cron: never fires: there is no such time within 50 years of 2026-01-01T00:00:00Z in UTC\n");
}

TEST(CronCommand, RefusesOptionsThatMakeNoSense) {
  const auto refused = [](std::vector<std::string> options) {
    options.insert(options.begin(), {"cron", "* * * * *"});
    const Ended run = errand(options);
    EXPECT_EQ(run.exit_code, 2);
    EXPECT_EQ(run.out, "");
    return run.err.substr(0, run.err.find('\n'));
  };
  EXPECT_EQ(refused({"-n", "0"}), "errand cron: --count: expected 1 to 10000, got \"0\"");
  EXPECT_EQ(refused({"-n", "-1"}), "errand cron: --count: expected 1 to 10000, got \"-1\"");
  EXPECT_EQ(refused({"-n", "ten"}), "errand cron: --count: expected 1 to 10000, got \"ten\"");
  EXPECT_EQ(refused({"-n", "99999999999"}), "errand cron: --count: expected 1 to 10000, got \"99999999999\"");
  EXPECT_EQ(refused({"--dst", "never"}), "errand cron: --dst: expected after, skip or both, got \"never\"");
  EXPECT_EQ(refused({"--zone", "Europe/Berln"}),
            "errand cron: --zone: zone \"Europe/Berln\": not in the time zone database in /usr/share/zoneinfo");
  EXPECT_EQ(refused({"--from", "tomorrow"}).find("errand cron: --from: expected a moment "), 0u);
  EXPECT_EQ(refused({"--until", "now"}), "errand cron: unknown option --until");
  EXPECT_EQ(refused({"5"}), "errand cron: expected one expression; put it in quotes, as in errand cron '0 9 * * *'");
}

TEST(CronCommand, TakesTheLastOfAnOptionThatIsGivenAgain) {
  const Ended run = errand({"cron", "@daily", "--from", "2025-01-01", "--dst", "skip", "-n", "3", "--zone",
                            "Asia/Tokyo", "--from", "2026-01-01", "--dst", "both", "-n", "1", "--zone", "UTC"});
  EXPECT_EQ(run.out,
            "At 00:00, every day\nzone UTC, dst both, from 2026-01-01T00:00:00Z\n\nFri  2026-01-02T00:00:00Z\n");
}

TEST(CronCommand, FailsWhereItsAnswerIsLost) {
  for (const char* option : {"--json", "--help", "-n1"}) {
    const Ended run = errand({"cron", "@daily", option}, open("/dev/full", O_RDWR));
    EXPECT_EQ(run.exit_code, 1) << option;
    EXPECT_EQ(run.err, "errand cron: write to standard output: No space left on device\n");
  }
}

TEST(Command, NamesWhatItDoesNotKnow) {
  EXPECT_EQ(errand({"corn"}).err.find("errand: unknown command corn\n"), 0u);
  EXPECT_EQ(errand({"corn"}).exit_code, 2);
  EXPECT_EQ(errand({}).exit_code, 2);
  EXPECT_EQ(errand({"--version"}).out.find("errand "), 0u);
}

}  // namespace
}  // namespace errand
