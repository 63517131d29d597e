#include <errand/testing.h>

namespace errand {
inline namespace v0 {

int drain(Queue& queue, int rounds) {
  int done = 0;
  while (done < rounds) {
    ++done;
    queue.dispatch();
    if (queue.stats().available == 0) break;
  }
  return done;
}

int drain(Queue& queue, ManualClock& clock, int rounds) {
  int done = 0;
  while (done < rounds) {
    ++done;
    const SteadyTime next = queue.dispatch();
    if (next == SteadyTime::max()) break;
    if (next > clock.mono()) clock.advance(next - clock.mono());
  }
  return done;
}

}  // namespace v0
}  // namespace errand
