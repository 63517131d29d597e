#pragma once
// A suite: workloads, contenders that take turns at each, and goals as ratios between them.

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace bench {

/// How much work, and which: tests use less.
struct Scale {
  double size = 1;
  int runs = 5;
  std::string only{};   // workloads whose names begin with this
  std::string alone{};  // the one contender to run, in a process that is there for it: see apart.h

  [[nodiscard]] std::uint64_t of(double count) const {
    const double scaled = count * size;
    return static_cast<std::uint64_t>(scaled < 1000 ? 1000 : scaled);
  }
};

/// One contender's figures in a workload, one for each run.
struct Column {
  std::string who;
  std::vector<double> runs{};
  bool limit = false;                // what the machine allows, at most: no rival
  std::vector<double> hand_overs{};  // ns, before each run; none where nothing goes from core to core
};

/// The first column is errand's.
struct Row {
  std::string workload;
  std::string unit;
  bool more_is_better = true;
  std::vector<Column> columns{};

  [[nodiscard]] const Column* find(const std::string& who) const;
  /// Of all columns.
  [[nodiscard]] std::vector<double> hand_overs() const;
};

/// How far apart the cores are: what passes between them takes below 100 ns, longer, or 270 ns and more. On a virtual
/// machine that changes within seconds.
enum class Cores { near, far, contended };
inline constexpr double kFar = 100;
inline constexpr double kContended = 270;
[[nodiscard]] Cores cores_at(double hand_over);
[[nodiscard]] const char* name_of(Cores cores);

/// Of a figure on its own, or of the ratio of one column to another, taken in pairs of one run: the median has to be at
/// least so much where more is better, else at most.
struct Goal {
  std::string row;
  std::string who = "errand";
  std::string against{};  // a column; "best": whichever rival's median is best; empty: none, the figure itself
  double bound = 0;
  std::optional<double>
      far{};  // where set: that of the runs with far cores; `bound` then is that of those with near ones
  std::optional<double> stretch{};  // of runs with contended cores, where such a one is named: it is only shown
};

/// The runs of a goal for which one bound holds.
struct Window {
  std::optional<Cores> cores;   // unset: all of them, wherever the cores were
  std::vector<double> figures;  // or ratios
  std::optional<double> bound;  // unset: these do not count, since the cores were contended
  bool met;                     // where there is a bound, and there are figures
};
/// What became of a goal: `met` in each window that counts and has runs, `contended` where none does, which says
/// nothing. Where one of two bounds had runs, and the other one none,
/// that one's window is there without figures.
enum class Outcome { met, missed, contended, not_measured };
[[nodiscard]] const char* name_of(Outcome outcome);
struct Verdict {
  const Goal* goal;
  std::string against;  // the column meant; empty: none
  std::vector<Window> windows;
  Outcome outcome;
};
/// The goal's row, and whom it is about: "W1 1 producer, 1 worker, against moodycamel".
[[nodiscard]] std::string name_of(const Verdict& verdict);
/// One column's figures over another's, run by run.
[[nodiscard]] std::vector<double> ratios(const Column& of, const Column& to);
[[nodiscard]] Verdict judge(const Goal& goal, const std::vector<Row>& rows);

struct Contender {
  std::string who;
  std::function<double()> run;
  bool limit = false;
  std::string missing{};  // what has to be installed first; such a contender is left out, which standard error says
};

class Suite {
 public:
  explicit Suite(Scale scale) : scale(std::move(scale)) {}

  [[nodiscard]] bool wants(const std::string& workload) const {
    return workload.compare(0, scale.only.size(), scale.only) == 0;
  }
  /// Lets the contenders take turns: each run goes through all of them, and begins with the next one.
  void measure(const std::string& workload, const std::string& unit, bool more_is_better,
               std::vector<Contender> contenders);
  /// The same where one run gives several figures; `rows` without their columns.
  struct Several {
    std::string who;
    std::function<std::vector<double>()> run;
    bool limit = false;
    std::string missing{};
  };
  void measure_several(std::vector<Row> rows, std::vector<Several> contenders);
  /// The same, each run in a process of its own: for what is left in a process, and counts.
  void measure_apart(std::vector<Row> rows, std::vector<Several> contenders);

  const Scale scale;
  std::vector<Row> rows;

 private:
  [[nodiscard]] bool leaves_out(const Several& contender);

  std::set<std::string> left_out_;  // whose absence was told of
};

// The workloads of the memory tier, in their own files.
void throughput(Suite& suite);  // W1, W3
void handles(Suite& suite);     // W2
void tree(Suite& suite);        // W4
void latency(Suite& suite);     // W5
void fairness(Suite& suite);    // urgent tasks under load
void status(Suite& suite);      // questions meanwhile
void timers(Suite& suite);      // W6
void memory(Suite& suite);      // W7, W8, idle

[[nodiscard]] const std::vector<Goal>& memory_goals();

// Those of the durable tier, on SQLite.
void enqueuing(Suite& suite);   // D1 to D3
void working(Suite& suite);     // D4
void starting(Suite& suite);    // D5
void backlog(Suite& suite);     // D6
void slow_disk(Suite& suite);   // D7
void idle_store(Suite& suite);  // nothing to do

[[nodiscard]] const std::vector<Goal>& durable_goals();

}  // namespace bench
