"""Reports on the thread settings of processes: of this one (``here``), of others (``elsewhere``).

``record`` says what a report holds, and ``conflicts`` what may be wrong with it.
"""
