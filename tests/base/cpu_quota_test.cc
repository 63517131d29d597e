#include "base/cpu_quota.h"

#include <gtest/gtest.h>

#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace errand {
namespace {

// A machine's /proc and /sys, as far as they are written here.
class CpuQuota : public testing::Test {
 protected:
  CpuQuota() : root_(testing::TempDir() + "cpu-quota-XXXXXX") {
    if (::mkdtemp(root_.data()) == nullptr) ADD_FAILURE() << "no folder " << root_;
  }
  ~CpuQuota() override { std::filesystem::remove_all(root_); }

  void write(const std::string& path, const std::string& text) const {
    const std::filesystem::path file = root_ + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  [[nodiscard]] std::optional<double> quota() const { return cpu_quota(root_); }

 private:
  std::string root_;
};

TEST_F(CpuQuota, IsNoneWhereNothingIsWritten) {
  EXPECT_EQ(quota(), std::nullopt);
  write("/proc/self/cgroup", "0::/user.slice\n");
  EXPECT_EQ(quota(), std::nullopt);
  write("/sys/fs/cgroup/user.slice/cpu.max", "max 100000\n");
  EXPECT_EQ(quota(), std::nullopt);
}

TEST_F(CpuQuota, IsTheSmallestAlongThePath) {
  write("/proc/self/cgroup", "0::/system.slice/press.service/worker\n");
  write("/sys/fs/cgroup/system.slice/press.service/worker/cpu.max", "max 100000\n");
  write("/sys/fs/cgroup/system.slice/other.service/cpu.max", "10000 100000\n");
  EXPECT_EQ(quota(), std::nullopt);
  write("/sys/fs/cgroup/system.slice/cpu.max", "400000 100000\n");
  EXPECT_EQ(quota(), 4.0);
  write("/sys/fs/cgroup/system.slice/press.service/cpu.max", "75000 50000\n");
  EXPECT_EQ(quota(), 1.5);
  write("/sys/fs/cgroup/system.slice/press.service/worker/cpu.max", "200000 100000\n");
  EXPECT_EQ(quota(), 1.5);
}

TEST_F(CpuQuota, IsTheTopmostGroupsInAContainer) {
  write("/sys/fs/cgroup/cpu.max", "300000 100000\n");
  write("/proc/self/cgroup", "0::/\n");
  EXPECT_EQ(quota(), 3.0) << "which calls its own group the topmost";
  write("/proc/self/cgroup", "0::/docker/4f1c\n");
  EXPECT_EQ(quota(), 3.0) << "which shows the path outside";
  write("/proc/self/cgroup", "0::/../sibling\n");
  EXPECT_EQ(quota(), 3.0) << "which the process was moved out of";
}

TEST_F(CpuQuota, IsFoundInVersionOne) {
  write("/proc/self/cgroup", "5:cpuset:/elsewhere\n4:cpu,cpuacct:/batch/night\n0::/\n");
  write("/sys/fs/cgroup/cpu/elsewhere/cpu.cfs_quota_us", "10000\n");
  write("/sys/fs/cgroup/cpu/elsewhere/cpu.cfs_period_us", "100000\n");
  write("/sys/fs/cgroup/cpu/batch/night/cpu.cfs_quota_us", "-1\n");
  write("/sys/fs/cgroup/cpu/batch/night/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(quota(), std::nullopt);
  write("/sys/fs/cgroup/cpu/batch/cpu.cfs_quota_us", "250000\n");
  write("/sys/fs/cgroup/cpu/batch/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(quota(), 2.5);
}

TEST_F(CpuQuota, IsNotMadeOfNonsense) {
  write("/proc/self/cgroup", "nonsense\n0:\n\n0::no/slash\n");
  write("/sys/fs/cgroup/cpu.max", "100000 0\n");
  EXPECT_EQ(quota(), std::nullopt);
  write("/sys/fs/cgroup/cpu.max", "lots");
  EXPECT_EQ(quota(), std::nullopt);
}

}  // namespace
}  // namespace errand
