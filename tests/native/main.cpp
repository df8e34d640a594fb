// Random programs of threads that launch, nest, wait, set their counts, fork and end, from a seed,
// on a real OpenMP runtime and without Python, for sanitizers to look at.
//
//   native_tests --runtime libomp.so.5 --other-runtime libgomp.so.1 --seed 1 --seconds 10
//                --forks none|bare|launching
//
// One generation of threads follows the other; the other runtime comes beside the second one. The
// process ends with the first promise that does not hold.
#include <dlfcn.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "forks.h"
#include "history.h"
#include "launches.h"
#include "module/fork.h"
#include "openmp/runtime.h"
#include "random.h"
#include "settings.h"
#include "steps.h"
#include "watch.h"

namespace {

using namespace native;
using Clock = std::chrono::steady_clock;

constexpr unsigned kSecondsOfStep = 60;

struct Options {
  const char* runtime = "libgomp.so.1";
  const char* other_runtime = nullptr;
  unsigned long seed = 1;
  unsigned long seconds = 5;
};

[[noreturn]] void refuse(const char* name, const char* value) {
  std::fprintf(stderr, "%s %s: see the first lines of main.cpp\n", name, value);
  std::exit(2);
}

Forks forks_of(const char* value) {
  if (std::strcmp(value, "none") == 0) return Forks::kNone;
  if (std::strcmp(value, "bare") == 0) return Forks::kBare;
  if (std::strcmp(value, "launching") == 0) return Forks::kLaunching;
  refuse("--forks", value);
}

Options options_of(int count, char** arguments) {
  Options options;
  for (int i = 1; i + 1 < count; i += 2) {
    const char* const name = arguments[i];
    const char* const value = arguments[i + 1];
    if (std::strcmp(name, "--runtime") == 0) {
      options.runtime = value;
    } else if (std::strcmp(name, "--other-runtime") == 0) {
      options.other_runtime = value;
    } else if (std::strcmp(name, "--seed") == 0) {
      options.seed = std::strtoul(value, nullptr, 10);
    } else if (std::strcmp(name, "--seconds") == 0) {
      options.seconds = std::strtoul(value, nullptr, 10);
    } else if (std::strcmp(name, "--forks") == 0) {
      set_forks(forks_of(value));
    } else {
      refuse(name, value);
    }
  }
  return options;
}

void* open_library(const char* name) {
  void* const library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) refuse(name, dlerror());
  return library;
}

// As the Python side does at the first launch.
void begin(const char* library) {
  ompsafe::handle_forks(true, false, nullptr);
  const char* missing = nullptr;
  const ompsafe::Runtime* const runtime = ompsafe::Runtime::open(open_library(library), &missing);
  if (runtime == nullptr) refuse(library, missing);
  ompsafe::Runtime::bind(runtime);
}

long run_generation(Random& random, const char* library_that_comes) {
  std::vector<std::thread> threads;
  // Now and then more than can post launches at once.
  const int many = random.once_in(50) ? 80 : random.between(1, 6);
  threads.reserve(many);
  for (int i = 0; i < many; ++i) threads.emplace_back(live, Random(random.next()));
  if (library_that_comes != nullptr) open_library(library_that_comes);
  if (random.once_in(2)) live(Random(random.next()));
  for (std::thread& thread : threads) thread.join();
  return static_cast<long>(threads.size());
}

}  // namespace

int main(int count, char** arguments) {
  const Options options = options_of(count, arguments);
  begin(options.runtime);
  watch(kSecondsOfStep);
  check_time_of_a_launch_in_one_piece();
  Random random(options.seed);
  long threads = 0, generation = 0;
  const auto end = Clock::now() + std::chrono::seconds(options.seconds);
  do {
    set_for_process(random);
    threads += run_generation(random, ++generation == 2 ? options.other_runtime : nullptr);
  } while (Clock::now() < end);
  std::printf("%ld launches, %ld forks, %ld threads\n", launches(), forks(), threads);
}
