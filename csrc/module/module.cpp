// The Python module numba_ompsafe._core: the addresses of the layer's functions, under the names
// that Numba looks for in a layer, and the few calls that the Python side needs.
#include <Python.h>

#include <atomic>
#include <limits>

#include "module/fork.h"
#include "numba/chunks.h"
#include "numba/launch.h"
#include "numba/schedule.h"
#include "openmp/runtime.h"
#include "system/gil.h"
#include "system/no_fork.h"
#include "system/platform.h"
#include "threads/cores.h"
#include "threads/pools.h"
#include "threads/thread_count.h"
#include "threads/thread_supply.h"

namespace {

using namespace ompsafe;

// In a layer of Numba's this starts the threads. Here the runtime does, at the first launch.
void launch_threads(int) {}

PyObject* handle_or_none(void* library) {
  if (library == nullptr) Py_RETURN_NONE;
  return PyLong_FromVoidPtr(library);
}

PyObject* open_library(PyObject*, PyObject* arguments) {
  const char* name = nullptr;
  int load = 0;
  if (!PyArg_ParseTuple(arguments, "zp:open_library", &name, &load)) return nullptr;
  void* library = nullptr;
  const char* reason = nullptr;
  {
    const WithoutGil without_gil;
    if (name == nullptr) {
      library = platform::global_scope();
    } else if (load) {
      library = platform::load_library(name, &reason);
    } else {
      library = platform::loaded_library(name);
    }
  }
  if (reason == nullptr) return handle_or_none(library);
  PyErr_SetString(PyExc_OSError, reason);
  return nullptr;
}

// 0 with an exception set.
void* handle_of(PyObject* number) {
  void* library = PyLong_AsVoidPtr(number);
  if (library == nullptr && !PyErr_Occurred()) {
    PyErr_SetString(PyExc_ValueError, "the library handle is 0");
  }
  return library;
}

PyObject* runtime_seen_by(PyObject*, PyObject* handle) {
  void* library = handle_of(handle);
  if (library == nullptr) return nullptr;
  void* runtime = nullptr;
  {
    const WithoutGil without_gil;
    runtime = Runtime::seen_by(library);
  }
  return handle_or_none(runtime);
}

PyObject* bind(PyObject*, PyObject* handle) {
  void* library = handle_of(handle);
  if (library == nullptr) return nullptr;
  const Runtime* runtime = nullptr;
  const char* missing = nullptr;
  {
    const WithoutGil without_gil;
    const NoForkMeanwhile no_fork;
    runtime = Runtime::open(library, &missing);
  }
  if (runtime == nullptr && missing == nullptr) return PyErr_NoMemory();
  if (runtime == nullptr) {
    PyErr_Format(PyExc_OSError, "the library has no function %s", missing);
    return nullptr;
  }
  Runtime::bind(runtime);
  cores::look(*runtime);
  {
    const WithoutGil without_gil;
    const NoForkMeanwhile no_fork;
    pools::look_for_runtimes();  // a fork that is not Python's cannot
  }
  Py_RETURN_NONE;
}

PyObject* py_handle_forks(PyObject*, PyObject* arguments) {
  int end_pools = 0, may_have_lost = 0;
  const char* newer_than_fork = nullptr;
  if (!PyArg_ParseTuple(arguments, "ppz:handle_forks", &end_pools, &may_have_lost,
                        &newer_than_fork)) {
    return nullptr;
  }
  {
    const WithoutGil without_gil;
    handle_forks(end_pools != 0, may_have_lost != 0, newer_than_fork);
  }
  Py_RETURN_NONE;
}

PyObject* py_before_fork(PyObject*, PyObject*) {
  {
    const WithoutGil without_gil;
    before_fork();
  }
  Py_RETURN_NONE;
}

PyObject* py_after_fork_in_parent(PyObject*, PyObject*) {
  after_fork_in_parent();
  Py_RETURN_NONE;
}

PyObject* runtime_path(PyObject*, PyObject*) {
  const Runtime* runtime = Runtime::bound();
  if (runtime == nullptr || runtime->path() == nullptr) Py_RETURN_NONE;
  return PyUnicode_DecodeFSDefault(runtime->path());
}

PyObject* runtime_is_gnu(PyObject*, PyObject*) {
  const Runtime* runtime = Runtime::bound();
  return PyBool_FromLong(runtime != nullptr && runtime->gnu());
}

PyObject* code_mapped(PyObject*, PyObject*) {
  return PyLong_FromUnsignedLongLong(platform::code_mapped());
}

PyObject* set_number(PyObject* argument, void (*set)(int)) {
  const long n = PyLong_AsLong(argument);
  if (n == -1 && PyErr_Occurred()) return nullptr;
  if (n < std::numeric_limits<int>::min() || n > std::numeric_limits<int>::max()) {
    return PyErr_Format(PyExc_OverflowError, "%ld is no int of C's", n);
  }
  set(static_cast<int>(n));
  Py_RETURN_NONE;
}

PyObject* py_set_numba_limit(PyObject*, PyObject* n) { return set_number(n, set_numba_limit); }
PyObject* py_set_environment_count(PyObject*, PyObject* n) {
  return set_number(n, set_environment_count);
}
PyObject* py_set_process_default(PyObject*, PyObject* n) {
  return set_number(n, set_process_default);
}
PyObject* py_process_default(PyObject*, PyObject*) { return PyLong_FromLong(process_default()); }

PyObject* py_set_mask(PyObject*, PyObject* n) { return set_number(n, set_mask); }
PyObject* py_mask(PyObject*, PyObject*) { return PyLong_FromLong(mask()); }
PyObject* py_pool_size_here(PyObject*, PyObject*) { return PyLong_FromLong(pool_size_here()); }
PyObject* py_set_limit(PyObject*, PyObject* n) { return set_number(n, set_limit); }
PyObject* py_limit(PyObject*, PyObject*) { return PyLong_FromLong(limit()); }
PyObject* py_torch_is_settled(PyObject*, PyObject*) { return PyBool_FromLong(torch_is_settled()); }
PyObject* py_rule(PyObject*, PyObject*) { return PyLong_FromLong(rule()); }

PyObject* py_cores(PyObject*, PyObject*) {
  if (cores::unknown()) Py_RETURN_NONE;
  const platform::Cores cores = cores::now();
  PyObject* numbers = PyList_New(0);
  for (int core = 0; numbers != nullptr && core < platform::kMostCores; ++core) {
    if (!platform::has_core(cores, core)) continue;
    PyObject* number = PyLong_FromLong(core);
    if (number == nullptr || PyList_Append(numbers, number) != 0) Py_CLEAR(numbers);
    Py_XDECREF(number);
  }
  return numbers;
}

// Never released: without the GIL, another thread may be about to call the one that is replaced.
std::atomic<PyObject*> shortage_listener{nullptr};

// Runs on the main thread, between two steps of whatever it does: an error is told, not raised.
int tell_of_shortage(void*) {
  PyObject* const listener = shortage_listener.load();
  PyObject* result = PyObject_CallNoArgs(listener);
  if (result == nullptr) PyErr_WriteUnraisable(listener);
  Py_XDECREF(result);
  return 0;
}

PyObject* call_at_shortage(PyObject*, PyObject* listener) {
  if (shortage_listener.load() != listener) shortage_listener.store(Py_NewRef(listener));
  thread_supply::on_shortage([] { return Py_AddPendingCall(tell_of_shortage, nullptr) == 0; });
  Py_RETURN_NONE;
}

PyObject* last_shortage(PyObject*, PyObject*) {
  const auto [asked, had] = thread_supply::last_shortage();
  if (asked == 0) Py_RETURN_NONE;
  return Py_BuildValue("II", asked, had);
}

PyMethodDef methods[] = {
    {"open_library", open_library, METH_VARARGS,
     "open_library(name: str | None, load: bool) -> int | None\n\nThe dynamic linker's handle of a "
     "library, by path or SONAME, without the GIL; None: of what it offers to everybody. None if "
     "the process does not have it and it is not to be loaded. OSError says why it cannot be."},
    {"runtime_seen_by", runtime_seen_by, METH_O,
     "runtime_seen_by(handle: int) -> int | None\n\nThe OpenMP runtime whose entry point that "
     "library sees, its own or a dependency's."},
    {"bind", bind, METH_O,
     "bind(handle: int) -> None\n\nMake launches run on the OpenMP runtime of that handle of the "
     "dynamic linker. OSError names the function that it lacks."},
    {"handle_forks", py_handle_forks, METH_VARARGS,
     "handle_forks(end_pools: bool, may_have_lost: bool, newer_than_fork: str | None) -> None\n\n"
     "Look after OpenMP's pools at every fork from now on. end_pools: end the forking thread's, or "
     "only note that they are lost in the child. may_have_lost: whether this process, if it was "
     "forked before this call, may have lost pools, and newer_than_fork the folder of libraries "
     "that came after that fork. A second call changes nothing."},
    {"before_fork", py_before_fork, METH_NOARGS,
     "before_fork() -> None\n\nEnd this thread's pools, and wait until no thread is in the way of "
     "a "
     "fork; none is until after_fork_in_parent()."},
    {"after_fork_in_parent", py_after_fork_in_parent, METH_NOARGS,
     "after_fork_in_parent() -> None\n\nDoes nothing without before_fork()."},
    {"runtime_path", runtime_path, METH_NOARGS,
     "runtime_path() -> str | None\n\nThe library that launches run on; None before bind()."},
    {"runtime_is_gnu", runtime_is_gnu, METH_NOARGS, "runtime_is_gnu() -> bool"},
    {"code_mapped", code_mapped, METH_NOARGS,
     "code_mapped() -> int\n\nA number that changes whenever the process loads a library."},
    {"set_numba_limit", py_set_numba_limit, METH_O,
     "set_numba_limit(n: int) -> None\n\nThe cap on every count: numba.config.NUMBA_NUM_THREADS."},
    {"set_environment_count", py_set_environment_count, METH_O,
     "set_environment_count(n: int) -> None\n\nThe count that NUMBA_NUM_THREADS asks for; 0: "
     "none."},
    {"set_process_default", py_set_process_default, METH_O,
     "set_process_default(n: int) -> None\n\nThe count of threads without a mask; 0: none."},
    {"process_default", py_process_default, METH_NOARGS, "process_default() -> int"},
    {"set_mask", py_set_mask, METH_O,
     "set_mask(n: int) -> None\n\nWhat numba.set_num_threads sets on this thread; 0: none."},
    {"mask", py_mask, METH_NOARGS,
     "mask() -> int\n\nThe last numba.set_num_threads on this thread; 0: none."},
    {"set_limit", py_set_limit, METH_O,
     "set_limit(n: int) -> None\n\nThe cap on this thread's count, until the next "
     "numba.set_num_threads here; 0: none."},
    {"limit", py_limit, METH_NOARGS, "limit() -> int"},
    {"torch_is_settled", py_torch_is_settled, METH_NOARGS,
     "torch_is_settled() -> bool\n\nWhether a launch has had torch set its count on this thread, "
     "so "
     "that no other thread can take it."},
    {"rule", py_rule, METH_NOARGS,
     "rule() -> int\n\nWhich rule the count on this thread follows, 1 to 4 (thread_count.h)."},
    {"pool_size_here", py_pool_size_here, METH_NOARGS,
     "pool_size_here() -> int\n\nThe size of the pool that torch's regions have, or will have, on "
     "this thread."},
    {"cores", py_cores, METH_NOARGS,
     "cores() -> list[int] | None\n\nThe cores that launches are spread over, as a launch saw them "
     "last; None before any."},
    {"call_at_shortage", call_at_shortage, METH_O,
     "call_at_shortage(listener: Callable[[], object]) -> None\n\nCall it once, on the main "
     "thread, "
     "after a launch that could not have its threads. What it raises is told, not raised."},
    {"last_shortage", last_shortage, METH_NOARGS,
     "last_shortage() -> tuple[int, int] | None\n\nHow many threads the last launch asked for that "
     "could not have them, and how many it had; None without one, or if one had as many since."},
    {nullptr, nullptr, 0, nullptr},
};

template <typename Function>
bool add_address(PyObject* module, const char* name, Function* function) {
  PyObject* address = PyLong_FromVoidPtr(reinterpret_cast<void*>(function));
  const bool added = address != nullptr && PyModule_AddObjectRef(module, name, address) == 0;
  Py_XDECREF(address);
  return added;
}

int add_addresses(PyObject* module) {
  const bool added =
      add_address(module, "launch_threads", launch_threads) &&
      add_address(module, "parallel_for", ompsafe_parallel_for) &&
      add_address(module, "get_num_threads", ompsafe_num_threads_of_launch) &&
      add_address(module, "current_num_threads", ompsafe_current_num_threads) &&
      add_address(module, "set_num_threads", ompsafe_set_num_threads) &&
      add_address(module, "get_thread_id", ompsafe_get_thread_id) &&
      add_address(module, "do_scheduling_signed", ompsafe_do_scheduling_signed) &&
      add_address(module, "do_scheduling_unsigned", ompsafe_do_scheduling_unsigned) &&
      add_address(module, "allocate_sched", ompsafe_allocate_sched) &&
      add_address(module, "deallocate_sched", ompsafe_deallocate_sched) &&
      add_address(module, "get_sched_size", ompsafe_get_sched_size) &&
      add_address(module, "set_parallel_chunksize", ompsafe_set_parallel_chunksize) &&
      add_address(module, "get_parallel_chunksize", ompsafe_get_parallel_chunksize);
  return added ? 0 : -1;
}

PyModuleDef_Slot slots[] = {
    {Py_mod_exec, reinterpret_cast<void*>(add_addresses)},
#ifdef Py_MOD_GIL_NOT_USED  // not in the stable ABI of 3.11, which no Python without the GIL loads
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, nullptr},
};

PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    "numba_ompsafe._core",
    "The OpenMP threading layer: addresses of its functions.",
    0,
    methods,
    slots,
    nullptr,
    nullptr,
    nullptr,
};

}  // namespace

// The count on the calling thread, once the layer is loaded. The only symbol besides the module's
// entry point that other libraries can see: threadpoolctl knows this library by it.
extern "C" [[gnu::visibility("default")]] int numba_ompsafe_get_num_threads() {
  return ompsafe_current_num_threads();
}

PyMODINIT_FUNC PyInit__core() { return PyModuleDef_Init(&definition); }
