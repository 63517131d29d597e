#include "run.h"

#include "run/options.h"
#include "run/run_commands.h"

#include <CLI/CLI.hpp>
#include <iostream>

namespace errand::cli {

namespace {

constexpr int kMisused = 255;  // as GNU parallel has it
constexpr const char* kSummary = "Run a shell command for each line of input, many at once.";

constexpr const char* kFooter = R"(In the command:
  {}    the line, quoted for the shell; without any of these it is added at the end
  {.}   the line without its extension       {/}   without its directory
  {//}  its directory                        {/.}  without either
  {#}   its number, from 1
Without a command, each line is a command itself. Lines come from standard input, from --arg-file, or from
the words after ":::".

Durations are 500ms, 2s, 1m30s, 4h; a bare number is in seconds.

Examples:
  find . -name '*.log' | errand run -j 8 'gzip -9 {}'
  errand run -a commands.txt --retries 3 --timeout 10m --joblog run.log --resume
  errand run 'convert {} {.}.png' ::: *.svg

The first Ctrl-C lets running commands finish, the second one kills them.

Exit status: 0 if all commands succeeded; 1 to 100: so many failed; 101: more than that; 255: another error.
With --halt: that of the command that failed.)";

// The last one counts where an option is given again, so that an alias can be overruled.
template <class Value>
CLI::Option* add(CLI::App& app, const char* names, Value& value, const char* text, const char* type) {
  return app.add_option(names, value, text)->type_name(type)->take_last();
}

void add_options(CLI::App& app, RunArguments& given) {
  add(app, "-a,--arg-file", given.file, "read lines from FILE instead of standard input", "FILE");
  app.add_flag("-0,--null", given.null_separated, "lines end with NUL, as those of find -print0");
  add(app, "-j,--jobs", given.workers, "commands at once [one per usable CPU]", "NUMBER");
  add(app, "--retries", given.retries, "further attempts for a command that fails [0]", "NUMBER");
  add(app, "--backoff", given.backoff, "wait before the second attempt; doubles each time [1s]", "DURATION");
  add(app, "--timeout", given.timeout, "end an attempt that takes longer", "DURATION");
  add(app, "--kill-after", given.kill_after, "from SIGTERM to SIGKILL when ending one [5s]", "DURATION");
  add(app, "--delay", given.delay, "at least so long between two starts", "DURATION");
  add(app, "--halt", given.halt, "on the first failure: soon starts no more, now also kills", "never|soon|now");
  app.add_flag("-k,--keep-order", given.keep_order, "print output in the order of the lines");
  app.add_flag("--line-buffer", given.line_buffer, "print each line of output as it comes");
  app.add_flag("--json", given.json, "print a JSON object for each command that ended");
  add(app, "--joblog", given.joblog, "write a table of all attempts", "FILE");
  app.add_flag("--resume", given.resume, "skip what has succeeded by the joblog, and go on with it");
  app.add_flag("--dry-run", given.dry_run, "print the commands, run none");
  app.add_flag("-q,--quiet", given.quiet, "no progress, no word about single failures");
}

// CLI11 knows nothing of the words that follow the options here.
class Help : public CLI::Formatter {
 public:
  std::string make_usage(const CLI::App*, std::string) const override {
    return "Usage: errand run [OPTIONS] [COMMAND...] [::: ARGUMENT...]\n";
  }
};

int refuse(std::string_view reason) {
  std::cerr << "errand run: " << reason << "\nTry 'errand run --help'.\n";
  return kMisused;
}

}  // namespace

void list_run(CLI::App& app) {
  app.add_subcommand("run", kSummary);
}

int run_main(int argc, char** argv) {
  CLI::App app(kSummary, "errand run");
  app.formatter(std::make_shared<Help>());
  app.footer(kFooter);
  app.prefix_command();
  RunArguments given;
  add_options(app, given);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked_for_help) {
    return app.exit(asked_for_help);
  } catch (const CLI::ParseError& error) {
    return refuse(error.what());
  }
  given.words = app.remaining();
  if (!given.words.empty() && given.words.front() == "--") {
    given.words.erase(given.words.begin());
  } else if (!given.words.empty() && given.words.front().starts_with("-")) {
    return refuse("unknown option " + given.words.front());
  }
  const auto options = read_options(given);
  if (!options) return refuse(options.error().message());
  return run_commands(*options);
}

}  // namespace errand::cli
