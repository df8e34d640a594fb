"""The same random programs under Numba's own layers and under this one, and where they differ.

``python -m differences --programs N --seed S`` in the folder ``tests``. A program is a kernel with
random arguments, a number of threads and maybe a chunk size. Each layer runs it in a process of its
own. Where ``omp`` and ``workqueue`` agree, this layer has to agree with both.

- ``drawing``: what is drawn from a program's seed, most of all arrays of all layouts;
- ``kernels``: what a kernel is, and how it is compiled;
- ``loops``, ``reductions``, ``arrays``, ``nested``, ``ufuncs``, ``gufuncs``: kernels by hand;
- ``templates``: kernels made up from a seed;
- ``programs``: all kernels, and what a program calls one of them with;
- ``child``: what the process of a layer runs; with ``digests``, what it tells of each program;
- ``layers``: runs such a process, and finds the program that ends it or never ends;
- ``comparing``: the rule, and running what broke it again;
- ``known``: differences that are meant.
"""
