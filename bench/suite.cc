#include "suite.h"

#include <algorithm>
#include <cstdio>
#include <map>

#include "apart.h"
#include "measure.h"

namespace bench {

const Column* Row::find(const std::string& who) const {
  const auto found = std::find_if(columns.begin(), columns.end(), [&](const Column& c) { return c.who == who; });
  return found != columns.end() ? &*found : nullptr;
}

std::vector<double> Row::hand_overs() const {
  std::vector<double> all;
  for (const Column& column : columns) all.insert(all.end(), column.hand_overs.begin(), column.hand_overs.end());
  return all;
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

Cores cores_at(double hand_over) {
  return hand_over >= kContended ? Cores::contended : hand_over >= kFar ? Cores::far : Cores::near;
}

const char* name_of(Cores cores) {
  return cores == Cores::near ? "near" : cores == Cores::far ? "far" : "contended";
}

const char* name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::met:
      return "met";
    case Outcome::missed:
      return "missed";
    case Outcome::contended:
      return "contended: measure again";
    case Outcome::not_measured:
      return "not measured";
  }
  return "";
}

std::string name_of(const Verdict& verdict) {
  return verdict.goal->row + (verdict.goal->who == "errand" ? "" : ", " + verdict.goal->who) +
         (verdict.against.empty() ? "" : ", against " + verdict.against);
}

namespace {

// Where the cores were in a run. The two sides of a ratio had a hand-over each, and the longer one counts: so both were
// near where the ratio is said to be, and a rival that was held up helps nobody to a goal.
Cores cores_in(std::size_t run, const Column& who, const Column* against) {
  const double own = who.hand_overs.at(run);
  return cores_at(against != nullptr ? std::max(own, against->hand_overs.at(run)) : own);
}

Window window(std::optional<Cores> cores, std::vector<double> figures, std::optional<double> bound, bool more) {
  const bool met = bound && !figures.empty() && (more ? median(figures) >= *bound : median(figures) <= *bound);
  return {cores, std::move(figures), bound, met};
}

Outcome outcome_of(const std::vector<Window>& windows) {
  Outcome outcome = Outcome::contended;
  for (const Window& one : windows) {
    if (!one.bound || one.figures.empty()) continue;
    if (!one.met) return Outcome::missed;
    outcome = Outcome::met;
  }
  return outcome;
}

}  // namespace

Verdict judge(const Goal& goal, const std::vector<Row>& rows) {
  Verdict verdict{&goal, goal.against, {}, Outcome::not_measured};
  const auto row = std::find_if(rows.begin(), rows.end(), [&](const Row& r) { return r.workload == goal.row; });
  if (row == rows.end()) return verdict;
  const Column* const who = row->find(goal.who);
  const Column* const against = goal.against == "best" ? best_rival(*row) : row->find(goal.against);
  if (who == nullptr || (against == nullptr && !goal.against.empty())) return verdict;
  if (against != nullptr) verdict.against = against->who;
  const std::vector<double> figures = against != nullptr ? ratios(*who, *against) : who->runs;
  if (!goal.far) {
    verdict.windows = {window({}, figures, goal.bound, row->more_is_better)};
  } else {
    std::map<Cores, std::vector<double>> apart;
    for (std::size_t run = 0; run < figures.size(); ++run) apart[cores_in(run, *who, against)].push_back(figures[run]);
    // Where one of two bounds was put to the test, the other one is shown to be open.
    if (goal.bound != *goal.far && (apart.contains(Cores::near) || apart.contains(Cores::far))) {
      apart[Cores::near];
      apart[Cores::far];
    }
    for (auto& [cores, some] : apart) {
      // When the cores are contended the ratio says what the neighbours did: it is shown, and decides nothing.
      const auto bound = cores == Cores::near  ? std::optional(goal.bound)
                         : cores == Cores::far ? goal.far
                                               : std::nullopt;
      verdict.windows.push_back(window(cores, std::move(some), bound, row->more_is_better));
    }
  }
  verdict.outcome = outcome_of(verdict.windows);
  return verdict;
}

void Suite::measure(const std::string& workload, const std::string& unit, bool more_is_better,
                    std::vector<Contender> contenders) {
  std::vector<Several> several;
  for (Contender& contender : contenders) {
    several.push_back({contender.who, [run = std::move(contender.run)] { return std::vector<double>{run()}; },
                       contender.limit, contender.missing});
  }
  measure_several({{workload, unit, more_is_better}}, std::move(several));
}

void Suite::measure_apart(std::vector<Row> wanted, std::vector<Several> contenders) {
  if (!scale.alone.empty()) {
    std::erase_if(contenders, [this](const Several& contender) { return contender.who != scale.alone; });
  } else {
    for (Several& contender : contenders) {
      contender.run = [workload = wanted.front().workload, who = contender.who, size = scale.size] {
        return run_apart(workload, who, size);
      };
    }
  }
  measure_several(std::move(wanted), std::move(contenders));
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
    for (const Several& contender : contenders) row.columns.push_back({contender.who, {}, contender.limit, {}});
  }
  for (int run = 0; run < scale.runs; ++run) {
    if (scale.alone.empty())
      std::fprintf(stderr, "\r\033[K%s, run %d of %d", wanted.front().workload.c_str(), run + 1, scale.runs);
    for (std::size_t i = 0; i < contenders.size(); ++i) {
      const std::size_t which = (i + static_cast<std::size_t>(run)) % contenders.size();
      const double hand_over = hand_over_ns(scale.size >= 1 ? 20'000 : 200);
      const std::vector<double> figures = contenders[which].run();
      for (std::size_t row = 0; row < wanted.size(); ++row) {
        wanted[row].columns[which].runs.push_back(figures.at(row));
        wanted[row].columns[which].hand_overs.push_back(hand_over);
      }
    }
  }
  if (scale.alone.empty()) std::fprintf(stderr, "\r\033[K");
  for (Row& row : wanted) rows.push_back(std::move(row));
}

}  // namespace bench
