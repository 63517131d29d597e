#include <errand/schedule_policy.h>

namespace errand {
inline namespace v0 {

std::string_view to_string(Dst dst) noexcept {
  switch (dst) {
    case Dst::after:
      return "after";
    case Dst::skip:
      return "skip";
    case Dst::both:
      return "both";
  }
  return "unknown";
}

std::string_view to_string(Missed missed) noexcept {
  switch (missed) {
    case Missed::skip:
      return "skip";
    case Missed::latest:
      return "latest";
    case Missed::all:
      return "all";
  }
  return "unknown";
}

std::string_view to_string(Overlap overlap) noexcept {
  switch (overlap) {
    case Overlap::skip:
      return "skip";
    case Overlap::queue_one:
      return "queue_one";
    case Overlap::cancel_previous:
      return "cancel_previous";
    case Overlap::allow:
      return "allow";
  }
  return "unknown";
}

}  // namespace v0
}  // namespace errand
