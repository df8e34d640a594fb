/* Threads that call a function as they end, from where threads end what is theirs. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stddef.h>

/* What a thread_local variable of C++ registers. */
extern int __cxa_thread_atexit_impl(void (*destructor)(void*), void* object, void* library);
extern void* __dso_handle;

typedef void (*Function)(void);

struct Calls {
  Function first, at_end;
  int by_key;
};

static pthread_key_t key;

static void call(void* calls) { ((struct Calls*)calls)->at_end(); }

__attribute__((constructor)) static void make_key(void) { pthread_key_create(&key, call); }

static void* body(void* argument) {
  struct Calls* calls = argument;
  if (calls->first != NULL) calls->first();
  if (calls->by_key) {
    pthread_setspecific(key, calls);
  } else {
    __cxa_thread_atexit_impl(call, calls, &__dso_handle);
  }
  return NULL;
}

/* A new thread calls `first`, if it is not NULL, and `at_end` as it ends: by a key's destructor, or
 * by that of a thread_local variable. Returns once it has ended. */
int run_thread(Function first, Function at_end, int by_key) {
  struct Calls calls = {first, at_end, by_key};
  pthread_t thread;
  const int error = pthread_create(&thread, NULL, body, &calls);
  return error != 0 ? error : pthread_join(thread, NULL);
}
