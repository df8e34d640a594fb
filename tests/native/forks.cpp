#include "forks.h"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "failure.h"
#include "launches.h"
#include "module/fork.h"
#include "watch.h"

namespace native {
namespace {

std::atomic<Forks> kind{Forks::kLaunching};
std::atomic<long> count{0};

[[noreturn]] void live_as_child(std::uint64_t seed) {
  watch_child();
  Random random(seed);
  for (int i = random.between(1, 4); i > 0; --i) launch(random, kDepth);
  if (random.once_in(2)) std::thread([&random] { launch(random, kDepth); }).join();
  if (random.once_in(4)) fork_and_launch(random);
  _exit(0);
}

}  // namespace

void fork_and_launch(Random& random) {
  if (kind == Forks::kNone) return;
  const Step step("a fork");
  ++count;
  const std::uint64_t seed = random.next();
  // As os.fork does.
  ompsafe::before_fork();
  const pid_t child = fork();
  if (child == 0 && kind == Forks::kBare) _exit(0);
  if (child == 0) live_as_child(seed);
  ompsafe::after_fork_in_parent();
  if (child < 0) fail("a fork", child, 0);
  int status = 0;
  expect_equal("the child that ended", waitpid(child, &status, 0), child);
  expect_equal("a child's status", status, 0);
}

void set_forks(Forks wanted) { kind = wanted; }

long forks() { return count; }

}  // namespace native
