// Each type that has JSON: how it is written, what is read, and what is refused.

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "support.h"

using namespace std::string_literals;
using errand::JsonType;

namespace {

enum class Colour { red, green = -7, blue };
ERRAND_JSON_ENUM(Colour, red, green, blue)
enum Plain { first, second };
ERRAND_JSON_ENUM(Plain, first, second)
enum class Level : std::uint8_t { low, high };
enum Unfixed { some };
enum class Huge : std::uint64_t { most = ~std::uint64_t{0} };
ERRAND_JSON_ENUM(Huge, most)

struct Defaults {
  std::vector<int> list{1};
  std::map<std::string, int> map{{"a", 1}};
  std::optional<int> maybe = 7;
};
ERRAND_JSON(Defaults, list, map, maybe)

// A foreign type, by hand.
struct Celsius {
  double degrees = 0;
};

}  // namespace

template <>
struct errand::Json<Celsius> {
  static bool write(errand::JsonWriter& out, Celsius value) {
    return value.degrees == 1000 ? out.fail("too hot") : value.degrees == 2000 ? false : out.number(value.degrees);
  }
  static bool read(const errand::JsonReader& in, Celsius& value) {
    return in.number(value.degrees) && (value.degrees > -273.15 || in.expected("a temperature"));
  }
};

namespace {

template <class T>
void expect_range(const std::string& least, const std::string& most, const std::string& below,
                  const std::string& above) {
  using Limits = std::numeric_limits<T>;
  EXPECT_EQ(written(Limits::min()), least);
  EXPECT_EQ(written(Limits::max()), most);
  EXPECT_EQ(*read<T>(least), Limits::min());
  EXPECT_EQ(*read<T>(most), Limits::max());
  const std::string expected = "json: expected an integer from " + least + " to " + most;
  for (const std::string& outside : {below, above}) {
    const std::string why = refusal<T>(outside);
    EXPECT_EQ(why.substr(0, why.find(", got")), expected);
  }
}

}  // namespace

TEST(JsonTypes, IntegersAreExactToTheirLimitsAndRefusedBeyond) {
  expect_range<std::int8_t>("-128", "127", "-129", "128");
  expect_range<std::uint8_t>("0", "255", "-1", "256");
  expect_range<std::int16_t>("-32768", "32767", "-32769", "32768");
  expect_range<std::uint16_t>("0", "65535", "-1", "65536");
  expect_range<std::int32_t>("-2147483648", "2147483647", "-2147483649", "2147483648");
  expect_range<std::uint32_t>("0", "4294967295", "-1", "4294967296");
  expect_range<std::int64_t>("-9223372036854775808", "9223372036854775807", "-9223372036854775809",
                             "9223372036854775808");
  expect_range<std::uint64_t>("0", "18446744073709551615", "-1", "18446744073709551616");
  expect_range<long long>("-9223372036854775808", "9223372036854775807", "-1e300", "123456789012345678901234567890");
  EXPECT_EQ(*read<std::int64_t>("9007199254740993"), 9007199254740993);  // no double is that
  EXPECT_EQ(*read<int>("-0"), 0);
}

TEST(JsonTypes, IntegersHaveNoFractionAndNoExponent) {
  EXPECT_EQ(refusal<int>("7.0"), "json: expected an integer, got 7.0");
  EXPECT_EQ(refusal<int>("7e0"), "json: expected an integer, got 7.0");
  EXPECT_EQ(refusal<unsigned>("0.5"), "json: expected an integer, got 0.5");
  EXPECT_EQ(refusal<int>(R"("7")"), R"(json: expected an integer, got "7")");
}

TEST(JsonTypes, CharactersAreNotIntegers) {
  static_assert(!JsonType<char> && !JsonType<wchar_t> && !JsonType<char8_t> && !JsonType<char16_t>);
  static_assert(JsonType<signed char> && JsonType<unsigned char>);
}

