"""Rules on the threads that the system gives."""

from collections.abc import Iterator

from numba_ompsafe._report.record import Conflict, Report


def threads_missing(report: Report) -> Iterator[Conflict]:
    """A launch of the layer ompsafe could not have its threads, and none has had as many since."""
    shortage = report.layer.shortage
    if shortage is not None:
        yield conflict(shortage.asked, shortage.had)


def conflict(asked: int, had: int) -> Conflict:
    """Return what is to be said of a launch that asked for more threads than it had."""
    return Conflict(
        code="threads-missing",
        severity="severe",
        found=(
            f"a launch asked for {asked} threads and had {had}, since the system gave no more: the "
            "user's processes and threads (ulimit -u) or those of the container (pids.max of its "
            "cgroup) are as many as they may be, or there is no memory for stacks"
        ),
        effect=(
            "parallel calls run on fewer threads or on one; torch and other libraries, whose "
            "threads are missing as well, may end the process (libgomp: Thread creation failed)"
        ),
        remedy=(
            "raise the limit (ulimit -u, docker run --pids-limit, TasksMax= of a systemd unit), "
            f"start fewer processes, or ask for fewer threads: numba.set_num_threads({had})"
        ),
    )
