// errand run as people use it: what it runs, what it prints, how it ends.

#include "run_program.h"

#include <algorithm>
#include <map>
#include <set>

namespace errand::cli {
namespace {

using namespace std::string_literals;
using Lines = std::vector<std::string>;

Lines sorted(Lines lines) {
  std::ranges::sort(lines);
  return lines;
}

TEST_F(RunTest, RunsTheCommandForEachLine) {
  const auto ended = run({"touch {}; echo made {}"}, "a\nb\nc\n");
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_EQ(ended.err, "");
  EXPECT_EQ(sorted(split_lines(ended.out)), (Lines{"made a", "made b", "made c"}));
  EXPECT_TRUE(exists("a") && exists("b") && exists("c"));
}

TEST_F(RunTest, GivesTheShellTheLineAsOneWord) {
  const auto ended = run({"-k", "printf '[%s]\\n' {}"}, "a b\nit's\n$HOME `x` \"y\"\n\xff\\\n-n\n\n");
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_EQ(ended.out, "[a b]\n[it's]\n[$HOME `x` \"y\"]\n[\xff\\]\n[-n]\n[]\n");
}

TEST_F(RunTest, WithoutACommandRunsEachLine) {
  const auto ended = run({"-k"}, "echo 'a b' | tr a-z A-Z\n\n   \nexit 3\necho {}");
  EXPECT_EQ(ended.out, "A B\n{}\n");
  EXPECT_EQ(ended.exit_code, 1);
}

TEST_F(RunTest, RunsNothingForAnEmptyInput) {
  const auto ended = run({"echo {}"});
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_EQ(ended.out + ended.err, "");
}

TEST_F(RunTest, ReadsLinesFromAFile) {
  write("list", "a\nb");
  EXPECT_EQ(run({"-k", "-a", "list", "echo {}"}, "ignored\n").out, "a\nb\n");
  EXPECT_EQ(run({"-k", "-a", "-", "echo {}"}, "c\n").out, "c\n");
}

TEST_F(RunTest, TakesArgumentsInPlaceOfLines) {
  EXPECT_EQ(run({"-k", "printf", "'%s|%s.'", "{}", "{#}", ":::", "a b", "-n", "c\nd"}, "ignored\n").out,
            "a b|1.-n|2.c\nd|3.");
}

TEST_F(RunTest, SplitsAtNulWhereAsked) {
  EXPECT_EQ(run({"-0", "-k", "printf '[%s]' {}"}, "a\nb\0c\0"s).out, "[a\nb][c]");
}

TEST_F(RunTest, LeavesOptionsOfTheCommandAlone) {
  EXPECT_EQ(run({"-k", "printf", "%s-%s.", "-j", "{}", "--json"}, "x\n").out, "-j-x.--json-.");
  EXPECT_EQ(run({"--", "echo", "--x", "{}"}, "y\n").out, "--x y\n");
  EXPECT_EQ(run({"echo", "cron", "{}"}, "y\n").out, "cron y\n");
}

TEST_F(RunTest, RefusesALineThatNoCommandCouldHold) {
  const auto ended = run({"echo {}"}, "a\nb\0c\n"s);
  EXPECT_EQ(ended.exit_code, 255);
  EXPECT_EQ(ended.err.substr(0, ended.err.find('\n')),
            "errand run: standard input: line 2: holds a NUL byte; --null reads a list that is separated by them");
}

TEST_F(RunTest, FailsACommandThatIsTooLongForTheSystem) {
  std::string input(300'001, 'x');
  input[200'000] = '\n';
  const auto ended = run({"-k", "printf %s {} | wc -c"}, input);
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_EQ(ended.out, "100000\n");
  EXPECT_NE(ended.err.find("Argument list too long"), std::string::npos) << ended.err;
}

TEST_F(RunTest, GivesCommandsAnEmptyInput) {
  const auto ended = run({"cat; echo {}"}, "a\n");
  EXPECT_EQ(ended.out, "a\n");
}

TEST_F(RunTest, GivesCommandsTheDirectoryAndTheEnvironment) {
  EXPECT_EQ(run({"pwd; echo {}"}, "a\n").out, directory_ + "\na\n");
}

// Descriptors above 2 would keep files and pipes open that are none of the command's business.
TEST_F(RunTest, GivesCommandsNoOtherFiles) {
  const auto ended = run({"-j", "4", "ls /proc/self/fd | wc -l; : {}"}, "a\nb\nc\nd\ne\nf\n");
  EXPECT_EQ(ended.out, "4\n4\n4\n4\n4\n4\n");  // the fourth is the directory that ls reads
}

TEST_F(RunTest, GivesEachCommandAGroupOfItsOwnAndAllSignals) {
  const auto ended = run({"cut -d' ' -f5 /proc/$$/stat; echo $$; grep SigBlk /proc/self/status; : {}"}, "a\n");
  const auto lines = split_lines(ended.out);
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0], lines[1]);
  EXPECT_EQ(lines[2], "SigBlk:\t0000000000000000");
}

TEST_F(RunTest, ExitsWithTheNumberOfFailures) {
  EXPECT_EQ(run({"exit {}"}, "0\n1\n0\n2\n3\n").exit_code, 3);
  EXPECT_EQ(run({"kill -9 $$; : {}"}, "a\n").exit_code, 1);
}

TEST_F(RunTest, ExitsWith101ForMoreThanAHundredFailures) {
  std::string input;
  for (int i = 0; i < 105; ++i) input += "exit 1\n";
  const auto ended = run({}, input);
  EXPECT_EQ(ended.exit_code, 101);
  EXPECT_EQ(split_lines(ended.err).size(), 12u) << ended.err;  // ten of them, one for the rest, and the sum
  EXPECT_NE(ended.err.find("errand run: 105 of 105 failed\n"), std::string::npos);
}

TEST_F(RunTest, ExitsWith255ForMisuse) {
  const auto ended = run({"--retries", "-1", "true"});
  EXPECT_EQ(ended.exit_code, 255);
  EXPECT_EQ(ended.err, "errand run: --retries: expected 0 to 10000, got \"-1\"\nTry 'errand run --help'.\n");
  EXPECT_EQ(run({"--no-such-option", "true"}).err,
            "errand run: unknown option --no-such-option\nTry 'errand run --help'.\n");
  EXPECT_EQ(run({"-a", "no-such-file", "true"}).err, "errand run: open no-such-file: No such file or directory\n");
  EXPECT_EQ(run({"--joblog", "no/such/log", "true"}).exit_code, 255);
}

TEST_F(RunTest, SaysWhichCommandFailed) {
  const auto ended = run({"-k", "exit {}"}, "0\n3\n");
  EXPECT_EQ(ended.err, "errand run: exit code 3: exit 3\nerrand run: 1 of 2 failed\n");
  EXPECT_EQ(run({"-q", "exit {}"}, "3\n").err, "");
  EXPECT_EQ(run({"kill -9 $$ # {}"}, "x\n").err,
            "errand run: signal 9 (Killed): kill -9 $$ # x\nerrand run: 1 of 1 failed\n");
}

TEST_F(RunTest, PrintsCommandsInADryRun) {
  const auto ended = run({"--dry-run", "touch {}"}, "a\nb c\n");
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_EQ(ended.out, "touch a\ntouch 'b c'\n");
  EXPECT_FALSE(exists("a"));
}

TEST_F(RunTest, PrintsObjectsInADryRunForPrograms) {
  EXPECT_EQ(run({"--dry-run", "--json", "echo {}"}, "a\nb \"\n").out,
            "{\"seq\":1,\"command\":\"echo a\"}\n{\"seq\":2,\"command\":\"echo 'b \\\"'\"}\n");
}

TEST_F(RunTest, TakesTheLastOfAnOptionThatIsGivenAgain) {
  EXPECT_EQ(run({"-j", "none", "-k", "--jobs", "1", "-k", "echo {}"}, "a\n").out, "a\n");
}

// Each waits for the other one.
TEST_F(RunTest, RunsCommandsSideBySide) {
  make_fifo("one");
  make_fifo("two");
  const auto ended = run({"-j", "2"}, "echo 1 > one; cat two\necho 2 > two & cat one\n");
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_EQ(sorted(split_lines(ended.out)), (Lines{"1", "2"}));
}

TEST_F(RunTest, RunsNoMoreAtOnceThanAsked) {
  std::string input;
  for (int i = 0; i < 60; ++i) input += std::to_string(i) + "\n";
  const auto ended = run({"-j", "3", "mkdir run-{}; ls -d run-* | wc -l; rmdir run-{}"}, input);
  const auto counts = split_lines(ended.out);
  EXPECT_EQ(counts.size(), 60u);
  EXPECT_LE(*std::ranges::max_element(counts), "3");
}

TEST_F(RunTest, WithOneWorkerRunsInOrder) {
  std::string input;
  for (int i = 0; i < 100; ++i) input += std::to_string(i) + "\n";
  EXPECT_EQ(run({"-j1", "echo {}"}, input).out, input);
}

// The first command ends last.
TEST_F(RunTest, KeepsTheOrderOfTheLines) {
  make_fifo("go");
  const auto ended =
      run({"-k", "-j", "2"}, "cat go > /dev/null; echo one\necho two\necho three; exit 1\necho four > go\n");
  EXPECT_EQ(ended.out, "one\ntwo\nthree\n");
  EXPECT_EQ(ended.exit_code, 1);
}

TEST_F(RunTest, PrintsOutputWhenACommandEnds) {
  make_fifo("go");
  Program program(directory_, {"-j", "2"});
  program.type("cat go > /dev/null; echo one\necho two\n");
  EXPECT_TRUE(program.prints("two\n"));
  write("go", "");
  EXPECT_EQ(program.end().out, "two\none\n");
}

TEST_F(RunTest, KeepsTheStreamsApart) {
  const auto ended = run({"echo out; echo err >&2; exit 0; : {}"}, "a\n");
  EXPECT_EQ(ended.out, "out\n");
  EXPECT_EQ(ended.err, "err\n");
}

TEST_F(RunTest, AddsNothingToOutputWithoutANewline) {
  EXPECT_EQ(run({"-k", "printf {}"}, "a\nb\n").out, "ab");
}

constexpr const char* kNoise =
    "for i in 0 1 2 3 4 5 6 7 8 9; do for k in 0 1 2 3 4 5 6 7 8 9; do "
    "printf '%s ' {} $i$k; printf '%s\\n' xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done; done";

// "worker number xxx": the lines of each worker in order. Returns how often the worker changes from line to line.
int check_noise(const std::string& out) {
  std::map<std::string, int> next;
  int changes = 0;
  std::string last;
  for (const auto& line : split_lines(out)) {
    const auto space = line.find(' ');
    const auto who = line.substr(0, space);
    int& number = next[who];
    char expected[80];
    std::snprintf(expected, sizeof expected, "%s %02d %s", who.c_str(), number++, std::string(43, 'x').c_str());
    EXPECT_EQ(line, expected);
    changes += who != last;
    last = who;
  }
  EXPECT_EQ(next.size(), 8u);
  for (const auto& [who, count] : next) EXPECT_EQ(count, 100) << who;
  return changes;
}

TEST_F(RunTest, KeepsTheOutputOfEachCommandTogether) {
  const auto ended = run({"-j", "8", kNoise}, "a\nb\nc\nd\ne\nf\ng\nh\n");
  EXPECT_EQ(check_noise(ended.out), 8);
}

TEST_F(RunTest, NeverMixesLinesThatComeAsTheyAre) {
  const auto ended = run({"-j", "8", "--line-buffer", kNoise}, "a\nb\nc\nd\ne\nf\ng\nh\n");
  EXPECT_GE(check_noise(ended.out), 8);
}

TEST_F(RunTest, PrintsLinesAsTheyComeWhereAsked) {
  make_fifo("go");
  Program program(directory_, {"--line-buffer", "-j", "2"});
  program.type("echo one; printf tw; cat go > /dev/null; echo o; printf three\n");
  EXPECT_TRUE(program.prints("one\n"));
  write("go", "");
  EXPECT_EQ(program.end().out, "one\ntwo\nthree\n");
}

TEST_F(RunTest, HoldsMoreOutputThanFitsInMemory) {
  const std::string line = "head -c 5000000 /dev/zero | tr '\\0' {}; echo; ";
  const auto ended = run({"-j", "2", "-k", line + line}, "x\ny\n");
  const auto lines = split_lines(ended.out);
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_TRUE(lines[0] == std::string(5'000'000, 'x') && lines[1] == lines[0]);
  EXPECT_TRUE(lines[2] == std::string(5'000'000, 'y') && lines[3] == lines[2]);
}

TEST_F(RunTest, DoesNotWaitForWhatACommandLeavesInTheBackground) {
  const auto ended = run({"sleep 1000 & echo $! > pid; echo started {}"}, "x\n");
  EXPECT_EQ(ended.out, "started x\n");
  EXPECT_EQ(ended.exit_code, 0);
  const pid_t left = pid_in("pid");
  EXPECT_TRUE(is_alive(left));
  ::kill(left, SIGKILL);
}

TEST_F(RunTest, StopsWhenNobodyReadsItsOutput) {
  Program program(directory_, {"-j", "2", "--kill-after", "0.1", "echo {}"});
  program.type("a\n");
  EXPECT_TRUE(program.prints("a\n"));
  program.close_output();
  program.type("b\n");
  EXPECT_TRUE(program.prints_error("write to standard output: Broken pipe"));
  EXPECT_EQ(program.end().exit_code, 255);
}

// Run by a shell, which closes the streams. Success would mean that the output is somewhere.
TEST_F(RunTest, MissesAStandardStreamThatIsClosedOnlyWhereItNeedsIt) {
  const std::string inner = "'" ERRAND_BINARY "' run ";
  const auto without = [&](const std::string& rest) { return run({"-j", "1", inner + rest + "; echo $? #"}, "\n"); };
  EXPECT_EQ(without("'echo {} > made' ::: a <&- >&- 2>&-").out, "0\n");
  EXPECT_TRUE(exists("made"));
  const auto no_output = without("'echo {}' ::: a >&-");
  EXPECT_EQ(no_output.out, "255\n");
  EXPECT_NE(no_output.err.find("errand run: write to standard output: Bad file descriptor\n"), std::string::npos);
  const auto no_input = without("'echo {}' <&-");
  EXPECT_EQ(no_input.out, "255\n");
  EXPECT_NE(no_input.err.find("errand run: read standard input: Bad file descriptor\n"), std::string::npos);
}

TEST_F(RunTest, SaysSoWhereItsHelpIsLost) {
  const auto ended = run({"'" ERRAND_BINARY "' run --help > /dev/full; echo $? #"}, "\n");
  EXPECT_EQ(ended.out, "255\n");
  EXPECT_EQ(ended.err, "errand run: write to standard output: No space left on device\n");
}

TEST_F(RunTest, ReadsNoMoreThanItNeeds) {
  Program program(directory_, {"-j", "2", "--halt", "soon", "test {#} -lt 20"});
  std::string many;
  for (int i = 0; i < 10'000; ++i) many += "line\n";
  while (is_alive(program.pid())) program.type(many);
  EXPECT_EQ(program.end().exit_code, 1);
}

TEST_F(RunTest, PrintsAnObjectForEachCommand) {
  const auto ended = run({"--json", "-k", "-q"}, "echo 'a\"b'\nprintf '\\000\\377' >&2; exit 3\nkill -15 $$\n");
  EXPECT_EQ(ended.exit_code, 2);
  EXPECT_EQ(ended.err, "");
  const auto lines = split_lines(ended.out);
  ASSERT_EQ(lines.size(), 3u);
  const auto has = [](const std::string& line, std::string_view part) {
    EXPECT_NE(line.find(part), std::string::npos) << line << " lacks " << part;
  };
  has(lines[0], "{\"seq\":1,\"command\":\"echo 'a\\\"b'\",\"state\":\"completed\",\"attempts\":1,\"exit_code\":0,");
  has(lines[0], ",\"error\":\"\",\"stdout\":\"a\\\"b\\n\",\"stderr\":\"\"}");
  has(lines[1], "\"state\":\"discarded\",\"attempts\":1,\"exit_code\":3,");
  has(lines[1], "\"stderr\":\"\\u0000\xef\xbf\xbd\",\"stderr_base64\":\"AP8=\"}");
  has(lines[2], "\"exit_code\":0,\"signal\":15,");
}

}  // namespace
}  // namespace errand::cli
