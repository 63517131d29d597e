#include "progress.h"

#include "duration.h"

#include <algorithm>

namespace errand::cli {

namespace {

constexpr int kBar = 20;  // columns inside the brackets

std::string count(const Figures& figures, std::string_view of) {
  std::string text = std::to_string(figures.settled);
  if (figures.all_read) text.append(of).append(std::to_string(figures.submitted));
  return text;
}

}  // namespace

std::optional<double> share_done(const Figures& figures) {
  const double settled = static_cast<double>(figures.settled);
  const double submitted = static_cast<double>(figures.submitted);
  if (figures.submitted == 0) return figures.all_read ? std::optional(1.0) : std::nullopt;
  if (figures.all_read) return settled / submitted;
  if (!figures.share_read) return std::nullopt;
  return *figures.share_read * settled / submitted;
}

std::optional<Duration> time_left(const Figures& figures, Duration elapsed) {
  const auto share = share_done(figures);
  if (!share || *share <= 0) return std::nullopt;
  const double left = static_cast<double>(elapsed.count()) * (1 - *share) / *share;
  constexpr double kYear = 365.0 * 86'400e9;
  return Duration(static_cast<Duration::rep>(std::min(left, kYear)));
}

std::string progress_bar(const Figures& figures, Duration elapsed, int width) {
  std::string bar;
  if (const auto share = share_done(figures)) {
    const int filled = std::clamp(static_cast<int>(*share * kBar), 0, kBar);
    const std::string percent = std::to_string(static_cast<int>(*share * 100));
    bar = "[" + std::string(static_cast<std::size_t>(filled), '#') +
          std::string(static_cast<std::size_t>(kBar - filled), '-') + "] " +
          std::string(3 - std::min<std::size_t>(3, percent.size()), ' ') + percent + "%  ";
  }
  bar += count(figures, "/") + "  " + std::to_string(figures.running) + " running";
  if (figures.failed > 0) bar += "  " + std::to_string(figures.failed) + " failed";
  if (const auto left = time_left(figures, elapsed)) bar += "  ETA " + rough_text(*left);
  // The last column stays free: some terminals wrap as soon as it is filled.
  return bar.substr(0, static_cast<std::size_t>(std::max(width - 1, 0)));
}

std::string progress_line(const Figures& figures, Duration elapsed) {
  std::string line = count(figures, " of ") + " done, " + std::to_string(figures.running) + " running";
  if (figures.failed > 0) line += ", " + std::to_string(figures.failed) + " failed";
  if (const auto left = time_left(figures, elapsed)) line += ", " + rough_text(*left) + " left";
  return line;
}

}  // namespace errand::cli
