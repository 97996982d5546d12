"""The versions that orapool runs on: `make versions` tests all of them, `nox -s incident` one.

`nox -s incident -- tests -k fork` chooses other tests. `make test` makes the environments of those that CI runs, and
tests/test_versions.py runs them.
"""

from __future__ import annotations

import functools
import glob
import os
import shutil
import subprocess
from dataclasses import dataclass, field

import nox

nox.options.default_venv_backend = "uv"
nox.options.reuse_venv = "yes"
os.environ["UV_PYTHON_DOWNLOADS"] = "never"  # the interpreter that is there, or none

POOL = ["tests/test_session_pool.py", "tests/test_health.py", "tests/test_sockets.py", "tests/test_fork.py"]
WAYS_IN = [
    "tests/test_alchemy.py",
    "tests/frames/test_reading.py",
    "tests/frames/test_types.py",
    "tests/test_flask.py",
    "tests/test_orapool_flask.py",
    "tests/test_status_page.py",
    "tests/test_incident.py",
]
ASYNCIO = ["tests/aio/test_alchemy.py", "tests/aio/test_session_pool.py", "tests/aio/test_cancellation.py"]
SANDBOX = ["tests/sandbox/test_session.py", "tests/sandbox/test_faults.py"]
OTHERS = [
    "tests/test_leaks.py",
    "tests/test_top.py",
    "tests/test_retries.py",
    "tests/test_pools.py",
    "tests/test_users.py",
    "tests/pooling/test_session_setup.py",
]
WITHOUT_ASYNCIO = [*POOL, *WAYS_IN, *ASYNCIO[1:], *SANDBOX, *OTHERS]
"""For SQLAlchemy 1.x, which has none."""
EVERYTHING = [*POOL, *WAYS_IN, *ASYNCIO, *SANDBOX, *OTHERS]


@dataclass(frozen=True)
class Stack:
    """Versions that are used together.

    Attributes:
        python: its version; None: the one that runs nox.
        packages: what is not to be the newest.
        files: tests that run on it, unless the command line names some.
        select: pytest's -k.
        variables: of the tests' environment.
    """

    python: str | None = None
    packages: tuple[str, ...] = ()
    files: list[str] = field(default_factory=lambda: EVERYTHING)
    select: str = ""
    variables: dict[str, str] = field(default_factory=dict)


FLASK_1 = (
    *("Flask-SQLAlchemy==2.4.4", "Flask==1.1.2", "Werkzeug==1.0.1", "Jinja2==2.11.3", "MarkupSafe==1.1.1"),
    *("itsdangerous==1.1.0", "click==7.1.2", "setuptools<81"),  # Flask 1 finds commands by pkg_resources
)
DASK = ("dask[dataframe]", "distributed")
FLASK_2 = ("Flask-SQLAlchemy==2.5.1", "Flask==2.2.*", "Werkzeug==2.2.*")
NUMPY_1 = ("numpy<2", "pyarrow<22")  # newer ones need NumPy 2
PANDAS_1 = ("pandas==1.5.3", *NUMPY_1)

THICK = {"ORAPOOL_THICK": "true"}
"""Has python-oracledb in thick mode, in all tests."""

STACKS = {
    # CI has these.
    "incident": Stack(
        "3.9",
        ("SQLAlchemy==1.3.22", *FLASK_1, *PANDAS_1, "cx_Oracle==8.3.0", "oracledb==2.5.1"),
        ["tests/test_session_pool.py", "tests/test_sockets.py", *WAYS_IN, "tests/aio/test_cancellation.py", *SANDBOX],
    ),
    "middle": Stack(
        None,
        ("SQLAlchemy==2.0.*", "pandas==2.3.*", "oracledb==3.4.2"),
        [*POOL[:1], *POOL[2:3], *WAYS_IN[:2], "tests/aio/test_alchemy.py", "tests/aio/test_cancellation.py"],
    ),
    # The newest packages, as `make test` has them for all tests, on the newest Python.
    "newest": Stack("3.13", (), ["tests/test_session_pool.py", *WAYS_IN[:2], "tests/aio/test_cancellation.py"]),
    "thick": Stack(None, DASK, [*POOL, "tests/frames/test_reading.py"], variables=THICK),
    # The rest.
    "sqlalchemy-1.4": Stack("3.10", ("SQLAlchemy==1.4.*", *FLASK_2, *PANDAS_1, "oracledb==2.5.1"), WITHOUT_ASYNCIO),
    "pandas-2.0": Stack(
        "3.11", ("SQLAlchemy==1.4.*", *FLASK_2, "pandas==2.0.3", *NUMPY_1, "oracledb==3.4.2"), WITHOUT_ASYNCIO
    ),
    "pandas-2.3": Stack("3.12", ("SQLAlchemy==2.0.*", "pandas==2.3.*", "oracledb==3.4.2")),
    "thick-2.5": Stack("3.9", ("oracledb==2.5.1",), [*POOL, *WAYS_IN, "tests/faults"], variables=THICK),
    "thick-3.4": Stack("3.12", ("oracledb==3.4.2",), [*POOL, *WAYS_IN, "tests/faults"], variables=THICK),
    "thick-newest": Stack(
        "3.13", DASK, [*POOL, *WAYS_IN, *OTHERS, "tests/faults", "tests/frames"], "not pooled", THICK
    ),
    "python-3.9": Stack("3.9", ("celery", "gunicorn", *DASK), ["tests", "--ignore=tests/test_versions.py"]),
    "python-3.10": Stack("3.10"),
    "python-3.11": Stack("3.11"),
    "python-3.12": Stack("3.12"),
    "python-3.13": Stack("3.13"),
}


@functools.cache
def find_python(version: str) -> str | None:
    """The path of an interpreter of this version that runs: along PATH, of pyenv's, or of uv's."""
    name = f"python{version}"
    folders = os.environ.get("PATH", "").split(os.pathsep)
    folders += glob.glob(os.path.expanduser(f"{os.environ.get('PYENV_ROOT', '~/.pyenv')}/versions/{version}.*/bin"))
    folders += glob.glob(os.path.expanduser(f"~/.local/share/uv/python/cpython-{version}.*/bin"))
    for folder in folders:
        path = shutil.which(name, path=folder)
        # What pyenv puts along PATH only tells that the version is not switched on.
        if path and subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode == 0:
            return path
    return None


def add_session(name: str, stack: Stack) -> None:
    """Have nox know of a stack."""
    python = find_python(stack.python) if stack.python else None
    missing = stack.python is not None and python is None

    @nox.session(name=name, python=False if missing else python)
    def run(session: nox.Session) -> None:
        if missing:
            told = f"no Python {stack.python} on this machine, along PATH or of pyenv's or uv's"
            (session.error if os.environ.get("CI") == "true" else session.skip)(told)
        session.install(
            *("--editable", ".[cx_oracle,oracledb,pandas,polars,progress,flask,sandbox,instant-client]"),
            *("greenlet", "hypothesis", "pytest>=8", "pytest-timeout>=2.3"),
            *stack.packages,
        )
        session.run(
            *("python", "-m", "orapool.sandbox.instant_client", "exec", "python", "-m", "pytest"),
            *("-p", "no:cacheprovider", "-q"),
            *(["-k", stack.select] if stack.select else []),
            *(session.posargs or stack.files),
            env=stack.variables,
        )


for _name, _stack in STACKS.items():
    add_session(_name, _stack)