TEST(JsonTypes, BooleansAreNotNumbers) {
  EXPECT_EQ(written(true), "true");
  EXPECT_EQ(*read<bool>("false"), false);
  EXPECT_EQ(refusal<bool>("1"), "json: expected true or false, got 1");
  EXPECT_EQ(refusal<int>("true"), "json: expected an integer, got true");
}

TEST(JsonTypes, NumbersAreShortAndStayNumbersWithAFraction) {
  EXPECT_EQ(written(0.1), "0.1");
  EXPECT_EQ(written(0.1F), "0.1");
  EXPECT_EQ(written(7.0), "7.0");
  EXPECT_EQ(written(1e300), "1e+300");
  EXPECT_EQ(written(5e-324), "5e-324");
  EXPECT_TRUE(std::signbit(*read<double>(written(-0.0))));
  EXPECT_EQ(*read<double>("7"), 7.0);
  EXPECT_EQ(*read<double>("18446744073709551615"), 18446744073709551615.0);
  EXPECT_EQ(*read<float>("16777217"), 16777216.0F);
}

// Boost.JSON 1.81 by itself reads each of these as another double next to it, or loses it altogether.
TEST(JsonTypes, NumbersAreReadExactly) {
  for (const double value : {1.7976931348623157e308, 2.2250738585072014e-308, 5e-324, 9007199254740993.5, 0.3, 1e23,
                             8.41e21, 1.2345678901234567e-290, 179769313486231.57e294}) {
    EXPECT_EQ(*read<double>(written(value)), value) << written(value);
  }
  EXPECT_EQ(*read<double>("0." + std::string(500, '0') + "1e501"), 1.0);
  EXPECT_EQ(*read<double>("1" + std::string(300, '0') + "e-300"), 1.0);
}

TEST(JsonTypes, NumbersOutOfRangeAreRefusedAndTinyOnesAreZero) {
  EXPECT_EQ(refusal<double>("-1e400"), "json: expected a number that a double can hold, got a number beyond 1.8e308");
  EXPECT_EQ(refusal<float>("1e39"), "json: expected a number that a float can hold, got 1e+39");
  EXPECT_EQ(*read<double>("1e-400"), 0);
  EXPECT_EQ(*read<float>("1e-60"), 0);
  EXPECT_NE(refusal<double>("1e99999999999"), "");
}

TEST(JsonTypes, NanAndInfinityCannotBeWritten) {
  using Limits = std::numeric_limits<double>;
  for (const double value : {Limits::quiet_NaN(), Limits::infinity(), -Limits::infinity()}) {
    EXPECT_EQ(written(value), "json: JSON has no NaN and no infinity");
    EXPECT_EQ(written(static_cast<float>(value)), "json: JSON has no NaN and no infinity");
    EXPECT_EQ(written(std::vector<double>{1, value}), "json: [1]: JSON has no NaN and no infinity");
  }
}

TEST(JsonTypes, StringsHoldAnyUtf8) {
  EXPECT_EQ(written("a\0b"s), R"("a\u0000b")");
  EXPECT_EQ(*read<std::string>(R"("a\u0000b")"), "a\0b"s);
  EXPECT_EQ(written("\"\\\b\f\n\r\t\x1F\x7F/"s), "\"\\\"\\\\\\b\\f\\n\\r\\t\\u001f\x7F/\"");
  EXPECT_EQ(*read<std::string>(R"("\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00")"), "\"\\/\b\f\n\r\t\u00e9\U0001F600");
  EXPECT_EQ(written("\u00e9\uffff\U0010ffff"s), "\"\u00e9\uffff\U0010ffff\"");
}

