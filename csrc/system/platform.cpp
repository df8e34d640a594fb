#include "system/platform.h"

#include <dlfcn.h>
#include <link.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <string_view>

#include "system/memory.h"

namespace ompsafe::platform {
namespace {

struct StartedThread {
  void (*body)(void*);
  void* argument;
};

// A signal that stands for a fault of the thread itself is not blocked: blocking it would turn
// faulthandler's report into a silent death.
void all_signals_but_faults(sigset_t* set) {
  sigfillset(set);
  for (int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS}) {
    sigdelset(set, fault);
  }
}

// The new thread inherits the signal mask, so it is set before and restored after.
bool create_thread(pthread_t* thread, const pthread_attr_t* attributes, void* (*entry)(void*),
                   void* argument) {
  sigset_t blocked, previous;
  all_signals_but_faults(&blocked);
  pthread_sigmask(SIG_SETMASK, &blocked, &previous);
  const bool created = pthread_create(thread, attributes, entry, argument) == 0;
  pthread_sigmask(SIG_SETMASK, &previous, nullptr);
  return created;
}

void* run_started(void* started) {
  const StartedThread thread = *static_cast<StartedThread*>(started);
  std::free(started);
  thread.body(thread.argument);
  return nullptr;
}

void* run_and_return(void* started) {
  const StartedThread* thread = static_cast<StartedThread*>(started);
  thread->body(thread->argument);
  return nullptr;
}

struct WaitingThread {
  const std::atomic<bool>* may_end;
  pthread_t thread;
  pid_t id;
};

// glibc has functions for this call and for tgkill from 2.30 on.
pid_t thread_id() { return static_cast<pid_t>(syscall(SYS_gettid)); }

void* wait_until_it_may_end(void* argument) {
  WaitingThread* self = static_cast<WaitingThread*>(argument);
  self->id = thread_id();
  self->may_end->wait(false);
  return nullptr;
}

// A thread that was joined counts against the limits until the kernel has released it, a few
// microseconds later, or once it has a core again. Not by yielding: beside busy processes that
// takes milliseconds. The bound is for who is traced: then the tracer has to let it go first.
void wait_until_released(pid_t id) {
  constexpr int kAtOnce = 64, kAll = 2'000;
  constexpr timespec kMoment{0, 10'000};
  for (int look = 0; look < kAll; ++look) {
    if (syscall(SYS_tgkill, getpid(), id, 0) != 0 && errno == ESRCH) return;
    if (look >= kAtOnce) nanosleep(&kMoment, nullptr);
  }
}

std::int64_t nanoseconds_of(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return now.tv_sec * std::int64_t{1000000000} + now.tv_nsec;
}

// Calls visit(line) for the lines of a file of the kernel's, until it returns false. False where
// that file cannot be read: there is none, no memory, or no descriptor for it.
template <typename Visit>
bool for_each_line(const char* path, Visit visit) {
  std::FILE* file = std::fopen(path, "re");
  if (file == nullptr) return false;
  char* line = nullptr;
  std::size_t size = 0;
  bool more = true;
  while (more && getline(&line, &size, file) > 0) more = visit(line);
  const bool read = !more || std::feof(file) != 0;
  std::free(line);
  std::fclose(file);
  return read;
}

constexpr int kBitsOfWord = CHAR_BIT * sizeof(Cores::value_type);

Cores cores_of(pid_t thread) {
  Cores cores{};
  sched_getaffinity(thread, sizeof cores, reinterpret_cast<cpu_set_t*>(cores.data()));
  return cores;
}

}  // namespace

std::int64_t clock_ns() { return nanoseconds_of(CLOCK_MONOTONIC); }

std::int64_t thread_cpu_ns() { return nanoseconds_of(CLOCK_THREAD_CPUTIME_ID); }

std::int64_t thread_waits() {
  rusage usage;
  getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_nvcsw;
}

std::int64_t coarse_clock_ns() { return nanoseconds_of(CLOCK_MONOTONIC_COARSE); }

std::uint64_t code_mapped() {
  unsigned long long kilobytes = 0;
  for_each_line("/proc/self/status", [&](const char* line) {
    std::sscanf(line, "VmSize: %llu", &kilobytes);
    return std::sscanf(line, "VmLib: %llu", &kilobytes) != 1;
  });
  return kilobytes;
}

bool for_each_mapped_file_named(std::string_view prefix, void (*visit)(const char*, void*),
                                void* argument) {
  return for_each_line("/proc/self/maps", [&](char* line) {
    char* path = std::strchr(line, '/');
    if (path == nullptr) return true;
    if (std::string_view(std::strrchr(path, '/') + 1).starts_with(prefix)) {
      path[std::strcspn(path, "\n")] = '\0';
      visit(path, argument);
    }
    return true;
  });
}

void* loaded_library(const char* name) { return dlopen(name, RTLD_NOW | RTLD_NOLOAD); }

void* load_library(const char* name, const char** reason) {
  void* library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) *reason = dlerror();
  return library;
}

