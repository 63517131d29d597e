// Bytes that are not JSON, or more than anybody means to send.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support.h"

using namespace std::string_literals;

namespace {

struct Thing {
  int n = 0;
  std::vector<Thing> in{};
};
ERRAND_JSON(Thing, n, in)

std::string deep(std::size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

struct Bad {
  std::string text;
  std::string why;
};

}  // namespace

TEST(JsonBadInput, IsRefusedWithThePlace) {
  const Bad table[] = {
      {"", "expected JSON, got no bytes"},
      {" \n", "at byte 2: incomplete JSON"},
      {"\xEF\xBB\xBF{}", "at byte 0: a byte order mark, which JSON does not have"},
      {"\xFF\xFE{\0}\0"s, "at byte 0: syntax error"},
      {"{}x", "at byte 2: something follows the value"},
      {"{} {}", "at byte 3: something follows the value"},
      {"{}\0"s, "at byte 2: something follows the value"},
      {R"({"n":1)", "at byte 6: incomplete JSON"},
      {R"({"n":1,})", "at byte 7: syntax error"},
      {R"({"n" 1})", "at byte 5: syntax error"},
      {"{n:1}", "at byte 1: syntax error"},
      {"{'n':1}", "at byte 1: syntax error"},
      {R"({"n":01})", "at byte 6: syntax error"},
      {R"({"n":+1})", "at byte 5: syntax error"},
      {R"({"n":.5})", "at byte 5: syntax error"},
      {R"({"n":1.})", "at byte 7: syntax error"},
      {R"({"n":1e})", "at byte 7: syntax error"},
      {R"({"n":-})", "at byte 6: syntax error"},
      {R"({"n":NaN})", "at byte 5: syntax error"},
      {R"({"n":Infinity})", "at byte 5: syntax error"},
      {R"({"n":tru})", "at byte 5: syntax error"},
      {"{\"x\":\"a\nb\"}", "at byte 7: syntax error"},
      {R"({"x":"\x41"})", "at byte 7: syntax error"},
      {R"({"x":"\u12G4"})", "at byte 10: expected hex digit"},
      {"{/* why */}", "at byte 1: syntax error"},
      {R"({"n":1}//)", "at byte 7: something follows the value"},
  };
  for (const Bad& bad : table) {
    EXPECT_EQ(refusal<Thing>(bad.text), "json: Thing: " + bad.why) << bad.text;
  }
}

TEST(JsonBadInput, SpaceAroundTheValueIsFine) {
  EXPECT_EQ(again<Thing>(" \t\r\n{ } \n\n"), R"({"n":0,"in":[]})");
}

TEST(JsonBadInput, DepthIsLimitedTo64BothWays) {
  EXPECT_EQ(refusal<int>(deep(64)), "json: expected an integer, got an array of 1");
  EXPECT_EQ(refusal<int>(deep(65)), "json: at byte 64: too deep");
  Thing deepest;  // 32 objects, with an array in each
  for (int i = 0; i < 31; ++i) deepest = {i, {deepest}};
  EXPECT_EQ(again<Thing>(written(deepest)), written(deepest));
  const std::string refused = written(Thing{0, {deepest}});
  EXPECT_EQ(refused.substr(0, 24), "json: Thing.in[0].in[0].");
  EXPECT_EQ(refused.substr(refused.size() - 51), "[0]: more than 64 arrays and objects in one another");
}

TEST(JsonBadInput, DepthDoesNotTakeTheStack) {
  EXPECT_EQ(refusal<Thing>(deep(10'000)), "json: Thing: at byte 64: too deep");
  EXPECT_EQ(refusal<Thing>(std::string(1'000'000, '[')), "json: Thing: at byte 64: too deep");
  std::string objects;
  for (int i = 0; i < 10'000; ++i) objects += "{\"in\":";
  EXPECT_EQ(refusal<Thing>(objects).substr(0, 21), "json: Thing: at byte ");
}

TEST(JsonBadInput, LongTextsAreRead) {
  const std::string digits(100'000, '7');
  EXPECT_EQ(refusal<int>(digits),
            "json: expected an integer from -2147483648 to 2147483647, got a number beyond 1.8e308");
  EXPECT_EQ(*read<double>("0." + digits), 7.0 / 9);
  const std::string text(300'000, 'x');
  EXPECT_EQ(*read<std::string>('"' + text + '"'), text);
  EXPECT_EQ(again<Thing>("{\"" + text + "\":1}"), R"({"n":0,"in":[]})");
}

TEST(JsonBadInput, ErrorsAreShortCleanAndOnOneLine) {
  const std::string why = refusal<int>("\"\\n\\u0000\u00e9" + std::string(1000, 'x') + '"');
  EXPECT_EQ(why.substr(0, 40), "json: expected an integer, got \"\\n\uFFFD\u00e9x");
  EXPECT_EQ(why.substr(why.size() - 4), "...\"");
  EXPECT_LT(why.size(), 120u);
}
