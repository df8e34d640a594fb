// What the layer needs to know of torch, whose pool it shares: whether it is in the process, and
// how many threads it would use on a thread where it has not been used yet.
#pragma once

namespace ompsafe {
class Runtime;
}

namespace ompsafe::torch {

// Notices a torch that was loaded since the last look, a few milliseconds ago at most: then
// launches move to the runtime that torch uses. To be called at every launch.
void look_for_torch();

bool loaded();

// torch is loaded, and its parallel regions run on the runtime that launches run on.
bool shares_pool();

// Whether torch has run any code on this thread. It sets nthreads-var of a thread at its first
// parallel operation there, and of the thread that imports it at the import.
bool has_run_here();

// at::get_num_threads() on a thread where torch has run nothing yet: the last
// torch.set_num_threads(k) of any thread, or torch's default. Asked on a short-lived thread, since
// torch sets nthreads-var of the thread that asks. 0 if no such thread can be had; `initial` if
// this torch does not tell.
int count_on_new_thread(int initial);

// The same, as it was when torch was first asked: when it was noticed, if a thread could be had for
// it; 0 if it has not been asked yet.
int count_when_noticed();

// Whether torch.set_num_threads has been called on this thread; or, where this torch was built
// without MKL, whether nthreads-var was set here at all.
bool was_told_here(const Runtime& runtime);

// Has torch set nthreads-var of the calling thread, `runtime`'s, now, as at its first parallel
// operation here, if it has not: it never does so again, and what torch.set_num_threads of another
// thread says later stays with that thread. nthreads-var is then what it was, or what torch makes
// of a thread that nobody has told anything; what torch.set_num_threads has said on this thread
// holds, also where another thread has said something else since.
//
// False, and nothing has changed, where torch is going to make something else of this thread: it
// was told on another thread, and this one has nothing of its own to hold against that, or
// somebody other than torch has set nthreads-var here. Not to be called in a parallel region, where
// torch's setting would be lost with the region.
bool settle_here(const Runtime& runtime);

// In the child of a fork: another thread may have been looking as it was forked.
void after_fork_in_child();

}  // namespace ompsafe::torch
