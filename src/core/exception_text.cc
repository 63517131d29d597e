#include "core/exception_text.h"

#include <errand/outcome.h>

#include <cxxabi.h>

#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <typeinfo>
#include <utility>

#include "core/text.h"

namespace errand {
inline namespace v0 {

namespace {

// Exceptions can be made to nest themselves, so a walk through them has to end somewhere.
constexpr int kMaxNesting = 64;

// Made before it is needed, and never destroyed: threads may still fail while the process exits.
const Error& kNoMemory = *new Error(Code::failed, "an exception, and no memory left for its text");

std::string type_text(const std::type_info* type) {
  if (type == nullptr) return "exception of unknown type";
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> name(abi::__cxa_demangle(type->name(), nullptr, nullptr, &status),
                                                         &std::free);
  return std::string("exception of type ") + (status == 0 ? name.get() : type->name());
}

// `text`, or the type where the text says nothing. Called while the exception is handled.
std::string text_or_type(std::string_view text) {
  return text.empty() ? type_text(abi::__cxa_current_exception_type()) : clean_text(text);
}

std::string_view view(const char* text) {
  return text == nullptr ? std::string_view() : std::string_view(text);
}

// The outermost exception alone.
struct Layer {
  std::string text;
  std::exception_ptr inner{};    // what it nests, or null
  std::optional<Error> error{};  // what it carries, where it carries one
};

std::exception_ptr nested_in(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::nested_exception& nesting) {
    return nesting.nested_ptr();
  } catch (...) {
    return nullptr;
  }
}

Layer look_at(const std::exception& e) {
  Layer layer{text_or_type(view(e.what()))};
  // Asked of the object: throwing it once more would cost a microsecond.
  if (const auto* nesting = dynamic_cast<const std::nested_exception*>(&e)) layer.inner = nesting->nested_ptr();
  if (const auto* carrier = dynamic_cast<const ErrorException*>(&e)) layer.error = carrier->error();
  return layer;
}

Layer look_at(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& e) {
    return look_at(e);
  } catch (const std::string& text) {
    return {text_or_type(text), nested_in(thrown)};
  } catch (const char* text) {
    return {text_or_type(view(text))};
  } catch (...) {
    return {text_or_type({}), nested_in(thrown)};
  }
}

Error make_error(const std::exception_ptr& thrown) {
  Layer layer = look_at(thrown);
  if (layer.error) return clean_error(*layer.error);
  std::string text = std::move(layer.text);
  for (int depth = 0; layer.inner && depth < kMaxNesting && text.size() < kMaxErrorText; ++depth) {
    layer = look_at(std::exception_ptr(layer.inner));
    text += ": " + layer.text;
  }
  return Error(Code::failed, clean_text(text), thrown);
}

}  // namespace

Error error_from_exception(const std::exception_ptr& thrown) noexcept {
  try {
    return thrown ? make_error(thrown) : Error(Code::failed, "no exception");
  } catch (...) {
    return kNoMemory;
  }
}

bool worth_retrying(const std::exception_ptr& thrown) noexcept {
  std::exception_ptr next = thrown;
  for (int depth = 0; next && depth <= kMaxNesting; ++depth) {
    try {
      std::rethrow_exception(next);
    } catch (const DoNotRetry&) {
      return false;
    } catch (const std::nested_exception& nesting) {
      next = nesting.nested_ptr();
    } catch (...) {
      return true;
    }
  }
  return true;
}

}  // namespace v0
}  // namespace errand
