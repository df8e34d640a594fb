"""Random programs that do to the layer, in any order, all that a process can do to it.

``python -m stress --seconds N --seed S`` in the folder ``tests`` runs one program after the other,
each in a process of its own. A program that fails is made as short as it can be and still fail, and
is printed as what ``--program`` takes.

- ``programs``: what a program is, and how one is drawn from a seed;
- ``outcomes``: runs one in a process, and says how it ended;
- ``shrinking``: makes one that fails shorter;
- ``run``: what that process runs; with ``actors``, its threads, ``acts``, what they do and check,
  and ``stress_kernels``, what they launch.
"""
