#pragma once
// errand run: shell commands as tasks.

namespace CLI {
class App;
}

namespace errand::cli {

/// Says in the help of the whole command that there is a `run`.
void list_run(CLI::App& app);

/// The subcommand, with an argument list of its own that starts at the word "run": all that follows its options belongs
/// to the user's command, whatever it looks like. Returns the exit code.
[[nodiscard]] int run_main(int argc, char** argv);

}  // namespace errand::cli