TEST(JsonTypes, StringsThatAreNotUtf8AreRefusedBothWays) {
  for (const char* bad : {"\x80", "\xC0\x80", "\xE2\x82", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xFF", "ok\xC3"}) {
    EXPECT_EQ(written(std::string(bad)).substr(0, 27), "json: expected UTF-8, got \"") << bad;
    EXPECT_NE(refusal<std::string>('"' + std::string(bad) + '"'), "") << bad;
  }
  for (const char* lone : {R"("\ud800")", R"("\udc00")", R"("\ud800\ud800")", R"("\ud800x")", R"("\ud800\n")"}) {
    EXPECT_NE(refusal<std::string>(lone), "") << lone;
  }
}

TEST(JsonTypes, EnumsWithNamesAreWords) {
  EXPECT_EQ(written(Colour::green), R"("green")");
  EXPECT_EQ(*read<Colour>(R"("blue")"), Colour::blue);
  EXPECT_EQ(*read<Plain>(R"("second")"), second);
  EXPECT_EQ(*read<Huge>(written(Huge::most)), Huge::most);
  EXPECT_EQ(refusal<Colour>(R"("Red")"), R"(json: expected one of red, green, blue, got "Red")");
  EXPECT_EQ(refusal<Colour>("0"), "json: expected one of red, green, blue, got 0");
  EXPECT_EQ(written(static_cast<Colour>(5)), "json: expected one of red, green, blue, got 5");
}

TEST(JsonTypes, OtherEnumsAreTheirInteger) {
  EXPECT_EQ(written(Level::high), "1");
  EXPECT_EQ(*read<Level>("1"), Level::high);
  EXPECT_EQ(*read<Level>("200"), static_cast<Level>(200));
  EXPECT_EQ(refusal<Level>("256"), "json: expected an integer from 0 to 255, got 256");
  EXPECT_EQ(*read<std::byte>("255"), std::byte{255});
  static_assert(!JsonType<Unfixed>);  // 5 would be undefined in it
}

TEST(JsonTypes, AnOptionalIsNullOrItsValue) {
  using Maybe = std::optional<int>;
  EXPECT_EQ(written(Maybe()), "null");
  EXPECT_EQ(written(Maybe(7)), "7");
  EXPECT_EQ(*read<Maybe>("null"), std::nullopt);
  EXPECT_EQ(*read<Maybe>("7"), 7);
  EXPECT_EQ(refusal<Maybe>("{}"), "json: expected an integer, got an object");
  static_assert(!JsonType<std::optional<Maybe>>);
}

TEST(JsonTypes, SequencesAreArrays) {
  EXPECT_EQ(written(std::vector<int>{1, 2}), "[1,2]");
  EXPECT_EQ(written(std::vector<int>{}), "[]");
  EXPECT_EQ(again<std::deque<std::string>>(R"(["a","b"])"), R"(["a","b"])");
  EXPECT_EQ(again<std::vector<bool>>("[true,false,true]"), "[true,false,true]");
  EXPECT_EQ(again<std::vector<std::vector<int>>>("[[],[1],[1,2]]"), "[[],[1],[1,2]]");
  EXPECT_EQ(refusal<std::vector<int>>("[1,[2]]"), "json: [1]: expected an integer, got an array of 1");
  EXPECT_EQ(refusal<std::vector<int>>("{}"), "json: expected an array, got an object");
  static_assert(!JsonType<std::vector<Unfixed>> && !JsonType<std::set<int>> && !JsonType<std::vector<char>>);
}

TEST(JsonTypes, ArraysAndPairsHaveTheirLength) {
  using Three = std::array<int, 3>;
  using Pair = std::pair<std::string, int>;
  EXPECT_EQ(again<Three>("[1,2,3]"), "[1,2,3]");
  EXPECT_EQ(refusal<Three>("[1,2]"), "json: expected an array of 3, got an array of 2");
  EXPECT_EQ(refusal<Three>("[1,2,3,4]"), "json: expected an array of 3, got an array of 4");
  EXPECT_EQ(again<Pair>(R"(["a",1])"), R"(["a",1])");
  EXPECT_EQ(refusal<Pair>(R"(["a"])"), "json: expected an array of 2, got an array of 1");
  EXPECT_EQ(refusal<Pair>(R"([1,1])"), "json: [0]: expected a string, got 1");
}

TEST(JsonTypes, MapsAreObjects) {
  using Map = std::map<std::string, std::vector<int>>;
  EXPECT_EQ(again<Map>(R"({"b":[1],"":[],"a b":[2]})"), R"({"":[],"a b":[2],"b":[1]})");
  EXPECT_EQ(refusal<Map>(R"({"a\n":[1,null]})"), R"(json: ["a\n"][1]: expected an integer, got null)");
  EXPECT_EQ(written(Map{{"\xFF", {}}}), "json: [\"\xEF\xBF\xBD\"]: expected UTF-8, got \"\xEF\xBF\xBD\"");
  using Hashed = std::unordered_map<std::string, int>;
  EXPECT_EQ(*read<Hashed>(R"({"a":1,"b":2,"a":3})"), (Hashed{{"a", 3}, {"b", 2}}));
  static_assert(!JsonType<std::map<int, int>>);
}

TEST(JsonTypes, WhatIsReadReplacesTheInitialiser) {
  EXPECT_EQ(again<Defaults>(R"({"list":[2],"map":{"b":2},"maybe":null})"),
            R"({"list":[2],"map":{"b":2},"maybe":null})");
  EXPECT_EQ(again<Defaults>(R"({"list":[1],"list":[],"map":{}})"), R"({"list":[],"map":{},"maybe":7})");
}

TEST(JsonTypes, DurationsCountTheirOwnUnit) {
  using namespace std::chrono_literals;
  EXPECT_EQ(written(1500ms), "1500");
  EXPECT_EQ(*read<std::chrono::nanoseconds>("-9223372036854775808"), std::chrono::nanoseconds::min());
  EXPECT_EQ(*read<std::chrono::hours>("2"), 2h);
  EXPECT_EQ(*read<std::chrono::duration<double>>("0.5"), 500ms);
  EXPECT_EQ(refusal<std::chrono::seconds>("1.5"), "json: expected an integer, got 1.5");
}

TEST(JsonTypes, TaskIdsAreStrings) {
  const errand::TaskId id{77};
  EXPECT_EQ(written(id), '"' + to_string(id) + '"');
  EXPECT_EQ(*read<errand::TaskId>(written(id)), id);
  EXPECT_EQ(written(errand::TaskId()), R"("")");
  EXPECT_EQ(*read<errand::TaskId>(R"("")"), errand::TaskId());
  EXPECT_EQ(refusal<errand::TaskId>(R"("7x")"), R"(json: expected a task id, got "7x")");
  EXPECT_EQ(refusal<errand::TaskId>("77"), "json: expected a string, got 77");
}

TEST(JsonTypes, BytesAreBase64) {
  using Bytes = std::vector<std::byte>;
  using Four = std::array<std::byte, 4>;
  EXPECT_EQ(written(Bytes{std::byte{0}, std::byte{255}}), R"("AP8=")");
  EXPECT_EQ(*read<Bytes>(R"("AP8=")"), (Bytes{std::byte{0}, std::byte{255}}));
  EXPECT_EQ(refusal<Bytes>(R"("AP8")"), R"(json: expected a string of base64, got "AP8")");
  EXPECT_EQ(refusal<Bytes>("[0,255]"), "json: expected a string of base64, got an array of 2");
  EXPECT_EQ(again<Four>(R"("AAECAw==")"), R"("AAECAw==")");
  EXPECT_EQ(refusal<Four>(R"("AAEC")"), R"(json: expected base64 of 4 bytes, got "AAEC")");
}

TEST(JsonTypes, OthersAreTaughtByHand) {
  EXPECT_EQ(again<std::vector<Celsius>>("[36.6]"), "[36.6]");
  EXPECT_EQ(refusal<std::vector<Celsius>>("[1,-300]"), "json: [1]: expected a temperature, got -300");
  EXPECT_EQ(written(std::vector<Celsius>{{1000}}), "json: [0]: too hot");
  EXPECT_EQ(written(Celsius{2000}), "json: it was not written, and nobody said why");
}
