#pragma once
// When, and in which form, a run says how far it has come.

#include "screen.h"
#include "tally.h"

#include <errand/clock.h>

namespace errand::cli {

/// A bar five times a second where a person looks on; elsewhere a line for the log, the first one after 30 s, and each
/// after twice as long as the one before, up to 10 minutes.
///
/// Threads: one.
class ProgressReport {
 public:
  enum class Form : unsigned char { bar, lines };

  ProgressReport(Form form, const Tally& tally, Screen& screen, SteadyTime start);
  /// Says how far the run has come if it is time to. Returns when it next will be.
  [[nodiscard]] SteadyTime step(SteadyTime now);

 private:
  const Form form_;
  const Tally& tally_;
  Screen& screen_;
  const SteadyTime start_;
  SteadyTime next_;
  Duration interval_;
};

}  // namespace errand::cli
