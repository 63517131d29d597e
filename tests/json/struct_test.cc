// Structs whose fields are listed, wherever they live.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support.h"

// The lines of the design's sample, as they stand there.
// clang-format off
struct Receipt { int code; };
struct WelcomeMail { std::string to; int user; using output = Receipt; static constexpr std::string_view kind = "welcome_mail"; };
ERRAND_JSON(WelcomeMail, to, user)  ERRAND_JSON(Receipt, code)
    // clang-format on

    namespace shop {
  struct Item {
    std::string name = "nothing";
    int count = 1;
  };
  ERRAND_JSON(Item, name, count)

  namespace {
  struct Hidden {
    Item item{};
    std::vector<Receipt> receipts{};
  };
  ERRAND_JSON(Hidden, item, receipts)
  }  // namespace

  struct Outer {
    struct Inner {
      bool on = false;
    };
    Inner inner{};
  };
  ERRAND_JSON(Outer, inner)
  ERRAND_JSON(Outer::Inner, on)

  struct Tick {
    static constexpr std::string_view kind = "tick";
  };
  ERRAND_JSON(Tick)

  struct Tree {
    int leaf = 0;
    std::vector<Tree> branches{};
  };
  ERRAND_JSON(Tree, leaf, branches)

  struct Discounted : Item {
    int percent = 0;
  };
}  // namespace shop

ERRAND_JSON(shop::Discounted, percent)  // not found: it stands in another namespace than its type

namespace wide {
struct Wide {
  int a0 = 0, a1 = 1, a2 = 2, a3 = 3, a4 = 4, a5 = 5, a6 = 6, a7 = 7, b0 = 0, b1 = 1, b2 = 2, b3 = 3, b4 = 4, b5 = 5,
      b6 = 6, b7 = 7, c0 = 0, c1 = 1, c2 = 2, c3 = 3, c4 = 4, c5 = 5, c6 = 6, c7 = 7, d0 = 0, d1 = 1, d2 = 2, d3 = 3,
      d4 = 4, d5 = 5, d6 = 6, d7 = 7, e0 = 0, e1 = 1, e2 = 2, e3 = 3, e4 = 4, e5 = 5, e6 = 6, e7 = 7, f0 = 0, f1 = 1,
      f2 = 2, f3 = 3, f4 = 4, f5 = 5, f6 = 6, f7 = 7, g0 = 0, g1 = 1, g2 = 2, g3 = 3, g4 = 4, g5 = 5, g6 = 6, g7 = 7,
      h0 = 0, h1 = 1, h2 = 2, h3 = 3, h4 = 4, h5 = 5, h6 = 6, h7 = 7;
};
ERRAND_JSON(Wide, a0, a1, a2, a3, a4, a5, a6, a7, b0, b1, b2, b3, b4, b5, b6, b7, c0, c1, c2, c3, c4, c5, c6, c7, d0,
            d1, d2, d3, d4, d5, d6, d7, e0, e1, e2, e3, e4, e5, e6, e7, f0, f1, f2, f3, f4, f5, f6, f7, g0, g1, g2, g3,
            g4, g5, g6, g7, h0, h1, h2, h3, h4, h5, h6, h7)
}  // namespace wide

TEST(JsonStruct, TheSampleIsAMessageAndComesBack) {
  static_assert(errand::Message<WelcomeMail>);
  static_assert(errand::Encodable<errand::output_t<WelcomeMail>>);
  EXPECT_EQ(written(WelcomeMail{"a@b.c", 7}), R"({"to":"a@b.c","user":7})");
  EXPECT_EQ(again<WelcomeMail>(R"( { "user" : 7, "to" : "a@b.c" } )"), R"({"to":"a@b.c","user":7})");
  EXPECT_EQ(again<Receipt>(R"({"code":250})"), R"({"code":250})");
}

TEST(JsonStruct, IsFoundInEveryNamespaceAndInsideOfClasses) {
  EXPECT_EQ(written(shop::Item{"tea", 2}), R"({"name":"tea","count":2})");
  EXPECT_EQ(written(shop::Hidden{{"tea", 2}, {{1}, {2}}}),
            R"({"item":{"name":"tea","count":2},"receipts":[{"code":1},{"code":2}]})");
  EXPECT_EQ(again<shop::Outer>(R"({"inner":{"on":true}})"), R"({"inner":{"on":true}})");
}

