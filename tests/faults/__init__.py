"""Every fault of the network and the database that we know of, played on a pool: no dead session, no hang.

The bounds in seconds are promises to users, and stand in the README. Those of a single log-on are measured beside it.
"""
