"""An ordinary user who may have only so many threads more, and what launches do then.

The limit is one on all threads of a user: each process here is a user of its own. All that it needs
is imported and compiled before it gives its rights away.
"""

import os
import resource
import time
from concurrent.futures import ThreadPoolExecutor

import forks
import kernels
import numba

# A user of every process's own: ids that nobody has, 40000 and more.
FIRST_USER = 40_000
# Longer than a shortage is remembered.
REMEMBERED = 0.3
AT_ONCE = 6


def compile_all():
    """Compile what launches here, without a launch."""
    kernels.ids_and_masks.compile("(int64,)")
    kernels.total.compile("(float64[::1],)")
    kernels.system_threads.compile("(int64,)")


def become_a_user():
    """Give the rights of root away, to be a user that has this process alone."""
    user = FIRST_USER + os.getpid() % 1_000_000
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)


def leave_room_for(threads):
    """Let the user have so many threads more than there are."""
    _, hard = resource.getrlimit(resource.RLIMIT_NPROC)
    limit = len(forks.tasks()) + threads
    resource.setrlimit(resource.RLIMIT_NPROC, (limit, hard))


def team(n, seconds=0.1):
    """Launch on n threads; fail if anything is wrong; return how many of the system's ran it.

    Most of them, in so long.
    """
    numba.set_num_threads(n)
    kernels.launch()
    ids, masks = kernels.ids_and_masks(n)
    assert ids.tolist() == list(range(n)), ids
    assert (masks == n).all(), masks
    return len(kernels.largest_team(n, seconds=seconds))


def fork_if_there_is_room(function):
    """Run it in a child, if the user may have one; return what it returned, or None."""
    try:
        return forks.in_child(function)
    except BlockingIOError:
        return None


def with_room_for(threads, spare, n, before):
    """Launch where only so many threads can be had, of which some stay free, then where all can.

    Return how many threads ran the first launch, later ones, one of another Python thread, one of a
    forked child (None if there was no room for one), and one after the limit was lifted, on both
    Python threads.
    """
    with ThreadPoolExecutor(1) as executor:
        executor.submit(int).result()
        become_a_user()
        before()
        leave_room_for(threads)
        patience = 10 if n <= 1 + threads - spare else 0.1
        first = team(n, patience)
        time.sleep(REMEMBERED)
        later = [team(n, patience) for _ in range(3)]
        other = executor.submit(team, n).result()
        child = fork_if_there_is_room(lambda: team(n))
        time.sleep(REMEMBERED)
        assert team(n) >= 1
        leave_room_for(1000)
        time.sleep(REMEMBERED)
        lifted = [team(n, 10), executor.submit(team, n, 10).result()]
    return [first, later, other, child, lifted]


def each(cases, spare, before):
    """Return with_room_for(room, spare, n) of each, in processes of their own, some at a time."""
    answers = []
    for at in range(0, len(cases), AT_ONCE):
        children = [
            forks.start_child(
                lambda room=room, n=n: with_room_for(room, spare, n, lambda: before(n))
            )
            for room, n in cases[at : at + AT_ONCE]
        ]
        answers += [child() for child in children]
    return answers


def warned():
    """Launch at a limit and without one; return what was warned of, and what the report says.

    On another Python thread than the main one, which hears of it.
    """
    import warnings

    import situations

    from numba_ompsafe._report.conflicts import supply  # noqa: F401  while it can be read

    situations.codes()
    with ThreadPoolExecutor(1) as executor, warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        executor.submit(int).result()
        become_a_user()
        leave_room_for(4)
        for _ in range(2):
            executor.submit(team, 8).result()
            time.sleep(REMEMBERED)
        at_limit = situations.codes()
        leave_room_for(1000)
        executor.submit(team, 8).result()
        lifted = situations.codes()
    words = [[type(one.message).__name__, str(one.message)] for one in seen]
    return words, at_limit, lifted


def torchs_pool_at_a_limit(n):
    """Let torch build a pool, and launch where no more threads can be had; torch goes on in it."""
    become_a_user()
    forks.torch_runs(n)
    pool = forks.tasks()
    leave_room_for(0)
    ran = team(n)
    forks.torch_runs(n)
    assert pool <= forks.tasks()
    leave_room_for(1000)
    time.sleep(REMEMBERED)
    return [ran, team(n, 10), len(forks.tasks() - pool)]


def another_pool_at_a_limit(import_torch):
    """Launch on a thread that has a pool, and again once launches have moved to torch's runtime.

    No more threads can be had then; return how many ran each. A thread builds a pool once it has
    launched often.
    """

    def team_at_last(seconds):
        numba.set_num_threads(2)
        for _ in range(70):
            kernels.system_threads(2)
        return team(2, seconds)

    with ThreadPoolExecutor(1) as executor:
        before = executor.submit(team_at_last, 10).result()
        import_torch()
        become_a_user()
        leave_room_for(0)
        return [before, executor.submit(team_at_last, 0.1).result()]


def nested_at_a_limit(rows):
    """Launch inside a launch where nested regions may be active; fail if anything is wrong."""
    import openmp

    openmp.bound().set_max_active_levels(2)
    openmp.bound().set_nested(1)
    kernels.nested_ids.compile("(int64, int64)")
    become_a_user()
    leave_room_for(6)
    numba.set_num_threads(4)
    for _ in range(3):
        outer, inner = kernels.nested_ids(rows, 4)
        assert sorted(set(outer.tolist())) == list(range(4))
        assert all(row.tolist() == [0, 1, 2, 3] for row in inner)
        time.sleep(REMEMBERED / 2)
