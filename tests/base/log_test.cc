#include "base/log.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/thread.h"

namespace errand {
namespace {

using namespace std::string_literals;

// What the default logger writes for one line.
std::string on_stderr(LogLevel level, std::string_view queue, std::string_view text) {
  testing::internal::CaptureStderr();
  log(level, queue, text);
  return testing::internal::GetCapturedStderr();
}

class Log : public testing::Test {
 protected:
  ~Log() override { set_logger(nullptr); }
};

TEST_F(Log, DefaultIsALineOfLogfmtOnStderr) {
  EXPECT_EQ(on_stderr(LogLevel::warning, "mail", "store is down"),
            "errand level=warning queue=\"mail\" msg=\"store is down\"\n");
  EXPECT_EQ(on_stderr(LogLevel::info, "", "hello"), "errand level=info msg=\"hello\"\n");
  EXPECT_EQ(on_stderr(LogLevel::error, "", ""), "errand level=error msg=\"\"\n");
}

TEST_F(Log, HostileTextStaysOnItsLineAndInItsQuotes) {
  EXPECT_EQ(on_stderr(LogLevel::info, "", "a\nerrand level=error msg=\"forged\"\r\n"),
            "errand level=info msg=\"a errand level=error msg=\\\"forged\\\"  \"\n");
  EXPECT_EQ(on_stderr(LogLevel::info, "q\" level=error", "x\\"),
            "errand level=info queue=\"q\\\" level=error\" msg=\"x\\\\\"\n");
  EXPECT_EQ(on_stderr(LogLevel::info, "", "a\0b"s), "errand level=info msg=\"a b\"\n");
}

TEST_F(Log, TerminalEscapesAreNotPassedOn) {
  EXPECT_EQ(on_stderr(LogLevel::info, "", "\x1B[2Jx\x7F\xC2\x9B[31m"), "errand level=info msg=\" [2Jx  [31m\"\n");
  EXPECT_EQ(on_stderr(LogLevel::info, "", "caf\xC3\xA9 \xC2\xA0 \xC2"),
            "errand level=info msg=\"caf\xC3\xA9 \xC2\xA0 \xC2\"\n");
}

TEST_F(Log, FormatDirectivesAreOnlyText) {
  EXPECT_EQ(on_stderr(LogLevel::info, "%n", "%s%s%n 100%"), "errand level=info queue=\"%n\" msg=\"%s%s%n 100%\"\n");
}

TEST_F(Log, AnOwnLoggerGetsTheRawLine) {
  std::vector<std::string> lines;
  set_logger([&lines](const LogLine& line) {
    lines.push_back(std::string(to_string(line.level)) + "|" + std::string(line.queue) + "|" + std::string(line.text));
  });
  EXPECT_EQ(on_stderr(LogLevel::error, "mail", "a\nb"), "");
  EXPECT_EQ(lines, std::vector<std::string>{"error|mail|a\nb"});
}

TEST_F(Log, AnEmptyLoggerBringsTheDefaultBack) {
  set_logger([](const LogLine&) {});
  EXPECT_EQ(on_stderr(LogLevel::info, "", "x"), "");
  set_logger(nullptr);
  EXPECT_EQ(on_stderr(LogLevel::info, "", "x"), "errand level=info msg=\"x\"\n");
}

TEST_F(Log, WhatALoggerThrowsIsDropped) {
  int calls = 0;
  set_logger([&calls](const LogLine&) {
    ++calls;
    throw std::runtime_error("disk is full");
  });
  log(LogLevel::info, "", "one");
  log(LogLevel::info, "", "two");
  EXPECT_EQ(calls, 2);
}

TEST_F(Log, ALoggerMayReplaceItselfAndLog) {
  auto alive = std::make_shared<int>(0);
  const std::weak_ptr<int> watch = alive;
  std::vector<std::string> second;
  set_logger([alive = std::move(alive), &second](const LogLine&) {
    set_logger([&second](const LogLine& line) { second.emplace_back(line.text); });
    log(LogLevel::info, "", "from inside");
    ++*alive;  // still there, although replaced
  });
  log(LogLevel::info, "", "first");
  EXPECT_EQ(second, std::vector<std::string>{"from inside"});
  EXPECT_TRUE(watch.expired()) << "the old logger goes once nobody is in it";
}

TEST_F(Log, TheLoggerMayChangeWhileOthersLog) {
  std::atomic<int> lines{0};
  std::atomic<bool> stop{false};
  const auto count = [&lines](const LogLine&) { lines.fetch_add(1, std::memory_order_relaxed); };
  set_logger(count);
  std::vector<Thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.push_back(*Thread::start("logging", [&stop] {
      while (!stop.load()) log(LogLevel::info, "", "x");
    }));
  }
  for (int i = 0; i < 1'000; ++i) set_logger(count);
  while (lines.load() == 0) log(LogLevel::info, "", "x");
  stop.store(true);
  for (Thread& thread : threads) thread.join();
  EXPECT_GT(lines.load(), 0);
}

TEST_F(Log, LevelsHaveNames) {
  EXPECT_EQ(to_string(LogLevel::info), "info");
  EXPECT_EQ(to_string(LogLevel::warning), "warning");
  EXPECT_EQ(to_string(LogLevel::error), "error");
  EXPECT_EQ(to_string(static_cast<LogLevel>(99)), "unknown");
}

}  // namespace
}  // namespace errand
