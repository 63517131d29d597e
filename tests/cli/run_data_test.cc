// What errand run takes in, holds and hands out as JSON.

#include "json_text.h"
#include "run/input.h"
#include "run/json_line.h"
#include "run/spill.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace errand::cli {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

// The lines of a pipe that `text` was written to, or the error in their place.
std::vector<std::string> lines_of(const std::string& text, char separator = '\n') {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  EXPECT_EQ(::write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  ::close(ends[1]);
  Input input(Descriptor(ends[0]), separator, "input");
  const auto stop = Event::make();
  std::vector<std::string> lines;
  for (;;) {
    auto line = input.next(*stop);
    if (!line) lines.push_back(line.error().message());
    if (!line || !*line) return lines;
    lines.push_back(**line);
  }
}

using Lines = std::vector<std::string>;

TEST(RunInput, HandsOutLines) {
  EXPECT_EQ(lines_of(""), Lines());
  EXPECT_EQ(lines_of("a\nb\n"), (Lines{"a", "b"}));
  EXPECT_EQ(lines_of("\n\na"), (Lines{"", "", "a"}));
  EXPECT_EQ(lines_of("a\r\n"), (Lines{"a\r"}));
  EXPECT_EQ(lines_of("\xff\n"), (Lines{"\xff"}));
}

TEST(RunInput, TakesTheLastLineWithoutItsSeparatorToo) {
  EXPECT_EQ(lines_of("a\nb"), (Lines{"a", "b"}));
}

TEST(RunInput, SplitsAtNulWhereAsked) {
  EXPECT_EQ(lines_of("a\nb\0c\0"s, '\0'), (Lines{"a\nb", "c"}));
}

TEST(RunInput, RefusesALineWithNul) {
  EXPECT_EQ(lines_of("a\nb\0c\n"s),
            (Lines{"a", "input: line 2: holds a NUL byte; --null reads a list that is separated by them"}));
}

TEST(RunInput, EndsWhenItIsStopped) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const Descriptor writer(ends[1]);
  Input input(Descriptor(ends[0]), '\n', "input");
  const auto stop = Event::make();
  stop->set();
  EXPECT_EQ(input.next(*stop).value(), std::nullopt);
}

TEST(RunInput, KnowsHowMuchOfAListIsRead) {
  Input input(Lines{"a", "b"});
  const auto stop = Event::make();
  EXPECT_EQ(input.share_read(), 0.0);
  EXPECT_EQ(input.next(*stop).value(), "a");
  EXPECT_EQ(input.share_read(), 0.5);
}

TEST(RunCaptured, GivesBackWhatItGot) {
  Spill spill;
  Captured captured(spill);
  EXPECT_TRUE(captured.empty());
  ASSERT_TRUE(captured.append("a"));
  ASSERT_TRUE(captured.append("b\0c"s));
  EXPECT_EQ(captured.text().value(), "ab\0c"s);
  captured.clear();
  EXPECT_TRUE(captured.empty());
}

TEST(RunCaptured, IsWholeBeyondWhatMemoryHolds) {
  Spill spill;
  Captured one(spill), two(spill);
  std::string text;
  for (int i = 0; i < 60; ++i) {
    const std::string part(100'000, static_cast<char>('a' + i % 26));
    text += part;
    ASSERT_TRUE(one.append(part));
    ASSERT_TRUE(two.append("x" + part));
  }
  EXPECT_EQ(one.text().value(), text);
  EXPECT_EQ(two.text()->size(), text.size() + 60);
  const Captured moved(std::move(one));
  EXPECT_EQ(moved.text().value(), text);
}

TEST(RunCaptured, HoldsLittleInMemoryForAllTogether) {
  Spill spill;
  std::vector<Captured> many;
  const std::string part(1'000'000, 'x');
  for (int i = 0; i < 80; ++i) ASSERT_TRUE(many.emplace_back(spill).append(part));
  EXPECT_FALSE(spill.take_memory(5'000'000));
  for (const Captured& captured : many) EXPECT_EQ(captured.text().value(), part);
  many.clear();
  EXPECT_TRUE(spill.take_memory(60'000'000));
}

TEST(RunJson, EscapesEveryByteThatNeedsIt) {
  EXPECT_EQ(json_string("a\"b\\c\n\t\r\x01\x1b\x7f"), "\"a\\\"b\\\\c\\n\\t\\r\\u0001\\u001b\\u007f\"");
  EXPECT_EQ(json_string("a\0b"s), "\"a\\u0000b\"");
  EXPECT_EQ(json_string("\xc3\xa4\xf0\x9f\x98\x80"), "\"\xc3\xa4\xf0\x9f\x98\x80\"");
  EXPECT_EQ(json_string("a\xff"), "\"a\xef\xbf\xbd\"");
}

TEST(RunJson, AddsTheBytesOfWhatIsNoUtf8) {
  EXPECT_EQ(json_member("stdout", "a"), "\"stdout\":\"a\"");
  EXPECT_EQ(json_member("stdout", "\xff"), "\"stdout\":\"\xef\xbf\xbd\",\"stdout_base64\":\"/w==\"");
  EXPECT_EQ(json_member("stdout", std::string(20'000, 'a')), "\"stdout\":\"" + std::string(20'000, 'a') + "\"");
}

TEST(RunJson, WritesBase64) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("\xff\xfe\xfd"), "//79");
}

TEST(RunJson, SaysEverythingAboutACommand) {
  Spill spill;
  Item item(5, 0, "exit 3", spill);
  item.attempts = 2;
  item.end = {.exit_code = 3, .started_at = WallTime(1'000'250ms), .took = 12'500us};
  ASSERT_TRUE(item.out.append("hi\n"));
  EXPECT_EQ(json_line(item).value(),
            "{\"seq\":5,\"command\":\"exit 3\",\"state\":\"discarded\",\"attempts\":2,\"exit_code\":3,\"signal\":0,"
            "\"timed_out\":false,\"started_at\":\"1970-01-01T00:16:40.25Z\",\"took_ms\":12.500,"
            "\"error\":\"exit code 3\",\"stdout\":\"hi\\n\",\"stderr\":\"\"}\n");
}

}  // namespace
}  // namespace errand::cli
