"""Room: the thread settings of processes, told and judged: this one's (``here``), others'.

``facts`` reads them into what ``record`` holds, ``conflicts`` says what is wrong with a record,
``page`` writes it out, and ``warning`` is what the first launch has to say of it. It imports
``_layer`` and ``_process``, and changes nothing.
"""