void* global_scope() { return dlopen(nullptr, RTLD_NOW); }

void* symbol_in(void* library, const char* symbol) { return dlsym(library, symbol); }

const char* library_of(const void* address) {
  Dl_info info;
  return dladdr(address, &info) == 0 ? nullptr : info.dli_fname;
}

void* library_with(void* library, const char* symbol) {
  const char* path = library_of(symbol_in(library, symbol));
  return path == nullptr ? nullptr : loaded_library(path);
}

bool thread_local_storage_in_use(void* library) {
  void* data = nullptr;
  return dlinfo(library, RTLD_DI_TLS_DATA, &data) == 0 && data != nullptr;
}

bool is_main_thread() { return thread_id() == getpid(); }

void add_core(Cores& cores, int core) {
  if (core < kMostCores) cores[core / kBitsOfWord] |= 1UL << core % kBitsOfWord;
}

bool has_core(const Cores& cores, int core) {
  return (cores[core / kBitsOfWord] >> core % kBitsOfWord & 1) != 0;
}

Cores cores_of_main_thread() { return cores_of(getpid()); }

Cores cores_of_this_thread() { return cores_of(0); }

void use_cores(const Cores& cores) {
  sched_setaffinity(0, sizeof cores, reinterpret_cast<const cpu_set_t*>(cores.data()));
}

bool process_was_forked() {
  constexpr unsigned kForkedNotExecuted = 0x40;
  unsigned flags = 0;
  for_each_line("/proc/self/stat", [&](const char* line) {
    // The second field, the program's name in parentheses, may hold anything.
    const char* after_name = std::strrchr(line, ')');
    if (after_name != nullptr) {
      std::sscanf(after_name + 1, " %*c %*d %*d %*d %*d %*d %u", &flags);
    }
    return false;
  });
  return (flags & kForkedNotExecuted) != 0;
}

bool start_thread(void (*body)(void*), void* argument, std::size_t stack_size) {
  auto started = one<StartedThread>();
  if (started == nullptr) return false;
  *started = {body, argument};
  pthread_attr_t detached;
  pthread_attr_init(&detached);
  pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
  if (stack_size != 0) pthread_attr_setstacksize(&detached, stack_size);
  pthread_t thread;
  const bool created = create_thread(&thread, &detached, run_started, started.get());
  pthread_attr_destroy(&detached);
  [[maybe_unused]] const auto* theirs = created ? started.release() : nullptr;
  return created;
}

bool run_on_fresh_thread(void (*body)(void*), void* argument) {
  StartedThread started{body, argument};
  pthread_t thread;
  if (!create_thread(&thread, nullptr, run_and_return, &started)) return false;
  pthread_join(thread, nullptr);
  return true;
}

unsigned threads_to_be_had(unsigned wanted, std::size_t stack_size) {
  const auto threads = array_of<WaitingThread>(wanted);
  if (threads == nullptr) return 0;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  // A size that is refused here is refused to the runtime, too, which goes on with the default.
  if (stack_size != 0) pthread_attr_setstacksize(&attributes, stack_size);
  std::atomic<bool> may_end{false};
  unsigned started = 0;
  for (; started < wanted; ++started) {
    WaitingThread& next = threads[started];
    next.may_end = &may_end;
    if (!create_thread(&next.thread, &attributes, wait_until_it_may_end, &next)) break;
  }
  pthread_attr_destroy(&attributes);
  may_end.store(true);
  may_end.notify_all();
  for (unsigned i = 0; i < started; ++i) pthread_join(threads[i].thread, nullptr);
  for (unsigned i = 0; i < started; ++i) wait_until_released(threads[i].id);
  return started;
}

// A folder's link count is two more than that of its subfolders.
unsigned threads_of_process() {
  struct stat tasks;
  return stat("/proc/self/task", &tasks) == 0 ? static_cast<unsigned>(tasks.st_nlink) - 2 : 0;
}

void sleep_ns(std::int64_t nanoseconds) {
  const timespec time{nanoseconds / 1'000'000'000, nanoseconds % 1'000'000'000};
  nanosleep(&time, nullptr);
}

void wait_while(const std::atomic<std::uint32_t>& word, std::uint32_t expected,
                std::int64_t nanoseconds) {
  const timespec time{0, static_cast<long>(nanoseconds)};
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, expected, nanoseconds != 0 ? &time : nullptr,
          nullptr, 0);
}

void wake(const std::atomic<std::uint32_t>& word, unsigned threads) {
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, threads, nullptr, nullptr, 0);
}

}  // namespace ompsafe::platform
