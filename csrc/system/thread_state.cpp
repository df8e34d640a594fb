#include "system/thread_state.h"

namespace ompsafe {

constinit thread_local ThreadState this_thread;

}  // namespace ompsafe