TEST(JsonStruct, MayHaveNoFieldsOrManyOrItselfInside) {
  static_assert(errand::Message<shop::Tick>);
  EXPECT_EQ(again<shop::Tick>("{}"), "{}");
  EXPECT_EQ(refusal<shop::Tick>("[]"), "json: Tick: expected an object, got an array of 0");
  const std::string all = written(wide::Wide());
  EXPECT_EQ(all.substr(0, 14), R"({"a0":0,"a1":1)");
  EXPECT_EQ(all.substr(all.size() - 7), R"("h7":7})");
  EXPECT_EQ(again<wide::Wide>(all), all);
  EXPECT_EQ(again<shop::Tree>(R"({"leaf":1,"branches":[{"leaf":2,"branches":[]},{}]})"),
            R"({"leaf":1,"branches":[{"leaf":2,"branches":[]},{"leaf":0,"branches":[]}]})");
}

// Else the fields of the derived type would be dropped without a word.
TEST(JsonStruct, OfABaseDoNotCountForWhatIsDerivedFromIt) {
  static_assert(errand::JsonType<shop::Item>);
  static_assert(!errand::JsonType<shop::Discounted>);
}

TEST(JsonStruct, UnknownFieldsAreIgnored) {
  EXPECT_EQ(again<Receipt>(R"({"new":[{"deep":[1,2,{"x":null}]}],"code":3,"also":1e400})"), R"({"code":3})");
}

TEST(JsonStruct, MissingFieldsKeepTheirInitialiser) {
  EXPECT_EQ(again<shop::Item>("{}"), R"({"name":"nothing","count":1})");
  EXPECT_EQ(again<shop::Item>(R"({"count":5})"), R"({"name":"nothing","count":5})");
  EXPECT_EQ(again<std::vector<shop::Item>>(R"([{"name":"x"},{}])"),
            R"([{"name":"x","count":1},{"name":"nothing","count":1}])");
}

TEST(JsonStruct, NullIsNotAMissingField) {
  EXPECT_EQ(refusal<shop::Item>(R"({"count":null})"), "json: Item.count: expected an integer, got null");
  EXPECT_EQ(refusal<shop::Hidden>(R"({"item":null})"), "json: Hidden.item: expected an object, got null");
}

TEST(JsonStruct, OfAFieldThatIsThereTwiceTheLastCounts) {
  EXPECT_EQ(again<Receipt>(R"({"code":1,"code":"two","code":3})"), R"({"code":3})");
  EXPECT_EQ(refusal<Receipt>(R"({"code":1,"code":"two"})"), R"(json: Receipt.code: expected an integer, got "two")");
}

TEST(JsonStruct, NamesAreComparedByteByByte) {
  EXPECT_EQ(again<Receipt>(R"({"Code":1,"code ":2,"cod":3,"code\u0000":4,"c\u006fde":5})"), R"({"code":5})");
}

TEST(JsonStruct, ErrorsTellTheWholePath) {
  EXPECT_EQ(refusal<shop::Hidden>(R"({"receipts":[{"code":1},{"code":true}]})"),
            "json: Hidden.receipts[1].code: expected an integer, got true");
  EXPECT_EQ(refusal<std::vector<Receipt>>(R"([{"code":{}}])"), "json: [0].code: expected an integer, got an object");
  EXPECT_EQ(written(shop::Hidden{{"t\xE9", 2}, {}}), "json: Hidden.item.name: expected UTF-8, got \"t\xEF\xBF\xBD\"");
}

TEST(JsonStruct, OtherContentTypesAreRefused) {
  const auto decoded = [](std::string_view type) { return errand::Codec<Receipt>::decode(R"({"code":1})", type); };
  EXPECT_TRUE(decoded("application/json"));
  EXPECT_TRUE(decoded("Application/JSON; charset=UTF-8"));
  const auto refused = decoded("application/x-protobuf");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), errand::Code::invalid);
  EXPECT_EQ(refused.error().message(),
            R"(json: Receipt: expected the content type application/json, got "application/x-protobuf")");
  EXPECT_FALSE(decoded(""));
  EXPECT_FALSE(decoded("application/json5"));
}
