// errand: the command. Each subcommand lives in files of its own, and only registers itself here.

#include "cron.h"
#include "run.h"

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstring>
#include <iostream>

namespace {

// "errand cron", as far as the line was understood.
std::string name_of(const CLI::App& app) {
  std::string name = app.get_name();
  for (const CLI::App* subcommand : app.get_subcommands()) name += " " + subcommand->get_name();
  return name;
}

// The exit code, but `if_lost` in place of 0 where what was printed did not get out, as on a full disk.
int checked(int exit_code, int if_lost, const std::string& name) {
  errno = 0;
  std::cout.flush();
  if (std::cout) return exit_code;
  std::cerr << name << ": write to standard output" << (errno != 0 ? std::string(": ") + std::strerror(errno) : "")
            << "\n";
  return exit_code != 0 ? exit_code : if_lost;
}

}  // namespace

int main(int argc, char** argv) {
  // Its words are the user's own command, and none of ours.
  if (argc > 1 && std::string_view(argv[1]) == "run") {
    return checked(errand::cli::run_main(argc - 1, argv + 1), 255, "errand run");
  }
  CLI::App app("Background tasks for C++.", "errand");
  app.set_version_flag("--version", std::string("errand ") + ERRAND_VERSION);
  app.require_subcommand(1);
  int exit_code = 0;
  errand::cli::add_cron(app, exit_code);
  errand::cli::list_run(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked_for_help) {
    return checked(app.exit(asked_for_help), 1, name_of(app));
  } catch (const CLI::ParseError& error) {
    const bool unknown = app.get_subcommands().empty() && argc > 1 && argv[1][0] != '-';
    std::cerr << name_of(app) << ": " << (unknown ? "unknown command " + std::string(argv[1]) : error.what())
              << "\nTry '" << name_of(app) << " --help'.\n";
    return 2;
  }
  return checked(exit_code, 1, name_of(app));
}
