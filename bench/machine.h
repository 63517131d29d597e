#pragma once
// What single operations cost on this machine, beside what they cost where the reference figures were taken.

#include <string>
#include <vector>

#include "suite.h"

namespace bench {

/// One operation, in ns.
struct Price {
  std::string what;
  double here;
  double reference;
};

/// Measured now, in a tenth of a second; but the hand-over is that before the runs of all rows, and what waking a
/// thread costs is taken from W5, if that is among them.
[[nodiscard]] std::vector<Price> prices(const std::vector<Row>& rows);
/// "2 x Model, memory, kernel, compiler".
[[nodiscard]] std::string machine();

/// A rival's median on the reference machine: 2 x AMD EPYC under KVM, Debian 12.
struct Reference {
  std::string row;
  std::string who;
  double figure;
  std::vector<std::string> pays_for{};  // the prices its figure rests on
  std::string because{};                // a reason of its own to be worse here
};
[[nodiscard]] const std::vector<Reference>& references();

/// A rival beside its reference: how many times as fast (or as frugal) as there; and where that is below 0.8, the
/// prices it pays for that are at least a fifth higher here, with the hand-over before its own runs.
struct Beside {
  const Reference* reference;
  double here;
  double times;
  std::string reason;
};
/// Those of the rows that are there.
[[nodiscard]] std::vector<Beside> beside_references(const std::vector<Row>& rows, const std::vector<Price>& prices);

}  // namespace bench
