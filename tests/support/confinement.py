"""Random orders of launches, forks, and cores that a process is confined to or gets back."""

import ctypes
import json
import os
import random
import threading
import time
from contextlib import suppress

import numba
import numpy as np
import openmp
from forks import start_child, tasks
from numba import njit, prange
from patience import eventually
from system_calls import MONOTONIC, clock_gettime, gettid, sched_getcpu, usleep

# Those of who started this process: a runtime may have bound it already.
CORES = sorted(os.sched_getaffinity(os.getppid()))


@njit(parallel=True, cache=True)
def where(n, nanoseconds, waits):
    """Return for each of n iterations the core and the thread; each computes, or waits, so long."""
    found = np.empty((n, 2), np.int64)
    for i in prange(n):
        clock = np.zeros(4, np.int64)
        clock_gettime(MONOTONIC, clock.ctypes)
        if waits:
            usleep(nanoseconds // 1000)
        while (clock[2] - clock[0]) * 1_000_000_000 + clock[3] - clock[1] < nanoseconds:
            clock_gettime(MONOTONIC, clock[2:].ctypes)
        found[i] = sched_getcpu(), gettid()
    return found


@njit(parallel=True, cache=True)
def where_nested(rows, n, nanoseconds):
    """The same of launches inside of one."""
    found = np.empty((rows, n, 2), np.int64)
    for i in prange(rows):
        found[i] = where(n, nanoseconds, False)
    return found


def confine(cores):
    """Let every thread of this process run on these cores alone, as ``taskset -a -p`` does."""
    done = set()
    while missing := tasks() - done:
        for task in missing:
            with suppress(ProcessLookupError):
                os.sched_setaffinity(task, cores)
        done |= missing


def outside(allowed):
    """Return the threads of this process that may run outside of the cores; it has no others."""
    found = {}
    for task in tasks():
        with suppress(ProcessLookupError):
            found[task] = os.sched_getaffinity(task) - set(allowed)
    return {task: sorted(cores) for task, cores in found.items() if cores}


class World:
    """A process, what it may use, and what it does next."""

    def __init__(self, seed, allowed, first_place, depth=0):
        self.random = random.Random(seed)
        self.allowed = allowed
        self.first_place = first_place
        self.depth = depth
        self.done = []

    def run(self, steps):
        """Do so many steps, and return how many; fail where a thread leaves the cores."""
        acts = [self.launch, self.launch, self.launch_on_threads, self.confine, self.fork]
        for _ in range(steps):
            act = self.random.choice(acts)
            self.done.append(act.__name__)
            act()
        return len(self.done)

    def check(self, cores):
        left = sorted(set(cores) - set(self.allowed))
        assert not left, (self.done, self.allowed, left)
        # One that has just been started has yet to be told.
        assert eventually(lambda: not outside(self.allowed), 5), (
            self.done,
            self.allowed,
            outside(self.allowed),
        )

    def launch(self):
        for _ in range(self.random.choice((1, 3, 100))):
            kind = self.random.randrange(4)
            numba.set_num_threads(self.random.randint(2, 6))
            nanoseconds = self.random.choice((1_000, 100_000))
            if kind == 0:
                found = where_nested(3, 6, nanoseconds)
            else:
                found = where(12, nanoseconds, kind == 1)
        self.check(found[..., 0].ravel().tolist())

    def launch_on_threads(self):
        found = []
        threads = [
            threading.Thread(target=lambda: found.append(where(12, 100_000, False)))
            for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        time.sleep(0.01)  # until their pools have ended
        self.check(np.concatenate(found)[:, 0].tolist())

    def confine(self):
        cores = self.random.sample(CORES, self.random.randint(1, len(CORES)))
        if set(cores) == self.first_place:
            cores = CORES
        confine(cores)
        self.allowed = cores

    def fork(self):
        if self.depth == 2:
            return
        child = World(self.random.random(), self.allowed, self.first_place, self.depth + 1)
        child.done = [*self.done, "child"]
        start_child(lambda: child.begin().run(6))()

    def begin(self):
        """In the child, whose main thread LLVM's runtime gives the cores that it found at first."""
        if not openmp.bound().is_gnu:
            self.allowed = sorted(os.sched_getaffinity(0))
        return self


def first_place():
    """Return the cores of the first place that the runtime binds threads to; None if it does not.

    It binds the main thread there, so that nobody can tell who did it, the runtime or the user.
    """
    library = openmp.bound().library
    places = library.omp_get_num_places()
    if places < 2:
        return None
    cores = (ctypes.c_int * library.omp_get_place_num_procs(0))()
    library.omp_get_place_proc_ids(0, cores)
    return set(cores)


def main(first, count, steps=12):
    """Run so many worlds, each in a forked process of its own; print how many steps each did."""
    where(1, 1, False), where_nested(1, 1, 1)  # compiled; the runtime is loaded, and binds this
    worlds = [World(seed, CORES, first_place()) for seed in range(first, first + count)]
    print(json.dumps([start_child(lambda world=world: world.run(steps))() for world in worlds]))
