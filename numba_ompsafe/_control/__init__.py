"""Room: thread counts in the program's own words, for a block, a thread or the whole process.

It imports ``_layer`` and ``_process``, and knows nothing of reports.
"""
