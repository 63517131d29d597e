// Types that nlohmann/json knows.

#include <errand/nlohmann.h>

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

using errand::Codec;

namespace post {
struct Stamp {
  int cents = 0;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Stamp, cents)
ERRAND_NLOHMANN(Stamp)

struct Letter {
  static constexpr std::string_view kind = "letter";
  using output = Stamp;
  std::string to{};
  std::vector<Stamp> stamps{};
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Letter, to, stamps)
ERRAND_NLOHMANN(Letter)

struct Picky {};
[[maybe_unused]] void to_json(nlohmann::json&, const Picky&) {
  throw std::runtime_error("not today");
}
[[maybe_unused]] void from_json(const nlohmann::json&, Picky&) {
  throw std::bad_alloc();
}
ERRAND_NLOHMANN(Picky)
}  // namespace post

namespace {

template <class T>
std::string refusal(std::string_view text, std::string_view type = "application/json") {
  const auto value = Codec<T>::decode(text, type);
  if (value) return "";
  return value.error().code() == errand::Code::invalid ? value.error().message() : "another code";
}

}  // namespace

TEST(Nlohmann, TypesAreMessagesAndComeBack) {
  static_assert(errand::Message<post::Letter> && errand::Encodable<errand::output_t<post::Letter>>);
  static_assert(!errand::Encodable<int>);
  const std::string text = *Codec<post::Letter>::encode({"a@b.c", {{85}, {1}}});
  EXPECT_EQ(text, R"({"stamps":[{"cents":85},{"cents":1}],"to":"a@b.c"})");
  const auto letter = Codec<post::Letter>::decode(text, "Application/JSON;charset=utf-8");
  ASSERT_TRUE(letter);
  EXPECT_EQ(letter->to, "a@b.c");
  EXPECT_EQ(letter->stamps.at(1).cents, 1);
  EXPECT_EQ(Codec<post::Letter>::decode("{}", "application/json")->to, "");
}

TEST(Nlohmann, WhatItThrowsIsAnError) {
  EXPECT_EQ(refusal<post::Stamp>("{}").substr(0, 28), "json: Stamp: [json.exception");
  EXPECT_EQ(refusal<post::Stamp>("{\"cents\":").substr(0, 40), "json: Stamp: [json.exception.parse_error");
  EXPECT_NE(refusal<post::Stamp>(R"({"cents":"many"})"), "");
  EXPECT_NE(refusal<post::Stamp>(R"({"cents":1} x)"), "");
  EXPECT_NE(refusal<post::Stamp>(std::string(10'000, '[')), "");
  EXPECT_NE(refusal<post::Stamp>(std::string(10'000, '[') + std::string(10'000, ']')), "");
  const auto unreadable = Codec<post::Letter>::encode({"\xFF", {}});
  ASSERT_FALSE(unreadable);
  EXPECT_EQ(unreadable.error().code(), errand::Code::invalid);
  EXPECT_EQ(Codec<post::Picky>::encode({}).error().message(), "json: Picky: not today");
}

TEST(Nlohmann, ThatMemoryIsShortSaysNothingAboutThePayload) {
  EXPECT_THROW(static_cast<void>(Codec<post::Picky>::decode("{}", "application/json")), std::bad_alloc);
}

TEST(Nlohmann, OtherContentTypesAreRefused) {
  EXPECT_EQ(refusal<post::Stamp>(R"({"cents":1})", "text/plain"),
            R"(json: Stamp: expected the content type application/json, got "text/plain")");
}
