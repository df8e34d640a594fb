"""What kernels ask of the system through the C library: a wait, the time, who runs, bytes."""

from numba import types

MONOTONIC = 1

usleep = types.ExternalFunction("usleep", types.int32(types.uint32))
gettid = types.ExternalFunction("gettid", types.int32())
sched_getcpu = types.ExternalFunction("sched_getcpu", types.int32())
getpid = types.ExternalFunction("getpid", types.int32())
read = types.ExternalFunction("read", types.int64(types.int32, types.voidptr, types.int64))
clock_gettime = types.ExternalFunction("clock_gettime", types.int32(types.int32, types.voidptr))
