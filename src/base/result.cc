#include <errand/result.h>

#include <cstdio>
#include <cstdlib>

namespace errand {
inline namespace v0 {

struct Error::State {
  Code code;
  std::string message;
  std::exception_ptr exception;
};

Error::Error(Code code, std::string message, std::exception_ptr exception)
    : state_(std::make_shared<const State>(State{code, std::move(message), std::move(exception)})) {}

Code Error::code() const noexcept {
  return state_->code;
}

const std::string& Error::message() const noexcept {
  return state_->message;
}

std::exception_ptr Error::exception() const noexcept {
  return state_->exception;
}

bool Error::transient() const noexcept {
  switch (state_->code) {
    case Code::queue_full:
    case Code::owned_by:
    case Code::store_full:
    case Code::unavailable:
      return true;
    default:
      return false;
  }
}

void Error::raise() const {
  if (state_->exception) std::rethrow_exception(state_->exception);
  throw ErrorException(*this);
}

ErrorException::ErrorException(Error error) noexcept : error_(std::move(error)) {}

const char* ErrorException::what() const noexcept {
  return error_.message().c_str();
}

const Error& ErrorException::error() const noexcept {
  return error_;
}

std::string_view to_string(Code code) noexcept {
  switch (code) {
    case Code::queue_full:
      return "queue_full";
    case Code::shutting_down:
      return "shutting_down";
    case Code::forked:
      return "forked";
    case Code::would_block:
      return "would_block";
    case Code::owned_by:
      return "owned_by";
    case Code::lease_lost:
      return "lease_lost";
    case Code::unknown_kind:
      return "unknown_kind";
    case Code::duplicate:
      return "duplicate";
    case Code::too_large:
      return "too_large";
    case Code::invalid:
      return "invalid";
    case Code::gone:
      return "gone";
    case Code::not_found:
      return "not_found";
    case Code::failed:
      return "failed";
    case Code::cancelled:
      return "cancelled";
    case Code::discarded:
      return "discarded";
    case Code::store_full:
      return "store_full";
    case Code::unavailable:
      return "unavailable";
  }
  return "unknown";
}

void detail::assertion_failed(const char* expression, const char* file, int line) noexcept {
  std::fprintf(stderr, "errand: broken invariant: %s (%s:%d)\n", expression, file, line);
  std::abort();
}

}  // namespace v0
}  // namespace errand
