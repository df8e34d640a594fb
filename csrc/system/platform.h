// All that the layer asks of the operating system and of its dynamic linker. The rest of csrc/
// is plain C++ and OpenMP.
#pragma once

#include <array>
#include <atomic>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ompsafe::platform {

// The time since some moment in the past, in nanoseconds.
std::int64_t clock_ns();

// The time for which the calling thread has had a core, and how often it gave it away itself, since
// it had to wait for something (ru_nvcsw of getrusage).
std::int64_t thread_cpu_ns();
std::int64_t thread_waits();

// The kernel's coarse clock, in nanoseconds. It moves every 1 to 10 ms and is read in a few
// nanoseconds: a cheap way to do something "now and then", yet surely between two moments that lie
// further apart than a tick.
std::int64_t coarse_clock_ns();

// The next two ask the kernel, and wait for no lock: who holds the dynamic linker's may want
// Python's GIL, and in a forked child nobody may be there to give it back.

// Changes whenever a library is loaded, and where code is generated: how much code the process has
// mapped, in kilobytes (VmLib in /proc/self/status; where a kernel does not tell, all that it has
// mapped). 0 where there is no /proc.
std::uint64_t code_mapped();

// Calls visit(file, argument) for the files mapped into the process whose name, without the folder,
// begins so; maybe more than once for one (/proc/self/maps). False where they cannot be read to the
// end.
bool for_each_mapped_file_named(std::string_view prefix, void (*visit)(const char*, void*),
                                void* argument);

// All below down to is_main_thread, but for thread_local_storage_in_use, wait for the dynamic
// linker's lock: not to be called at a fork, nor with the GIL held (gil.h).

// The handle of a library that is in the process already, by path or by SONAME; nullptr if it is
// not. Loads nothing.
void* loaded_library(const char* name);

// The same, and loads it if it is not there; nullptr if that fails, and *reason says why, until
// this thread asks the linker for something else.
void* load_library(const char* name, const char** reason);

// What the dynamic linker offers to everybody: the program, LD_PRELOAD, libraries opened with
// RTLD_GLOBAL.
void* global_scope();

// The address of `symbol` in `library` or in what it depends on; nullptr if there is none.
void* symbol_in(void* library, const char* symbol);

// The path of the library that holds `address`, as the dynamic linker knows it; nullptr where that
// cannot be told.
const char* library_of(const void* address);

// The library that `library` gets `symbol` from: itself or one that it depends on; nullptr if none
// has it.
void* library_with(void* library, const char* symbol);

// Whether the calling thread has ever run code of `library` that touches a thread-local variable
// (dlinfo, RTLD_DI_TLS_DATA).
bool thread_local_storage_in_use(void* library);

bool is_main_thread();

// A set of cores, a bit for each; as many as Linux can be built for.
constexpr int kMostCores = 8192;
using Cores = std::array<unsigned long, kMostCores / (CHAR_BIT * sizeof(unsigned long))>;

void add_core(Cores& cores, int core);
bool has_core(const Cores& cores, int core);

// Those that the main thread and the calling one may use; none where that cannot be told.
Cores cores_of_main_thread();
Cores cores_of_this_thread();

// Lets the calling thread run on these.
void use_cores(const Cores& cores);

// Whether this process was forked and has not executed a program of its own since (PF_FORKNOEXEC in
// /proc/self/stat).
bool process_was_forked();

// Starts a thread with a stack of `stack_size` bytes (0: the default) that runs `body(argument)`
// with every signal blocked but those of a fault: the signals of the process go to the threads that
// its author knows of. False if the system has no thread to give.
bool start_thread(void (*body)(void*), void* argument, std::size_t stack_size);

// The same, and waits for its end: code runs with a thread's initial state, whatever the calling
// thread has set for itself.
bool run_on_fresh_thread(void (*body)(void*), void* argument);

// How many of `wanted` threads with stacks of `stack_size` bytes (0: the default) the system has to
// give, all at once. They are started, do nothing, and have ended on return, for the system's
// limits, too.
unsigned threads_to_be_had(unsigned wanted, std::size_t stack_size);

// How many threads the process has.
unsigned threads_of_process();

void sleep_ns(std::int64_t nanoseconds);

// Waits until somebody wakes a thread that waits for `word`, or, if `nanoseconds` (less than a
// second) are not 0, until they are over, unless it holds another value than `expected`; may return
// without cause. Who wakes one touches the address only.
void wait_while(const std::atomic<std::uint32_t>& word, std::uint32_t expected,
                std::int64_t nanoseconds = 0);
void wake(const std::atomic<std::uint32_t>& word, unsigned threads);

// What a thread does between two looks at what another one is about to write.
inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace ompsafe::platform
