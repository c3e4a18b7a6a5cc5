"""What pages ask: each a function of a connection, with an index of its own and rows of a type of its own.

Lists give 50 rows, by key (`conduit_web.lists`). They hold references, codes and times, never what people wrote.
"""
