"""What kernels ask of the system through the C library: a wait, the time, which thread runs."""

from numba import types

MONOTONIC = 1

usleep = types.ExternalFunction("usleep", types.int32(types.uint32))
gettid = types.ExternalFunction("gettid", types.int32())
clock_gettime = types.ExternalFunction("clock_gettime", types.int32(types.int32, types.voidptr))
