#pragma once
// How much a torture test does, and the table of what it did.
//
//   ./dev test           a slice: so much of each row as fits into a few seconds, and a least number of each
//   ./dev torture        ERRAND_TORTURE=1: everything that has to pass before work on the durable tier is finished
//   ./dev torture --long ERRAND_LONG=1: what runs before a release

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>

#include "test_disk/slow_flush.h"

enum class Effort { slice, full, longest };

inline Effort effort() {
  if (std::getenv("ERRAND_LONG") != nullptr) return Effort::longest;
  return std::getenv("ERRAND_TORTURE") != nullptr ? Effort::full : Effort::slice;
}

template <class T>
T by_effort(T slice, T full, T longest) {
  return effort() == Effort::slice ? slice : effort() == Effort::full ? full : longest;
}

// ERRAND_SEED, or one of the machine's; a test says which it was where it fails.
inline std::uint64_t torture_seed() {
  const char* seed = std::getenv("ERRAND_SEED");
  return seed != nullptr ? std::strtoull(seed, nullptr, 10) : std::random_device()();
}

// How often a row is done. A slice on a slow machine may stop early, but not before `least`.
class Rounds {
 public:
  Rounds(int least, int wanted, std::chrono::seconds box) : least_(least), wanted_(wanted), box_(box) {}

  [[nodiscard]] int wanted() const { return wanted_; }
  [[nodiscard]] bool go_on(int done) const {
    if (testing::Test::HasFailure() || done >= wanted_) return false;
    return effort() != Effort::slice || done < least_ || std::chrono::steady_clock::now() - began_ < box_;
  }

 private:
  const int least_;
  const int wanted_;
  const std::chrono::seconds box_;
  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

// A row of the table, printed when it goes: what was done, how often, and whether all of it held.
class Figures {
 public:
  Figures(std::string id, std::string what) : id_(std::move(id)), what_(std::move(what)) {}
  ~Figures() {
    std::printf("torture|%s|%s|%s|%s\n", id_.c_str(), what_.c_str(), counts_.c_str(),
                testing::Test::HasFailure() ? "FAILED" : "ok");
  }
  Figures(const Figures&) = delete;
  Figures& operator=(const Figures&) = delete;

  template <class N>
  Figures& count(const std::string& of, N number) {
    counts_ += (counts_.empty() ? "" : ", ") + std::to_string(number) + " " + of;
    return *this;
  }

 private:
  const std::string id_;
  const std::string what_;
  std::string counts_;
};

// Files for tests of the real disk, beside the build. Where the system keeps temporary files may be memory: a flush
// takes no time there and means nothing, so such a place is refused. Left for whoever looks if the test failed.
class Scratch {
 public:
  Scratch() {
    std::string pattern = ERRAND_SCRATCH "/torture-XXXXXX";
    if (const char* made = ::mkdtemp(pattern.data())) path_ = made;
    EXPECT_FALSE(path_.empty()) << "no folder in " << ERRAND_SCRATCH;
    EXPECT_FALSE(disk::is_in_memory(path_)) << path_ << " is in memory: build on a disk, or this shows nothing";
  }
  ~Scratch() {
    if (testing::Test::HasFailure()) {
      std::printf("left for you: %s\n", path_.c_str());
    } else {
      std::filesystem::remove_all(path_);
    }
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};
