#pragma once
// errand run as a program under test, and a directory of its own for its commands. Everything waits for events, and
// gives up at a deadline.

#include <gtest/gtest.h>
#include <sys/types.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace errand::cli {

/// Far more than anything here takes, on a busy machine under a sanitizer too.
inline constexpr int kDeadlineSeconds = 120;

struct Ended {
  int exit_code = -1;  ///< or -1
  int signal = 0;      ///< that ended it, or 0
  std::string out{};
  std::string err{};
};

/// True as soon as `done` is, false at the deadline.
bool eventually(const std::function<bool()>& done);
/// The process is there, and no zombie.
bool is_alive(pid_t pid);
/// The letter that /proc has for the process, or 0.
char state_of(pid_t pid);
/// The signal was sent to the process, which has not taken it yet.
bool has_pending(pid_t pid, int signal);

/// One `errand run`. Killed if it still runs when this is destroyed.
class Program {
 public:
  enum class Console : unsigned char { pipes, terminal };

  /// Starts it in `directory` with these arguments. With a terminal, out() is what the terminal shows.
  Program(const std::string& directory, std::vector<std::string> arguments, Console console = Console::pipes);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  /// Into its standard input, or as keys on its terminal.
  void type(std::string_view text);
  void close_input();
  /// How many bytes of its standard output wait for prints() or end() to read them.
  [[nodiscard]] int unread() const;
  /// Nobody reads its standard output any more.
  void close_output();
  void send(int signal);
  /// To it and to all that have not left its process group, as a terminal does.
  void send_to_group(int signal);
  /// Reads until its output holds `text`; false at the deadline or at the end of the output.
  bool prints(std::string_view text);
  bool prints_error(std::string_view text);
  /// Closes the input, reads everything and waits for the end.
  Ended end();
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  bool read_until(const std::function<bool()>& done);

  pid_t pid_ = -1;
  int in_ = -1;
  int out_ = -1;
  int err_ = -1;
  Ended ended_{};
};

/// A directory for the commands, removed with all that is in it.
class RunTest : public testing::Test {
 protected:
  RunTest();
  ~RunTest() override;

  /// Runs to the end, with `input` on standard input.
  Ended run(std::vector<std::string> arguments, std::string_view input = {});
  [[nodiscard]] std::string path(std::string_view name) const { return directory_ + "/" + std::string(name); }
  [[nodiscard]] std::string content(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> lines(std::string_view name) const;
  void write(std::string_view name, std::string_view text) const;
  [[nodiscard]] bool exists(std::string_view name) const;
  /// Waits until the file is there and has a whole line; that line as a number.
  pid_t pid_in(std::string_view name) const;
  void make_fifo(std::string_view name) const;

  std::string directory_;
};

std::vector<std::string> split_lines(std::string_view text);

}  // namespace errand::cli
