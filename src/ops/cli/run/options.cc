#include "options.h"

#include "duration.h"

#include <algorithm>
#include <charconv>

namespace errand::cli {

namespace {

constexpr int kMostWorkers = 1024;
constexpr int kMostRetries = 10'000;

Error wrong(std::string_view option, std::string_view expected, std::string_view got) {
  std::string message(option);
  message.append(": expected ").append(expected).append(", got \"").append(got).append("\"");
  return Error(Code::invalid, std::move(message));
}

Error clash(std::string_view option, std::string_view other) {
  std::string message(option);
  message.append(": does not go together with ").append(other);
  return Error(Code::invalid, std::move(message));
}

std::optional<int> whole_number(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

Result<void> read_workers(const RunArguments& given, RunOptions& options) {
  if (!given.workers) return {};
  options.workers = whole_number(*given.workers);
  if (options.workers && *options.workers >= 1 && *options.workers <= kMostWorkers) return {};
  return wrong("--jobs", "1 to " + std::to_string(kMostWorkers), *given.workers);
}

Result<void> read_retries(const RunArguments& given, RunOptions& options) {
  if (!given.retries) return {};
  const auto number = whole_number(*given.retries);
  if (!number || *number < 0 || *number > kMostRetries) {
    return wrong("--retries", "0 to " + std::to_string(kMostRetries), *given.retries);
  }
  options.retries = *number;
  return {};
}

Result<void> read_halt(const RunArguments& given, RunOptions& options) {
  if (!given.halt) return {};
  if (*given.halt == "never") return {};
  if (*given.halt != "soon" && *given.halt != "now") return wrong("--halt", "never, soon or now", *given.halt);
  options.halt = *given.halt == "now" ? HaltOn::now : HaltOn::soon;
  return {};
}

// Reads a duration into `target`, which is a Duration or an optional one.
template <class Target>
Result<void> read_duration(std::string_view option, const std::optional<std::string>& given, Target& target) {
  if (!given) return {};
  const auto duration = parse_duration(*given);
  if (!duration) return Error(Code::invalid, std::string(option) + ": " + duration.error().message());
  target = *duration;
  return {};
}

Result<void> read_durations(const RunArguments& given, RunOptions& options) {
  if (auto r = read_duration("--backoff", given.backoff, options.backoff); !r) return r;
  if (auto r = read_duration("--timeout", given.timeout, options.timeout); !r) return r;
  if (auto r = read_duration("--kill-after", given.kill_after, options.kill_after); !r) return r;
  if (auto r = read_duration("--delay", given.delay, options.delay); !r) return r;
  if (options.timeout == Duration::zero()) return wrong("--timeout", "more than 0", *given.timeout);
  return {};
}

// The words up to ":::" are the template, joined by spaces as a shell would see them; those behind it are lines.
Result<void> read_words(const RunArguments& given, RunOptions& options) {
  const auto split = std::ranges::find(given.words, ":::");
  for (auto word = given.words.begin(); word != split; ++word) {
    options.command.append(word == given.words.begin() ? "" : " ").append(*word);
  }
  if (split == given.words.end()) return {};
  options.arguments.emplace(split + 1, given.words.end());
  if (std::ranges::find(*options.arguments, ":::") != options.arguments->end()) {
    return Error(Code::invalid, "::: given twice; one list of arguments is possible");
  }
  return {};
}

Result<void> check_combinations(const RunOptions& options) {
  if (options.arguments && options.file) return clash("--arg-file", ":::");
  if (options.joblog == "-")
    return Error(Code::invalid, "--joblog: expected a file of its own, got - (standard output)");
  if (options.resume && !options.joblog) return Error(Code::invalid, "--resume: needs --joblog FILE");
  if (options.line_buffer && options.keep_order) return clash("--line-buffer", "--keep-order");
  if (options.line_buffer && options.json) return clash("--line-buffer", "--json");
  return {};
}

}  // namespace

Result<RunOptions> read_options(const RunArguments& given) {
  RunOptions options;
  options.file = given.file;
  options.joblog = given.joblog;
  options.resume = given.resume;
  options.keep_order = given.keep_order;
  options.line_buffer = given.line_buffer;
  options.json = given.json;
  options.dry_run = given.dry_run;
  options.null_separated = given.null_separated;
  options.quiet = given.quiet;
  for (const auto read : {read_workers, read_retries, read_halt, read_durations, read_words}) {
    if (auto r = read(given, options); !r) return r.error();
  }
  if (auto r = check_combinations(options); !r) return r.error();
  return options;
}

}  // namespace errand::cli
