#include "core/exception_text.h"

#include <gtest/gtest.h>

#include <errand/outcome.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "core/text.h"
#include "no_memory.h"

namespace errand {
namespace {

using namespace std::string_literals;

struct Plain {};
template <class T>
struct Wrapped {};

class Silent : public std::exception {
 public:
  [[nodiscard]] const char* what() const noexcept override { return ""; }
};

class Nothing : public std::exception {
 public:
  [[nodiscard]] const char* what() const noexcept override { return nullptr; }
};

template <class T>
std::exception_ptr thrown(T value) {
  return std::make_exception_ptr(std::move(value));
}

// outer, which nests what `inner` throws.
template <class Outer, class Inner>
std::exception_ptr nesting(Outer outer, Inner inner) {
  try {
    try {
      throw inner;
    } catch (...) {
      std::throw_with_nested(outer);
    }
  } catch (...) {
    return std::current_exception();
  }
}

std::exception_ptr nesting_twice(std::exception_ptr innermost) {
  try {
    try {
      std::rethrow_exception(std::move(innermost));
    } catch (...) {
      std::throw_with_nested(std::runtime_error("middle"));
    }
  } catch (...) {
    try {
      std::throw_with_nested(std::runtime_error("outer"));
    } catch (...) {
      return std::current_exception();
    }
  }
}

std::string text(const std::exception_ptr& exception) {
  return error_from_exception(exception).message();
}

TEST(ExceptionText, IsWhatTheExceptionSays) {
  const auto exception = thrown(std::runtime_error("disk is full"));
  const Error error = error_from_exception(exception);
  EXPECT_EQ(error.code(), Code::failed);
  EXPECT_EQ(error.message(), "disk is full");
  EXPECT_EQ(error.exception(), exception) << "Task::get() throws it again";
}

TEST(ExceptionText, JoinsNestedExceptions) {
  EXPECT_EQ(text(nesting(std::runtime_error("load user 7"), std::logic_error("disk is full"))),
            "load user 7: disk is full");
  EXPECT_EQ(text(nesting_twice(thrown("innermost"s))), "outer: middle: innermost");
  EXPECT_EQ(text(nesting("outer text"s, 7)), "outer text: exception of type int");
}

TEST(ExceptionText, NestingThatNeverEndsIsCutOff) {
  struct Loop : std::runtime_error, std::nested_exception {
    Loop() : std::runtime_error("loop") {}
  };
  std::exception_ptr exception;
  try {
    throw Loop();
  } catch (Loop& loop) {
    static_cast<std::nested_exception&>(loop) = std::nested_exception();  // nests itself
    exception = std::current_exception();
  }
  EXPECT_TRUE(text(exception).starts_with("loop: loop: loop"));
  EXPECT_TRUE(worth_retrying(exception));
  // Made outside any handler, this one nests nothing; without it the exception would keep itself alive.
  const std::nested_exception nothing;
  try {
    std::rethrow_exception(exception);
  } catch (Loop& loop) {
    static_cast<std::nested_exception&>(loop) = nothing;
  }
}

TEST(ExceptionText, KeepsThrownTexts) {
  EXPECT_EQ(text(thrown<const char*>("a literal")), "a literal");
  EXPECT_EQ(text(thrown("a string"s)), "a string");
  char buffer[] = "a buffer";
  EXPECT_EQ(text(thrown<char*>(buffer)), "a buffer");
  EXPECT_EQ(text(thrown<const char*>(nullptr)), "exception of type char const*");
  EXPECT_EQ(text(thrown(""s)).substr(0, 18), "exception of type ");
}

TEST(ExceptionText, NamesTheTypeWhereThereIsNoText) {
  EXPECT_EQ(text(thrown(7)), "exception of type int");
  EXPECT_EQ(text(thrown(Plain())), "exception of type errand::(anonymous namespace)::Plain");
  EXPECT_EQ(text(thrown(Wrapped<int>())), "exception of type errand::(anonymous namespace)::Wrapped<int>");
  EXPECT_EQ(text(thrown(Silent())), "exception of type errand::(anonymous namespace)::Silent");
  EXPECT_EQ(text(thrown(Nothing())), "exception of type errand::(anonymous namespace)::Nothing");
}

TEST(ExceptionText, AnErrorExceptionKeepsItsError) {
  const Error own(Code::unavailable, "no answer from the server");
  const Error error = error_from_exception(thrown(ErrorException(own)));
  EXPECT_EQ(error.code(), Code::unavailable);
  EXPECT_EQ(&error.message(), &own.message());
  EXPECT_EQ(error.exception(), nullptr);
  EXPECT_EQ(text(nesting(std::runtime_error("load user 7"), ErrorException(own))),
            "load user 7: no answer from the server");
}

TEST(ExceptionText, HasAnAnswerForNoException) {
  EXPECT_EQ(text(nullptr), "no exception");
}

TEST(ExceptionText, IsCapped) {
  const std::string megabyte(1'000'000, 'x');
  for (const auto& exception : {thrown(std::runtime_error(megabyte)), thrown(megabyte), thrown(megabyte.c_str()),
                                thrown(ErrorException(Error(Code::failed, megabyte))),
                                nesting(std::runtime_error(megabyte), std::runtime_error(megabyte))}) {
    EXPECT_EQ(text(exception), std::string(kMaxErrorText, 'x'));
  }
  EXPECT_EQ(text(nesting(std::runtime_error("outer"), std::runtime_error(megabyte))).size(), kMaxErrorText);
}

TEST(ExceptionText, IsValidUtf8WithoutNul) {
  EXPECT_EQ(text(thrown("a\0b\xFF"s)), "a\xEF\xBF\xBD\x62\xEF\xBF\xBD");
  EXPECT_EQ(text(thrown(std::runtime_error("\xE2\x82"))), "\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(text(thrown(ErrorException(Error(Code::invalid, "a\0b"s)))), "a\xEF\xBF\xBD\x62");
  EXPECT_EQ(text(nesting(std::runtime_error("\xC3"), "\xBC"s)), "\xEF\xBF\xBD: \xEF\xBF\xBD");
}

TEST(ExceptionText, NeverThrowsWithoutMemory) {
  const auto exception = nesting(std::runtime_error(std::string(1000, 'x')), std::logic_error("inner"));
  std::optional<Error> error;
  bool worth = false;
  {
    const NoMemory no_memory;
    error = error_from_exception(exception);
    worth = worth_retrying(exception);
  }
  EXPECT_EQ(error->code(), Code::failed);
  EXPECT_EQ(error->message(), "an exception, and no memory left for its text");
  EXPECT_TRUE(worth);
}

TEST(WorthRetrying, IsFalseForDoNotRetry) {
  EXPECT_FALSE(worth_retrying(thrown(DoNotRetry("no such user"))));
  EXPECT_EQ(text(thrown(DoNotRetry("no such user"))), "no such user");
}

TEST(WorthRetrying, IsFalseForWhatNestsDoNotRetry) {
  EXPECT_FALSE(worth_retrying(nesting(std::runtime_error("load user 7"), DoNotRetry("no such user"))));
  EXPECT_FALSE(worth_retrying(nesting_twice(thrown(DoNotRetry("no such user")))));
  EXPECT_FALSE(worth_retrying(nesting("not even an exception"s, DoNotRetry("no such user"))));
}

TEST(WorthRetrying, IsFalseForDerivedTypes) {
  struct NoSuchUser : DoNotRetry {
    using DoNotRetry::DoNotRetry;
  };
  EXPECT_FALSE(worth_retrying(thrown(NoSuchUser("7"))));
  EXPECT_FALSE(worth_retrying(nesting(NoSuchUser("7"), std::runtime_error("inner"))));
}

TEST(WorthRetrying, IsTrueForEverythingElse) {
  EXPECT_TRUE(worth_retrying(thrown(std::runtime_error("boom"))));
  EXPECT_TRUE(worth_retrying(thrown(7)));
  EXPECT_TRUE(worth_retrying(thrown(ErrorException(Error(Code::invalid, "boom")))));
  EXPECT_TRUE(worth_retrying(nesting(std::runtime_error("outer"), std::runtime_error("inner"))));
  EXPECT_TRUE(worth_retrying(nullptr));
}

}  // namespace
}  // namespace errand
