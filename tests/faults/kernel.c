/* A kernel as Numba builds them, in C: for Pythons that have no Numba. */
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum { MOST_SLOTS = 64 };

typedef void (*Kernel)(char**, size_t*, size_t*, void*);
typedef void (*ParallelFor)(Kernel, char**, size_t*, size_t*, void*, size_t, size_t, intptr_t);

struct Launch {
  ParallelFor parallel_for;
  intptr_t (*thread_id)(void);
  int (*current)(void);
  intptr_t (*count)(void);
  intptr_t expected;
  intptr_t depth; /* how many levels of launches the first element of each piece makes */
  atomic_int in_slot[MOST_SLOTS];
  atomic_int faults;
};

static void triple_all(struct Launch* launch, int64_t* numbers, size_t length);

static void triple(char** arrays, size_t* dimensions, size_t* steps, void* data) {
  struct Launch* launch = data;
  const intptr_t id = launch->thread_id();
  const int in_range = id >= 0 && id < launch->expected;
  if (!in_range || launch->current() != launch->expected) ++launch->faults;
  if (in_range && launch->in_slot[id]++ != 0) ++launch->faults;
  if (launch->depth > 0) {
    int64_t inner[16] = {0};
    struct Launch nested = {launch->parallel_for, launch->thread_id, launch->current,
                            launch->count,        launch->expected,  launch->depth - 1,
                            {0},                  0};
    triple_all(&nested, inner, sizeof inner / sizeof inner[0]);
    launch->faults += nested.faults;
    if (launch->thread_id() != id) ++launch->faults;
  }
  for (size_t i = 0; i < dimensions[0]; ++i) {
    *(int64_t*)(arrays[1] + i * steps[1]) = 3 * *(int64_t*)(arrays[0] + i * steps[0]) + 1;
  }
  if (in_range) --launch->in_slot[id];
}

static void triple_all(struct Launch* launch, int64_t* numbers, size_t length) {
  char* arrays[] = {(char*)numbers, (char*)numbers};
  size_t dimensions[] = {length};
  size_t steps[] = {sizeof *numbers, sizeof *numbers};
  const intptr_t count = launch->count();
  if (count != launch->expected) ++launch->faults;
  launch->parallel_for(triple, arrays, dimensions, steps, launch, 0, 2, count);
}

/* Launches once over the numbers, x to 3 x + 1, and returns how much was not as it had to be: the
 * count, a thread's id or mask, or two threads at once under one id. */
int launch(void* parallel_for, void* thread_id, void* current, void* count, intptr_t expected,
           intptr_t depth, int64_t* numbers, size_t length) {
  struct Launch launch = {(ParallelFor)parallel_for,
                          (intptr_t(*)(void))thread_id,
                          (int (*)(void))current,
                          (intptr_t(*)(void))count,
                          expected,
                          depth,
                          {0},
                          0};
  triple_all(&launch, numbers, length);
  return launch.faults;
}
