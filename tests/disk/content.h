#pragma once
// The bytes of one file: what a reader sees, what would survive a power cut, and the changes between the two.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "test_disk/power_cut.h"

namespace disk {

class Content {
 public:
  [[nodiscard]] std::size_t size() const { return now_.size(); }
  /// What a reader sees from offset on, at most `count` bytes; shorter at the end of the file.
  [[nodiscard]] std::string_view read(std::size_t offset, std::size_t count) const;
  /// A gap between the end of the file and offset reads as zeros.
  void write(std::size_t offset, std::string_view bytes);
  void truncate(std::size_t size);

  /// A flush that finished: everything is durable.
  void sync();
  /// A flush that failed. Each change reached the disk or did not, and no later flush tries again: Linux reports a
  /// failed write-back once and takes the pages for clean. A reader goes on seeing all of them until the power is cut.
  void fail_sync(errand::Rng& rng);

  /// What the file holds after the power was cut.
  void cut(PowerCut how, errand::Rng& rng);

 private:
  struct Change {
    std::size_t offset;  // of a truncation: the new size
    std::string bytes;
    bool is_truncation;
  };

  static void apply(const Change& change, std::string& to);
  static std::vector<Change> sectors_of(const Change& change);
  static std::vector<Change> torn(const Change& change, errand::Rng& rng);
  std::vector<Change> survivors(PowerCut how, errand::Rng& rng) const;

  std::string now_;
  std::string durable_;
  std::vector<Change> since_;  // the flush before, oldest first; without those that a failed flush forgot
};

}  // namespace disk
