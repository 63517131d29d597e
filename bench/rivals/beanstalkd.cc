// beanstalkd, in its own protocol.

#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <deque>
#include <string_view>
#include <thread>

#include "durable.h"
#include "rivals/child.h"
#include "rivals/rivals.h"

namespace bench::beanstalkd {

namespace {

using namespace std::chrono_literals;

Server server_at(const Place& place) {
  return {place, {"beanstalkd", "-b", ".", "-f0", "-l", "unix:socket"}, "socket"};
}

class Connection {
 public:
  explicit Connection(const Server& server) : socket_(connect_to(server.socket())) {
    demand(socket_ >= 0, "beanstalkd takes no connection");
  }
  ~Connection() { ::close(socket_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // The first line of the answer, without its end.
  std::string ask(const std::string& request) {
    demand(::send(socket_, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size()),
           "beanstalkd reads nothing");
    return line();
  }
  std::string line() {
    std::size_t end = 0;
    while ((end = read_.find("\r\n")) == std::string::npos) {
      char bytes[4096];
      const ssize_t got = ::recv(socket_, bytes, sizeof bytes, 0);
      demand(got > 0, "beanstalkd answers nothing");
      read_.append(bytes, static_cast<std::size_t>(got));
    }
    std::string line = read_.substr(0, end);
    read_.erase(0, end + 2);
    return line;
  }
  void put() { demand(ask(request_).starts_with("INSERTED "), "beanstalkd refuses a task"); }

 private:
  // Priority, delay, seconds that an attempt may take, and the size of the payload.
  const std::string request_ = "put 0 0 60 " + std::to_string(kPayload.size()) + "\r\n" + kPayload + "\r\n";
  const int socket_;
  std::string read_;
};

void is_kept(Connection& connection, std::uint64_t count) {
  demand(connection.ask("stats-tube default\r\n").starts_with("OK "), "beanstalkd tells no figures");
  const std::string figures = connection.line();  // one to a line, each of which ends as lines do elsewhere
  demand(figures.find("\ncurrent-jobs-ready: " + std::to_string(count) + "\n") != std::string::npos,
         "beanstalkd lost a task");
}

}  // namespace

std::string missing() {
  return is_in_path("beanstalkd") ? "" : "beanstalkd";
}

double enqueue(int threads, std::uint64_t count) {
  const Place place;
  const Server server = server_at(place);
  std::deque<Connection> connections;
  for (int i = 0; i < threads; ++i) connections.emplace_back(server);
  place.settle();
  const double rate = each_of(threads, count, [&](int i) { connections[static_cast<std::size_t>(i)].put(); });
  const auto all = static_cast<std::uint64_t>(threads);
  is_kept(connections.front(), count / all * all);
  return rate;
}

std::vector<double> latency(int count) {
  const Place place;
  const Server server = server_at(place);
  Connection producer(server);
  std::atomic<SteadyClock::time_point> called{};
  std::atomic<int> ended{0};
  std::vector<double> took;
  const int all = count + 10;  // the first ten don't count
  std::thread worker([&] {
    Connection connection(server);
    for (int i = 1; i <= all; ++i) {
      const std::string reserved = connection.ask("reserve\r\n");  // RESERVED, the id, and the size of the payload
      demand(reserved.starts_with("RESERVED ") && connection.line() == kPayload, "beanstalkd hands out no task");
      took.push_back(seconds_since(called.load()));
      const std::string id = reserved.substr(9, reserved.find(' ', 9) - 9);
      demand(connection.ask("delete " + id + "\r\n") == "DELETED", "beanstalkd does not complete a task");
      ended.store(i);
      ended.notify_one();
    }
  });
  place.settle();
  for (int i = 0; i < all; ++i) {
    std::this_thread::sleep_for(1ms);
    called.store(SteadyClock::now());
    producer.put();
    ended.wait(i);
  }
  worker.join();
  took.erase(took.begin(), took.begin() + 10);
  return in_us(took);
}

}  // namespace bench::beanstalkd
