#include "system/gil.h"

#include <Python.h>

#ifdef Py_LIMITED_API
// The current thread state, or NULL where none is attached. The first is public from Python 3.13
// on; the second is what earlier ones export. Neither is in the limited API, so that each may be
// missing.
extern "C" [[gnu::weak]] PyThreadState* PyThreadState_GetUnchecked();
extern "C" [[gnu::weak]] PyThreadState* _PyThreadState_UncheckedGet();
#endif

namespace ompsafe {
namespace {

bool attached() {
#ifndef Py_LIMITED_API  // a Python without the GIL, 3.13 or newer
  return PyThreadState_GetUnchecked() != nullptr;
#else
  if (PyThreadState_GetUnchecked != nullptr) return PyThreadState_GetUnchecked() != nullptr;
  if (_PyThreadState_UncheckedGet == nullptr) return false;
  PyThreadState* current = _PyThreadState_UncheckedGet();
  // Until 3.11 the current one is the process's, and may be another thread's.
  return current != nullptr &&
         (Py_Version >= 0x030C0000 || current == PyGILState_GetThisThreadState());
#endif
}

}  // namespace

WithoutGil::WithoutGil() {
  if (attached()) saved_ = PyEval_SaveThread();
}

WithoutGil::~WithoutGil() {
  if (saved_ != nullptr) PyEval_RestoreThread(static_cast<PyThreadState*>(saved_));
}

}  // namespace ompsafe
