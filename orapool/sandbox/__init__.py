"""An embedded server that speaks Oracle's own protocol, for demos, tests and fault injection.

It is not an Oracle database: it answers unmodified Oracle drivers over an embedded PostgreSQL, and says so when it
cannot do what is asked. Needs the extra ``sandbox``.
"""

from orapool.sandbox.control import SandboxError
from orapool.sandbox.errors import OracleError
from orapool.sandbox.functions import CallSession, InOut, Out, Query, Rows
from orapool.sandbox.process import DEMO_USERS, Sandbox
from orapool.sandbox.recorded import RecordedStatement
from orapool.sandbox.stats import Stats

__all__ = [
    "DEMO_USERS",
    "CallSession",
    "InOut",
    "OracleError",
    "Out",
    "Query",
    "RecordedStatement",
    "Rows",
    "Sandbox",
    "SandboxError",
    "Stats",
]
