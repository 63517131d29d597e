// What a codec is made of, with one that is written by hand.

#include <errand/codec.h>

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace {

struct Order {
  static constexpr std::string_view kind = "order";
  using output = std::string;
  int number = 0;
};
struct Foreign {};
struct WithoutCodec {
  static constexpr char kind[] = "without";
};

}  // namespace

template <>
struct errand::Codec<Order> {
  static constexpr std::string_view content_type = "text/plain";
  static errand::Result<std::string> encode(const Order& order) { return std::to_string(order.number); }
  static errand::Result<Order> decode(std::string_view bytes, std::string_view type) {
    if (!is_content_type(type, content_type)) return errand::Error(errand::Code::invalid, "no text");
    return Order{std::stoi(std::string(bytes))};
  }
};
template <>
struct errand::Codec<Foreign> {
  static constexpr std::string_view content_type = "text/plain";
  static errand::Result<std::string> encode(const Foreign&) { return std::string(); }
  static errand::Result<Foreign> decode(std::string_view, std::string_view) { return Foreign(); }
};
template <>
struct errand::KindOf<Foreign> {
  static constexpr std::string_view value = "foreign";
};

namespace {

TEST(Codec, AMessageHasAKindAndACodec) {
  static_assert(errand::Message<Order>);
  static_assert(errand::KindOf<Order>::value == "order");
  static_assert(errand::Message<Foreign>);
  static_assert(errand::KindOf<Foreign>::value == "foreign");
  static_assert(errand::KindOf<WithoutCodec>::value == "without");
  static_assert(!errand::Message<WithoutCodec>);
  static_assert(!errand::Encodable<int>);
  EXPECT_EQ(errand::Codec<Order>::decode(*errand::Codec<Order>::encode({7}), "text/plain")->number, 7);
}

TEST(Codec, TheOutputIsVoidUnlessItIsNamed) {
  static_assert(std::is_same_v<errand::output_t<Order>, std::string>);
  static_assert(std::is_void_v<errand::output_t<Foreign>>);
}

TEST(Codec, ContentTypesAreComparedWithoutParametersAndCase) {
  for (const char* same :
       {"text/plain", "Text/PLAIN", "text/plain; charset=utf-8", "text/plain;q=1", " text/plain\t", "text/plain ;x"}) {
    EXPECT_TRUE(errand::is_content_type(same, "text/plain")) << same;
  }
  for (const char* other : {"", ";", " ", "text/plai", "text/plain2", "text/plain x", "text", ";text/plain"}) {
    EXPECT_FALSE(errand::is_content_type(other, "text/plain")) << other;
  }
}

}  // namespace
