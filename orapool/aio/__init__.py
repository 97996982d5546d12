"""The pool for asyncio: the same settings and guarantees, one pool for each event loop, on python-oracledb's thin mode.

It pools single connections of `oracledb.connect_async` itself, and does not stand on `oracledb.create_pool_async`. In
thin mode a native pool is a list in this process, of which the database knows nothing; and that one, by its source and
measured on 2.5.1, 3.4.2 and 26.1 (benchmarks/async_native_pool.py), has three places where one dead session holds up
all callers:

- it rolls back and logs off with its lock in hand, which each acquire and each release needs, and without a limit;
- one task of its own logs on and pings for all, one after the other, so that a mute log-on stops those who need none;
- it takes the end of an idle session from the event loop only, which may not have read it, or in 2.5.1 not at all.

What that costs: sessions of pooled servers (DRCP) keep their server while they are idle here.
"""
