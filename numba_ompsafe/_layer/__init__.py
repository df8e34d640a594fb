"""Room: the layer as Numba has it. Acts: hooks Numba, launches, binds a runtime, minds forks.

A launch goes down ``hook``, ``choice``, ``launch``, ``load``, ``runtime``, and from there into
``csrc``. It imports ``_process``; the rooms of what is said of the process or to it are above it.
"""
