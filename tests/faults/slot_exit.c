/* Threads that end inside of a slot of a launch. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum How { NEVER, EXIT, CANCEL_SELF, CANCELLED };
/* A thread builds a pool once it has launched often. */
enum { VALUE = 7, HOLDS_US = 2000, OFTEN = 70 };

typedef void (*Function)(void);
typedef void (*Kernel)(char**, size_t*, size_t*, void*);
typedef void (*ParallelFor)(Kernel, char**, size_t*, size_t*, void*, size_t, size_t, intptr_t);

static enum How how;
static int by_caller;
static atomic_int caller, others, left, in_slots, begun;

static int thread_id(void) { return (int)syscall(SYS_gettid); }

static void* cancel(void* thread) {
  pthread_cancel(*(pthread_t*)thread);
  return NULL;
}

static void end_thread(void) {
  if (how == EXIT) pthread_exit((void*)VALUE);
  pthread_t self = pthread_self(), other;
  if (how == CANCEL_SELF) {
    pthread_cancel(self);
  } else {
    pthread_create(&other, NULL, cancel, &self);
    pthread_detach(other);
  }
  /* Where a thread may be cancelled: one that was kept before cannot. */
  for (int i = 0; i < 100; ++i) usleep(1000);
}

/* What a kernel does in each slot: waits, and one ends its thread while others are in theirs. */
void in_slot(void) {
  const int is_caller = thread_id() == caller;
  ++begun;
  if (how == NEVER) {
    usleep(50);
    return;
  }
  ++in_slots;
  if (!is_caller) ++others;
  usleep(HOLDS_US);
  if (how != NEVER && is_caller == by_caller && (!is_caller || others > 0) && left-- > 0) {
    --in_slots;
    end_thread();
    ++in_slots;
  }
  if (!is_caller) usleep(HOLDS_US);
  --in_slots;
}

static void kernel(char** arrays, size_t* dimensions, size_t* steps, void* data) {
  (void)data;
  for (size_t i = 0; i < dimensions[0]; ++i) {
    in_slot();
    *(int64_t*)(arrays[0] + i * steps[0]) += 1;
  }
}

static ParallelFor parallel_for;
static intptr_t (*count)(void);

void set_layer(void* parallel_for_, void* count_) {
  parallel_for = (ParallelFor)parallel_for_;
  count = (intptr_t (*)(void))count_;
}

/* Launches a kernel of C's. */
void launch_in_c(void) {
  int64_t numbers[64] = {0};
  char* arrays[] = {(char*)numbers};
  size_t dimensions[] = {sizeof numbers / sizeof *numbers};
  size_t steps[] = {sizeof *numbers};
  dimensions[0] = (size_t)count();
  parallel_for(kernel, arrays, dimensions, steps, NULL, 0, 1, (intptr_t)dimensions[0]);
}

struct Thread {
  Function launch;
  int times;
  enum How how;
};

static void* body(void* argument) {
  const struct Thread thread = *(struct Thread*)argument;
  for (int i = 0; i < OFTEN; ++i) thread.launch();
  how = thread.how;
  caller = thread_id();
  for (int i = 0; i < thread.times; ++i) {
    others = 0;
    thread.launch();
  }
  caller = 0;
  return (void*)1;
}

/* A new thread launches so often, and ends in a slot, or one of the threads that help it does so.
 * Returns 1 if the thread has come to its end, 7 or 6 if it ended in a slot, by pthread_exit or
 * cancelled, 0 if it has not ended after ten seconds; -1 if a slot was begun or went on later. */
int ends_in_slot(Function launch, int times, int how_, int by_caller_) {
  const struct Thread started = {launch, times, how_};
  by_caller = by_caller_;
  left = 1;
  pthread_t thread;
  void* value = NULL;
  if (pthread_create(&thread, NULL, body, (void*)&started) != 0) return -2;
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += 10;
  const int error = pthread_timedjoin_np(thread, &value, &until);
  const int now = in_slots, seen = begun;
  how = NEVER;
  if (error != 0) return 0;
  usleep(20 * HOLDS_US);
  if (now != 0 || begun != seen) return -1;
  return value == PTHREAD_CANCELED ? 6 : (int)(intptr_t)value;
}

/* Whether a thread has ended in a slot since. */
int has_left(void) { return left <= 0; }
