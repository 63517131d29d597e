#include "tally.h"

#include <poll.h>

#include <algorithm>

namespace errand::cli {

int Verdict::exit_code() const noexcept {
  if (trouble) return 255;
  if (halted_by) return *halted_by;
  return static_cast<int>(std::min<std::uint64_t>(failed, 101));
}

Result<std::unique_ptr<Tally>> Tally::make() {
  auto event = Event::make();
  if (!event) return event.error();
  return std::unique_ptr<Tally>(new Tally(std::move(*event)));
}

void Tally::submit() {
  const MutexLock lock(mu_);
  ++figures_.submitted;
}

void Tally::skip() {
  const MutexLock lock(mu_);
  ++figures_.skipped;
}

void Tally::start() {
  const MutexLock lock(mu_);
  ++figures_.running;
}

void Tally::end() {
  const MutexLock lock(mu_);
  --figures_.running;
}

void Tally::settle(Settled how) {
  const MutexLock lock(mu_);
  ++figures_.settled;
  figures_.failed += how == Settled::failed;
  figures_.not_started += how == Settled::not_started;
  if (!wanted_ || figures_.unsettled() > *wanted_) return;
  wanted_.reset();
  few_.set();
}

void Tally::read(std::optional<double> share, bool all) {
  const MutexLock lock(mu_);
  figures_.share_read = share;
  figures_.all_read = all;
}

Figures Tally::figures() const {
  const MutexLock lock(mu_);
  return figures_;
}

bool Tally::wait_for_at_most(std::uint64_t most, const Event& stop) {
  {
    const MutexLock lock(mu_);
    if (figures_.unsettled() <= most) return true;
    few_.clear();
    wanted_ = most;
  }
  pollfd set[2] = {{few_.fd(), POLLIN, 0}, {stop.fd(), POLLIN, 0}};
  while (::poll(set, 2, -1) < 0) {
  }
  return set[0].revents != 0;
}

}  // namespace errand::cli
