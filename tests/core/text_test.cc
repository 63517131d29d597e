#include "core/text.h"

#include <gtest/gtest.h>

#include <errand/random.h>

#include <string>

namespace errand {
namespace {

using namespace std::string_literals;

#define BAD "\xEF\xBF\xBD"

// Decodes by arithmetic, and shares nothing with the code under test.
bool is_valid_utf8_without_nul(const std::string& text) {
  for (std::size_t i = 0; i < text.size();) {
    const unsigned lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 0;
    if (length == 0 || i + length > text.size()) return false;
    unsigned code = length == 1 ? lead : lead & (0x7Fu >> length);
    for (std::size_t k = 1; k < length; ++k) {
      const unsigned next = static_cast<unsigned char>(text[i + k]);
      if (next >> 6 != 2) return false;
      code = code << 6 | (next & 0x3F);
    }
    static constexpr unsigned kLeast[] = {0, 1, 0x80, 0x800, 0x10000};
    if (code < kLeast[length] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return false;
    i += length;
  }
  return true;
}

TEST(CleanText, KeepsWhatIsValid) {
  EXPECT_EQ(clean_text(""), "");
  EXPECT_EQ(clean_text("plain\ttext\n"), "plain\ttext\n");
  EXPECT_EQ(clean_text("Gr\xC3\xBC\xC3\x9F\x65 \xE2\x82\xAC \xF0\x9F\x98\x80"),
            "Gr\xC3\xBC\xC3\x9F\x65 \xE2\x82\xAC \xF0\x9F\x98\x80");
  EXPECT_EQ(clean_text("\xED\x9F\xBF \xEE\x80\x80 \xF4\x8F\xBF\xBF"), "\xED\x9F\xBF \xEE\x80\x80 \xF4\x8F\xBF\xBF");
}

TEST(CleanText, ReplacesNul) {
  EXPECT_EQ(clean_text("a\0b"s), "a" BAD "b");
}

TEST(CleanText, ReplacesWhatIsNotUtf8) {
  EXPECT_EQ(clean_text("a\xFF\x62"), "a" BAD "b");
  EXPECT_EQ(clean_text("\x80"), BAD) << "a continuation byte on its own";
  EXPECT_EQ(clean_text("\xC0\x80"), BAD BAD) << "an overlong NUL";
  EXPECT_EQ(clean_text("\xE0\x80\xAF"), BAD BAD BAD) << "an overlong slash";
  EXPECT_EQ(clean_text("\xF0\x80\x80\xAF"), BAD BAD BAD BAD) << "an overlong slash";
  EXPECT_EQ(clean_text("\xED\xA0\x80"), BAD BAD BAD) << "a lone surrogate";
  EXPECT_EQ(clean_text("\xF4\x90\x80\x80"), BAD BAD BAD BAD) << "above U+10FFFF";
  EXPECT_EQ(clean_text("\xE2\x82"), BAD BAD) << "a character cut short by the end";
  EXPECT_EQ(clean_text("\xE2\x82\x61"), BAD BAD "a") << "a character cut short by another";
  EXPECT_EQ(clean_text("\xF0\x9F\x98"), BAD BAD BAD);
}

TEST(CleanText, CutsBetweenCharacters) {
  EXPECT_EQ(clean_text("abc", 2), "ab");
  EXPECT_EQ(clean_text("a\xE2\x82\xAC", 3), "a");
  EXPECT_EQ(clean_text("a\xE2\x82\xAC", 4), "a\xE2\x82\xAC");
  EXPECT_EQ(clean_text("a\xFF", 3), "a") << "a replacement has three bytes";
  EXPECT_EQ(clean_text("abc", 0), "");
}

TEST(CleanText, AnyBytesBecomeValidWithinTheLimit) {
  Rng rng(7);
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    const std::uint64_t size = rng.below(12);
    // Leads and continuations more often than chance would have them.
    for (std::uint64_t i = 0; i < size; ++i) {
      text += static_cast<char>(rng.below(4) == 0 ? rng.below(128) : 128 + rng.below(128));
    }
    const std::size_t most = rng.below(40);
    const std::string clean = clean_text(text, most);
    ASSERT_TRUE(is_valid_utf8_without_nul(clean)) << testing::PrintToString(text);
    ASSERT_LE(clean.size(), most);
    const bool fine = is_valid_utf8_without_nul(text) && text.size() <= most;
    ASSERT_TRUE(!fine || clean == text) << testing::PrintToString(text);
  }
}

TEST(CleanError, KeepsCodeAndException) {
  const auto thrown = std::make_exception_ptr(7);
  const Error clean = clean_error(Error(Code::too_large, "a\0b"s, thrown));
  EXPECT_EQ(clean.code(), Code::too_large);
  EXPECT_EQ(clean.message(), "a" BAD "b");
  EXPECT_EQ(clean.exception(), thrown);
}

TEST(CleanError, SharesATextThatIsCleanAlready) {
  const Error error(Code::failed, std::string(kMaxErrorText, 'x'));
  EXPECT_EQ(&clean_error(error).message(), &error.message());
  const Error longer(Code::failed, std::string(kMaxErrorText + 1, 'x'));
  EXPECT_EQ(clean_error(longer).message().size(), kMaxErrorText);
}

TEST(IsUtf8, AgreesWithADecoderOnBytesNearItsLimits) {
  constexpr unsigned char kBytes[] = {'a',  0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1,
                                      0xC2, 0xDF, 0xE0, 0xED, 0xEF, 0xF0, 0xF3, 0xF4, 0xF5, 0xFF};
  Rng rng(8);
  int valid = 0;
  for (int i = 0; i < 50'000; ++i) {
    std::string text(rng.below(12), 'a');
    for (std::uint64_t left = rng.below(5); left > 0; --left)
      text += static_cast<char>(kBytes[rng.below(sizeof kBytes)]);
    text.append(rng.below(12), 'a');
    EXPECT_EQ(is_utf8(text), is_valid_utf8_without_nul(text)) << testing::PrintToString(text);
    valid += is_utf8(text) ? 1 : 0;
  }
  EXPECT_GT(valid, 1000);
  EXPECT_TRUE(is_utf8("a\0b"s));
}

}  // namespace
}  // namespace errand
