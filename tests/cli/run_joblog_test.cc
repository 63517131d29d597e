// The job log: its lines, and what is left of it after a crash.

#include "run/joblog.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

namespace errand::cli {
namespace {

using namespace std::chrono_literals;

JobLogEntry entry(std::string command) {
  return {.seq = 3, .started_at = WallTime(1'795'384'015'126ms), .took = 23ms, .command = std::move(command)};
}

std::string line_of(const JobLogEntry& entry) {
  std::string line = format_entry(entry);
  EXPECT_EQ(line.back(), '\n');
  line.pop_back();
  return line;
}

TEST(JobLogLine, HasSevenColumns) {
  EXPECT_EQ(format_entry(entry("gzip a")), "3\t1795384015.126\t0.023\t0\t0\t1\tgzip a\n");
}

TEST(JobLogLine, ComesBackAsItWas) {
  for (const char* command : {"", "a", "a\tb", "a\nb", "a\\nb", "\\", "\\t\\\n", "\xff\x01\r", " x "}) {
    const auto read = parse_entry(line_of(entry(command)));
    ASSERT_TRUE(read) << command;
    EXPECT_EQ(read->command, command);
    EXPECT_EQ(read->seq, 3u);
    EXPECT_EQ(read->started_at, WallTime(1'795'384'015'126ms));
    EXPECT_EQ(read->took, 23ms);
    EXPECT_TRUE(read->succeeded());
  }
}

TEST(JobLogLine, SaysWhetherItSucceeded) {
  auto failed = entry("x");
  failed.exit_code = 124;
  EXPECT_FALSE(parse_entry(line_of(failed))->succeeded());
  auto killed = entry("x");
  killed.signal = 9;
  EXPECT_FALSE(parse_entry(line_of(killed))->succeeded());
}

TEST(JobLogLine, TornAnywhereBeforeTheCommandIsNone) {
  const std::string whole = line_of(entry("gzip a"));
  for (std::size_t length = 0; length < whole.size() - std::string("gzip a").size(); ++length) {
    EXPECT_FALSE(parse_entry(whole.substr(0, length))) << whole.substr(0, length);
  }
}

TEST(JobLogLine, WithStrangeFieldsIsNone) {
  for (const char* line :
       {"x\t1.000\t0.000\t0\t0\t1\tc", "1\t1.0\t0.000\t0\t0\t1\tc", "1\t1.000\t-0.100\t0\t0\t1\tc",
        "1\t1.000\t0.000\t\t0\t1\tc", "1\t1.000\t0.000\t0\t0\t1\tc\td", "1\t1.000\t0.000\t0\t0\t1\tc\\",
        "1\t1.000\t0.000\t0\t0\t1\t\\x", "seq\tstart\truntime\texit\tsignal\tattempt\tcommand",
        "99999999999999999999\t1.000\t0.000\t0\t0\t1\tc"}) {
    EXPECT_FALSE(parse_entry(line)) << line;
  }
}

class JobLogFile : public testing::Test {
 protected:
  JobLogFile() {
    char name[] = "/tmp/errand-joblog-XXXXXX";
    ::close(::mkstemp(name));
    path_ = name;
  }
  ~JobLogFile() override { ::unlink(path_.c_str()); }

  void fill(const std::string& text) { std::ofstream(path_, std::ios::binary) << text; }
  std::string content() const {
    std::stringstream text;
    text << std::ifstream(path_, std::ios::binary).rdbuf();
    return text.str();
  }

  std::string path_;
  const std::string header_{kJobLogHeader};
};

TEST_F(JobLogFile, BeginsWithAHeader) {
  auto log = JobLog::begin(path_);
  ASSERT_TRUE(log);
  ASSERT_TRUE((*log)->add(entry("a")));
  EXPECT_EQ(content(), header_ + format_entry(entry("a")));
}

TEST_F(JobLogFile, BegunAgainForgetsTheOldOne) {
  fill(header_ + format_entry(entry("a")));
  ASSERT_TRUE(JobLog::begin(path_));
  EXPECT_EQ(content(), header_);
}

TEST_F(JobLogFile, IsNeverWrittenOverSomethingElse) {
  fill("the thesis\n");
  DoneBefore done;
  EXPECT_EQ(JobLog::begin(path_).error().message(),
            "--joblog: " + path_ + ": is not a job log of errand run, and was left as it is");
  EXPECT_EQ(JobLog::resume(path_, done).error().message(),
            "--joblog: " + path_ + ": is not a job log of errand run, and was left as it is");
  EXPECT_EQ(content(), "the thesis\n");
}

TEST_F(JobLogFile, ResumedKnowsWhatSucceeded) {
  auto failed = entry("b");
  failed.exit_code = 1;
  fill(header_ + format_entry(entry("a")) + format_entry(failed) + "garbage\n" + format_entry(entry("c\td")));
  DoneBefore done;
  ASSERT_TRUE(JobLog::resume(path_, done));
  EXPECT_TRUE(done.take("a"));
  EXPECT_FALSE(done.take("b"));
  EXPECT_TRUE(done.take("c\td"));
  EXPECT_TRUE(done.empty());
}

// "gzip ab" torn to "gzip a" would look like a command that is in the list, too.
TEST_F(JobLogFile, ResumedCutsATornLineOff) {
  const std::string whole = header_ + format_entry(entry("x"));
  const std::string torn = format_entry(entry("gzip ab"));
  fill(whole + torn.substr(0, torn.size() - 2));
  DoneBefore done;
  {
    auto log = JobLog::resume(path_, done);
    ASSERT_TRUE(log);
    EXPECT_FALSE(done.take("gzip a"));
    EXPECT_TRUE(done.take("x"));
    ASSERT_TRUE((*log)->add(entry("y")));
  }
  EXPECT_EQ(content(), whole + format_entry(entry("y")));
}

TEST_F(JobLogFile, ResumedFromATornHeaderBeginsAnew) {
  fill(header_.substr(0, 5));
  DoneBefore done;
  ASSERT_TRUE(JobLog::resume(path_, done));
  EXPECT_EQ(content(), header_);
}

TEST_F(JobLogFile, ResumedReadsLogsThatAreLongerThanOneRead) {
  std::string text = header_;
  for (int i = 0; i < 20'000; ++i) text += format_entry(entry("command " + std::to_string(i)));
  fill(text);
  DoneBefore done;
  ASSERT_TRUE(JobLog::resume(path_, done));
  for (int i = 0; i < 20'000; ++i) ASSERT_TRUE(done.take("command " + std::to_string(i)));
  EXPECT_TRUE(done.empty());
  EXPECT_EQ(content(), text);
}

TEST_F(JobLogFile, HasOneWriter) {
  auto log = JobLog::begin(path_);
  ASSERT_TRUE(log);
  EXPECT_EQ(JobLog::begin(path_).error().message(), "--joblog: " + path_ + ": another errand run is writing to it");
  log->reset();
  EXPECT_TRUE(JobLog::begin(path_));
}

}  // namespace
}  // namespace errand::cli
