// Random values of every type come back as they were, and another library reads the same in what is written.

#include <errand/random.h>

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support.h"

namespace {

enum class Colour { red, green, blue };
ERRAND_JSON_ENUM(Colour, red, green, blue)
enum class Level : std::int8_t {};

struct Inner {
  std::int64_t i64 = 0;
  std::uint64_t u64 = 0;
  std::string text{};
  bool operator==(const Inner&) const = default;
};
ERRAND_JSON(Inner, i64, u64, text)

struct All {
  bool b = false;
  std::int8_t i8 = 0;
  std::uint16_t u16 = 0;
  double d = 0;
  float f = 0;
  Colour colour{};
  Level level{};
  std::optional<Inner> maybe{};
  std::vector<Inner> many{};
  std::array<std::optional<int>, 2> two{};
  std::pair<std::string, double> pair{};
  std::map<std::string, std::vector<bool>> map{};
  std::chrono::microseconds wait{};
  std::vector<std::byte> bytes{};
  errand::TaskId id{};
  bool operator==(const All&) const = default;
};
ERRAND_JSON(All, b, i8, u16, d, f, colour, level, maybe, many, two, pair, map, wait, bytes, id)

// Everything comes from the seed, so a failure can be repeated by its number.
class Maker {
 public:
  explicit Maker(std::uint64_t seed) : rng_(seed) {}

  All all() {
    All value;
    value.b = coin();
    value.i8 = integer<std::int8_t>();
    value.u16 = integer<std::uint16_t>();
    value.d = number<double, std::uint64_t>();
    value.f = number<float, std::uint32_t>();
    value.colour = static_cast<Colour>(rng_.below(3));
    value.level = static_cast<Level>(integer<std::int8_t>());
    if (coin()) value.maybe = inner();
    for (auto left = rng_.below(4); left > 0; --left) value.many.push_back(inner());
    for (auto& each : value.two) each = coin() ? std::optional(integer<int>()) : std::nullopt;
    value.pair = {text(), number<double, std::uint64_t>()};
    for (auto left = rng_.below(4); left > 0; --left) value.map[text()].push_back(coin());
    value.wait = std::chrono::microseconds(integer<std::int64_t>());
    for (auto left = rng_.below(9); left > 0; --left) value.bytes.push_back(static_cast<std::byte>(rng_.below(256)));
    if (coin()) value.id.value = (rng_() >> 1) | 1;
    return value;
  }

 private:
  bool coin() { return rng_.below(2) == 0; }
  // Of any size, and its limits more often than chance would have it.
  template <class T>
  T integer() {
    const auto bits = static_cast<std::make_unsigned_t<T>>(rng_());
    if (rng_.below(8) == 0) return coin() ? std::numeric_limits<T>::min() : std::numeric_limits<T>::max();
    return static_cast<T>(static_cast<std::make_unsigned_t<T>>(bits >> rng_.below(sizeof(T) * 8)));
  }
  template <class T, class Bits>
  T number() {
    if (coin()) return static_cast<T>(rng_.below(1000)) / 8;
    const T value = std::bit_cast<T>(static_cast<Bits>(rng_()));
    return std::isfinite(value) ? value : -T(0);
  }
  std::string text() {
    constexpr std::string_view kPieces[] = {"a",      "\"",        "\\",   "/",      std::string_view("\0", 1),
                                            "\n",     "\x1F",      "\x7F", "\u00e9", "\u2028",
                                            "\uffff", "\U0001F600"};
    std::string made;
    for (auto left = rng_.below(6); left > 0; --left) made += kPieces[rng_.below(std::size(kPieces))];
    return made;
  }
  Inner inner() { return {integer<std::int64_t>(), integer<std::uint64_t>(), text()}; }

  errand::Rng rng_;
};

}  // namespace

TEST(JsonRoundTrip, EveryValueComesBackAsItWas) {
  for (std::uint64_t seed = 0; seed < 3000; ++seed) {
    const All value = Maker(seed).all();
    const std::string text = written(value);
    const auto back = read<All>(text);
    ASSERT_TRUE(back) << "seed " << seed << ": " << back.error().message() << "\n" << text;
    ASSERT_EQ(*back, value) << "seed " << seed << ": " << text;
    ASSERT_EQ(std::signbit(back->d), std::signbit(value.d)) << "seed " << seed;
    ASSERT_EQ(written(*back), text) << "seed " << seed;
  }
}

TEST(JsonRoundTrip, AnotherLibraryReadsTheSame) {
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    const All value = Maker(seed).all();
    const nlohmann::json json = nlohmann::json::parse(written(value));
    ASSERT_EQ(json.size(), 15u);
    ASSERT_EQ(json["i8"].get<int>(), value.i8) << "seed " << seed;
    ASSERT_EQ(json["d"].get<double>(), value.d) << "seed " << seed;
    ASSERT_EQ(json["f"].get<float>(), value.f) << "seed " << seed;
    ASSERT_EQ(json["maybe"].is_null(), !value.maybe) << "seed " << seed;
    ASSERT_EQ(json["wait"].get<std::int64_t>(), value.wait.count()) << "seed " << seed;
    ASSERT_EQ(json["pair"][0].get<std::string>(), value.pair.first) << "seed " << seed;
    for (std::size_t i = 0; i < value.many.size(); ++i) {
      ASSERT_EQ(json["many"][i]["u64"].get<std::uint64_t>(), value.many[i].u64) << "seed " << seed;
      ASSERT_EQ(json["many"][i]["i64"].get<std::int64_t>(), value.many[i].i64) << "seed " << seed;
    }
    ASSERT_EQ(errand::Codec<All>::decode(json.dump(), "application/json").value(), value) << "seed " << seed;
  }
}
