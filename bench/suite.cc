#include "suite.h"

#include <algorithm>
#include <cstdio>

#include "measure.h"

namespace bench {

const Column* Row::find(const std::string& who) const {
  const auto found = std::find_if(columns.begin(), columns.end(), [&](const Column& c) { return c.who == who; });
  return found != columns.end() ? &*found : nullptr;
}

namespace {

// The rival whose median is best.
const Column* best_rival(const Row& row) {
  const Column* best = nullptr;
  for (const Column& column : row.columns) {
    if (&column == &row.columns.front() || column.limit) continue;
    const bool better = best == nullptr || (median(column.runs) > median(best->runs)) == row.more_is_better;
    if (better) best = &column;
  }
  return best;
}

}  // namespace

std::vector<double> ratios(const Column& of, const Column& to) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < of.runs.size(); ++i) ratios.push_back(of.runs[i] / to.runs[i]);
  return ratios;
}

std::optional<Verdict> judge(const Goal& goal, const std::vector<Row>& rows) {
  const auto row = std::find_if(rows.begin(), rows.end(), [&](const Row& r) { return r.workload == goal.row; });
  if (row == rows.end()) return std::nullopt;
  const Column* const who = row->find(goal.who);
  const Column* const against = goal.against == "best" ? best_rival(*row) : row->find(goal.against);
  if (who == nullptr || (against == nullptr && !goal.against.empty())) return std::nullopt;
  const std::vector<double> figures = against != nullptr ? ratios(*who, *against) : who->runs;
  Verdict verdict{&goal,
                  against != nullptr ? against->who : "",
                  median(figures),
                  quantile(figures, 0),
                  quantile(figures, 1),
                  goal.bound,
                  true};
  if (goal.far && row->hand_over >= kFar) verdict.bound = goal.far;
  if (goal.far && row->hand_over >= kContended) verdict.bound.reset();
  if (verdict.bound)
    verdict.met = row->more_is_better ? verdict.median >= *verdict.bound : verdict.median <= *verdict.bound;
  return verdict;
}

void Suite::measure(const std::string& workload, const std::string& unit, bool more_is_better,
                    std::vector<Contender> contenders) {
  std::vector<Several> several;
  for (Contender& contender : contenders) {
    several.push_back({contender.who, [run = std::move(contender.run)] { return std::vector<double>{run()}; },
                       contender.limit, contender.missing});
  }
  measure_several({{workload, unit, more_is_better, {}, 0}}, std::move(several));
}

bool Suite::leaves_out(const Several& contender) {
  if (contender.missing.empty()) return false;
  if (left_out_.insert(contender.who).second)
    std::fprintf(stderr, "errand_bench: without %s; install %s\n", contender.who.c_str(), contender.missing.c_str());
  return true;
}

void Suite::measure_several(std::vector<Row> wanted, std::vector<Several> contenders) {
  bool any = false;
  for (const Row& row : wanted) any = any || wants(row.workload);
  if (!any) return;
  std::erase_if(contenders, [this](const Several& contender) { return leaves_out(contender); });
  for (Row& row : wanted) {
    for (const Several& contender : contenders) row.columns.push_back({contender.who, {}, contender.limit});
  }
  std::vector<double> hand_overs;
  for (int run = 0; run < scale.runs; ++run) {
    std::fprintf(stderr, "\r\033[K%s, run %d of %d", wanted.front().workload.c_str(), run + 1, scale.runs);
    for (std::size_t i = 0; i < contenders.size(); ++i) {
      const std::size_t which = (i + static_cast<std::size_t>(run)) % contenders.size();
      hand_overs.push_back(hand_over_ns(scale.size >= 1 ? 20'000 : 200));
      const std::vector<double> figures = contenders[which].run();
      for (std::size_t row = 0; row < wanted.size(); ++row) wanted[row].columns[which].runs.push_back(figures.at(row));
    }
  }
  std::fprintf(stderr, "\r\033[K");
  for (Row& row : wanted) {
    row.hand_over = median(hand_overs);
    rows.push_back(std::move(row));
  }
}

}  // namespace bench
