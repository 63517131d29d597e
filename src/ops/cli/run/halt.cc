#include "halt.h"

#include <poll.h>

namespace errand::cli {

Result<Halt> Halt::make() {
  auto soon = Event::make();
  if (!soon) return soon.error();
  auto wish = Event::make();
  if (!wish) return wish.error();
  Halt halt;
  halt.soon_ = std::move(*soon);
  halt.wish_ = std::move(*wish);
  return halt;
}

bool Halt::starting() const noexcept {
  pollfd set{soon_.fd(), POLLIN, 0};
  return ::poll(&set, 1, 0) == 0;
}

}  // namespace errand::cli
