"""The sandbox's SQL engine: Oracle's SQL, answered by an embedded PostgreSQL."""

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql.backend import Backend
from orapool.sandbox.sql.engine import Engine
from orapool.sandbox.sql.identity import BASE_EDITION, ClientWatch, SessionIdentity
from orapool.sandbox.sql.lob_places import Place, PlacedValue, not_locked
from orapool.sandbox.sql.open_cursor import OpenCursor
from orapool.sandbox.sql.results import Outcome, ResultSet, RowStream
from orapool.sandbox.sql.routines import Routine
from orapool.sandbox.sql.rows import BindRows
from orapool.sandbox.sql.statement import Statement

__all__ = [
    "BASE_EDITION",
    "Backend",
    "BindRows",
    "ClientWatch",
    "Engine",
    "OpenCursor",
    "OracleError",
    "Outcome",
    "Place",
    "PlacedValue",
    "ResultSet",
    "Routine",
    "RowStream",
    "SessionIdentity",
    "Statement",
    "not_locked",
]
