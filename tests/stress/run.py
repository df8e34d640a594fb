"""Runs the program that its argument tells; says in its last line what it has done."""

import faulthandler
import json
import os
import sys
import threading
import time

from stress.actors import Actor, World, import_torch
from stress.programs import ACTORS, Program


def main():
    faulthandler.enable()
    program = Program.from_json(sys.argv[1])
    if program.torch == "first":
        import_torch()

    import numba

    # A small machine has fewer cores. Masks go by what Numba has found when it was imported.
    largest_mask = numba.config.NUMBA_NUM_THREADS
    numba.config.NUMBA_NUM_THREADS = max(8, numba.config.NUMBA_NUM_THREADS)

    from stress import more_kernels
    from stress.acts import ACTS

    more_kernels.compile_the_others()

    of_environment = os.environ.get("NUMBA_NUM_THREADS")
    world = World(ACTS, program.torch, of_environment and int(of_environment), largest_mask)
    actors = [Actor(world, is_main=index == 0) for index in range(ACTORS)]

    def another(index):
        if index and not actors[index].blocks:
            actors[index].end()
            actors[index] = Actor(world)

    for number, step in enumerate(program.steps):
        print(f"step {number}: {step}", flush=True)
        waits = []
        for index, *act in step:
            if act[0] == "another thread":
                another(index)
            elif index:
                waits.append(actors[index].begin(act))
        for index, *act in step:
            if index == 0 and act[0] != "another thread":
                world.do(actors[0], act)
        for wait in waits:
            wait.wait()
        if number == 0:
            world.look_for_runtimes()
        if world.failures:
            raise SystemExit("\n".join(world.failures))
    if program.daemon:
        threading.Thread(target=launch_for_ever, daemon=True).start()
        time.sleep(0.01)
    done = {"steps": len(program.steps), "launches": world.launches, "forks": world.forks}
    print(json.dumps(done), flush=True)


def launch_for_ever():
    import kernels

    while True:
        kernels.launch()


if __name__ == "__main__":
    main()
