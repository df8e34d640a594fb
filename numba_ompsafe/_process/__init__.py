"""Room: what is so in this process. It asks, and leaves all as it was; every room may ask it.

Which layer runs or is asked for, what the variables say, which libraries and runtimes are loaded,
what torch says, how the process came to be. It imports no other room.
"""
