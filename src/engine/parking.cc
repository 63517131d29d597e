#include "engine/parking.h"

#include <algorithm>

namespace errand {
inline namespace v0 {
namespace detail {

void Parking::publish() {
  parked_.store(berths_.size(), std::memory_order_relaxed);
  wakeable_.store(on_the_way_ > 0 ? 0 : berths_.size(), std::memory_order_relaxed);
}

void Parking::enlist(Berth& berth) {
  berth.woken.store(0, std::memory_order_relaxed);
  MutexLock lock(mu_);
  berths_.push_back(&berth);
  publish();
}

void Parking::delist(Berth& berth) {
  // Woken berths have left the list already, and their wake is over.
  if (berth.woken.load(std::memory_order_relaxed) != 0) {
    --on_the_way_;
  } else {
    berths_.erase(std::find(berths_.begin(), berths_.end(), &berth));
  }
  publish();
}

bool Parking::give_up(Berth& berth) {
  MutexLock lock(mu_);
  delist(berth);
  return berth.woken.load(std::memory_order_relaxed) != 0;
}

void Parking::sleep(Berth& berth, const WaitUntil& until) {
  clock_.wait(berth.woken, 0, until);
  MutexLock lock(mu_);
  delist(berth);
}

void Parking::wake_one() {
  Berth* berth = nullptr;
  {
    MutexLock lock(mu_);
    if (on_the_way_ > 0 || berths_.empty()) return;
    berth = berths_.back();
    berths_.pop_back();
    ++on_the_way_;
    berth->woken.store(1, std::memory_order_relaxed);
    publish();
  }
  clock_.wake(berth->woken, 1);
}

void Parking::wake_all() {
  std::vector<Berth*> berths;
  {
    MutexLock lock(mu_);
    berths.swap(berths_);
    on_the_way_ += static_cast<int>(berths.size());
    for (Berth* berth : berths) berth->woken.store(1, std::memory_order_relaxed);
    publish();
  }
  for (Berth* berth : berths) clock_.wake(berth->woken, 1);
}

}  // namespace detail
}  // namespace v0
}  // namespace errand
