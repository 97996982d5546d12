"""The pool for asyncio: the same settings and guarantees, one pool for each event loop, on python-oracledb's thin mode.

It pools single connections of `oracledb.connect_async` itself, and does not stand on `oracledb.create_pool_async`. In
thin mode a native pool is a list in this process, of which the database knows nothing; and that one was measured to let
one dead session hold up all tasks. With one session idle, the server frozen, and another session

- dropped: `acquire` of the idle one had not returned after 3 s (3.4.2 and 26.1; it logs off with its lock in hand);
- released with open work: the same (3.4.2; it rolls back with its lock in hand).

A session that the server had ended just before was handed out by all three versions, since they take its end from the
event loop, which had not read it yet; by 2.5.1 also later, and the statement on it waited for ever. A cancelled log-on
went on without its caller. And one task logs on and pings for all, one session after the other (by its source).

What pooling ourselves costs: sessions of pooled servers (DRCP) keep their server while they are idle here.

What is not watched: calls of the driver's other objects, such as the read() of a LOB or the methods of a queue. They
are bounded by `call_timeout`, as the driver does that; one that is cancelled waits for the server, as the driver does
that too.
"""
