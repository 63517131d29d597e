#pragma once
// No thread is to be had, for as long as one of these lives: it would get a stack that no address space holds.

#include <pthread.h>

#include <cstddef>

class HugeStacks {
 public:
  HugeStacks() {
    pthread_getattr_default_np(&before_);
    pthread_attr_t huge;
    pthread_attr_init(&huge);
    pthread_attr_setstacksize(&huge, std::size_t{1} << 60);
    worked_ = pthread_setattr_default_np(&huge) == 0;
    pthread_attr_destroy(&huge);
  }
  ~HugeStacks() {
    pthread_setattr_default_np(&before_);
    pthread_attr_destroy(&before_);
  }
  HugeStacks(const HugeStacks&) = delete;
  HugeStacks& operator=(const HugeStacks&) = delete;

  [[nodiscard]] bool worked() const { return worked_; }

 private:
  pthread_attr_t before_;
  bool worked_ = false;
};
