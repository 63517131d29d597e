// errand run and signals: Ctrl-C and its relatives, on a terminal and without one.

#include "run_program.h"

#include <signal.h>

namespace errand::cli {
namespace {

// A command that says its pid, and ends when somebody writes into the pipe "go".
constexpr const char* kWaits = "echo $$ > pid; cat go > /dev/null; echo finished\n";
// One that ends when it is killed.
constexpr const char* kStubborn = "trap '' TERM INT; echo $$ > pid; while :; do sleep 0.05; done\n";

class RunSignal : public RunTest, public testing::WithParamInterface<int> {};

INSTANTIATE_TEST_SUITE_P(All, RunSignal, testing::Values(SIGINT, SIGTERM, SIGHUP),
                         [](const auto& info) { return std::string(sigabbrev_np(info.param)); });

TEST_P(RunSignal, OnceLetsRunningCommandsFinishAndStartsNoMore) {
  make_fifo("go");
  Program program(directory_, {"-j", "1"});
  program.type(kWaits);
  for (int i = 0; i < 50; ++i) program.type("touch later\n");
  pid_in("pid");
  program.send(GetParam());
  EXPECT_TRUE(program.prints_error("no more commands are started; waiting for 1 running command (once more kills)\n"));
  write("go", "");
  const auto ended = program.end();
  EXPECT_EQ(ended.signal, GetParam());
  EXPECT_EQ(ended.out, "finished\n");
  EXPECT_FALSE(exists("later"));
}

TEST_P(RunSignal, TwiceKills) {
  Program program(directory_, {"-j", "1", "--kill-after", "200ms", "--joblog", "log"});
  program.type(kStubborn);
  const pid_t pid = pid_in("pid");
  program.send(GetParam());
  EXPECT_TRUE(program.prints_error("(once more kills)\n"));
  program.send(GetParam());
  EXPECT_TRUE(program.prints_error("killing 1 running command\n"));
  const auto ended = program.end();
  EXPECT_EQ(ended.signal, GetParam());
  EXPECT_FALSE(is_alive(pid));
  EXPECT_EQ(lines("log").size(), 2u);
}

TEST_F(RunTest, ThreeSignalsWaitForNothing) {
  Program program(directory_, {"-j", "1", "--kill-after", "1h"});
  program.type(kStubborn);
  const pid_t pid = pid_in("pid");
  program.send(SIGINT);
  EXPECT_TRUE(program.prints_error("(once more kills)\n"));
  program.send(SIGINT);
  EXPECT_TRUE(program.prints_error("killing 1 running command\n"));
  program.send(SIGINT);
  EXPECT_EQ(program.end().signal, SIGINT);
  EXPECT_TRUE(eventually([pid] { return !is_alive(pid); }));
}

TEST_F(RunTest, SigquitKillsAtOnce) {
  Program program(directory_, {"-j", "1", "--kill-after", "100ms"});
  program.type(kStubborn);
  const pid_t pid = pid_in("pid");
  program.send(SIGQUIT);
  EXPECT_TRUE(program.prints_error("killing 1 running command\n"));
  program.end();
  EXPECT_FALSE(is_alive(pid));
}

TEST_F(RunTest, ASignalWhileItReadsEndsIt) {
  Program program(directory_, {"echo {}"});
  program.type("a\n");
  EXPECT_TRUE(program.prints("a\n"));
  program.send(SIGTERM);
  EXPECT_TRUE(program.prints_error("waiting for 0 running commands"));
  // The input stays open.
  ASSERT_TRUE(eventually([&] { return !is_alive(program.pid()); }));
  EXPECT_EQ(program.end().signal, SIGTERM);
}

// The one who prints waits for a reader all the while, and what is to be said of the signal waits for the one who
// prints.
TEST_F(RunTest, TellsOfASignalThatComesWhileItPrints) {
  Program program(directory_, {"-j", "1", "head -c 1000000 /dev/zero; : {}"});
  program.type("a\nb\n");
  int full = 0;
  ASSERT_TRUE(eventually([&] {
    const int before = std::exchange(full, program.unread());
    return full > 4096 && full == before;
  }));
  program.send(SIGINT);
  ASSERT_TRUE(eventually([&] { return !has_pending(program.pid(), SIGINT); }));
  EXPECT_TRUE(program.prints_error("no more commands are started; waiting for "));
  EXPECT_EQ(program.end().out.size() % 1'000'000, 0u);
}

TEST_F(RunTest, ASignalEndsTheWaitForAnotherAttempt) {
  Program program(directory_, {"--retries", "5", "--backoff", "1h", "echo {} >> tries; exit 1"});
  program.type("a\n");
  program.close_input();
  ASSERT_TRUE(eventually([&] { return lines("tries").size() == 1; }));
  program.send(SIGINT);
  const auto ended = program.end();
  EXPECT_EQ(ended.signal, SIGINT) << "ended as if the command had had all its attempts";
  EXPECT_EQ(lines("tries").size(), 1u);
  EXPECT_NE(ended.err.find("1 of 1 failed"), std::string::npos) << ended.err;
}

TEST_F(RunTest, ASignalEndsTheWaitForTheNextTurn) {
  Program program(directory_, {"-j", "2", "--delay", "1h", "echo {}"});
  program.type("a\nb\n");
  EXPECT_TRUE(program.prints("\n"));  // either may get the first turn
  program.send(SIGINT);
  EXPECT_EQ(program.end().out.size(), 2u);
}

// As nohup has it. It is run by a command of another one, which ignores the signal for it.
TEST_F(RunTest, ASignalThatWasIgnoredStaysIgnored) {
  const auto ended =
      run({"-j", "1"}, "trap '' HUP; " ERRAND_BINARY " run -j 1 'kill -HUP $PPID; sleep 0.1; echo {}' ::: a b\n");
  EXPECT_EQ(ended.out, "a\nb\n");
  EXPECT_EQ(ended.exit_code, 0);
}

// A command leaves the group right after its process came to be, and what comes in between is none of its business.
TEST_F(RunTest, ASignalToTheGroupReachesNoCommandThatIsJustStarting) {
  std::string many;
  for (int i = 0; i < 10'000; ++i) many += ":\n";
  write("list", many);
  for (int i = 0; i < 12; ++i) {
    const std::string log = "log" + std::to_string(i);
    Program program(directory_, {"-j", "8", "-a", "list", "--joblog", log});
    ASSERT_TRUE(eventually([&] { return lines(log).size() > 20; }));
    program.send_to_group(SIGINT);
    const auto ended = program.end();
    EXPECT_EQ(ended.signal, SIGINT);
    EXPECT_EQ(ended.err.find("errand run: signal"), std::string::npos) << ended.err;
  }
}

TEST_F(RunTest, CtrlCOnATerminalReachesNoCommand) {
  make_fifo("go");
  std::string list = "trap 'echo interrupted > interrupted' INT; ";
  write("list", list += kWaits);
  Program program(directory_, {"-a", "list"}, Program::Console::terminal);
  pid_in("pid");
  program.type("\x03");
  EXPECT_TRUE(program.prints("waiting for 1 running command"));
  write("go", "");
  EXPECT_TRUE(program.prints("finished"));
  program.end();
  EXPECT_FALSE(exists("interrupted"));
}

TEST_F(RunTest, ShowsABarOnATerminalAndRemovesIt) {
  make_fifo("go");
  std::string list = "true\n";
  write("list", list += kWaits);
  Program program(directory_, {"-j", "1", "-a", "list"}, Program::Console::terminal);
  EXPECT_TRUE(program.prints("[##########----------]  50%  1/2  1 running  ETA"));
  write("go", "");
  EXPECT_TRUE(program.prints("\r\x1b[Kfinished\r\n"));
  EXPECT_EQ(program.end().exit_code, 0);
}

TEST_F(RunTest, SuspendsItsCommandsWithItself) {
  Program program(directory_, {"-j", "1", "--kill-after", "100ms"});
  program.type("echo $$ > pid; while :; do :; done\n");
  const pid_t pid = pid_in("pid");
  program.send(SIGTSTP);
  EXPECT_TRUE(eventually([&] { return state_of(program.pid()) == 'T' && state_of(pid) == 'T'; }));
  program.send(SIGCONT);
  EXPECT_TRUE(eventually([&] { return state_of(program.pid()) != 'T' && state_of(pid) != 'T'; }));
  program.send(SIGQUIT);
  program.end();
  EXPECT_FALSE(is_alive(pid));
}

}  // namespace
}  // namespace errand::cli
