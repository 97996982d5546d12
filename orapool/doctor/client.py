"""The driver and Oracle Client: are they here, which versions, and from where."""

from __future__ import annotations

import ctypes.util
import os
import platform
import sys
from collections.abc import Iterator
from pathlib import Path

from orapool.doctor.case import Case
from orapool.doctor.findings import Finding, bad, good, warning
from orapool.drivers import find_driver
from orapool.errors import ConfigurationError

NAMES = {"cx_oracle": "cx_Oracle", "oracledb": "python-oracledb"}
_MOST_SHOWN = 3


def check(case: Case) -> Iterator[Finding]:
    """The driver that the settings name, or that is found; and what Oracle Client has left behind."""
    name = case.settings.driver if case.settings else "auto"
    thick = case.settings.thick if case.settings else False
    try:
        case.driver = driver = find_driver(name, thick)
    except ConfigurationError as error:
        cause = error.__cause__
        more = [f"the driver says: {cause}"] if cause is not None else []
        yield bad("driver", f"driver={name} cannot be used", str(error), *more, *_surroundings())
        return
    version = f"{NAMES.get(driver.name, driver.name)} {driver.version}"
    python = f"Python {platform.python_version()}"
    client = driver.client_version
    if client is None:
        how = "thin: it needs no Oracle Client"
        if name == "auto":
            how += ", and driver is auto: cx_Oracle, or its Oracle Client, was not found"
        yield good(f"{version}, {how}; {python}", driver=driver.name, version=driver.version, client=None)
    else:
        libraries = _loaded("libclntsh") or ["its library's path is not known here"]
        more = [libraries[0], *(_loaded("libaio") or _libaio())]
        told = ".".join(map(str, client))
        yield good(
            f"{version} on Oracle Client {told}; {python}",
            *more,
            driver=driver.name,
            version=driver.version,
            client=told,
            library=libraries[0],
        )
    yield from _litter()


def _loaded(name: str) -> list[str]:
    """The paths of a library that this process has loaded."""
    try:
        lines = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    paths = dict.fromkeys(line.split(maxsplit=5)[-1] for line in lines if f"{name}.so" in line.rpartition("/")[2])
    return list(paths)


def _libaio() -> list[str]:
    if sys.platform != "linux":
        return []
    found = ctypes.util.find_library("aio")
    return [f"{found}, not needed by this version"] if found else []


def _surroundings() -> tuple[str, ...]:
    """Where Oracle Client would be looked for."""
    told = [f"LD_LIBRARY_PATH is {os.environ.get('LD_LIBRARY_PATH') or 'not set'}"]
    if sys.platform == "linux" and not ctypes.util.find_library("aio"):
        told.append("libaio is not found, which Oracle Client needs: install libaio1 (Debian) or libaio (RPM)")
    return tuple(told)


def _litter() -> Iterator[Finding]:
    """Oracle Client writes folders of diagnostics into the user's home."""
    try:
        found = sorted(path for path in Path.home().glob("oradiag_*") if path.is_dir())
    except (OSError, RuntimeError):  # there is no home
        return
    if found:
        shown = ", ".join(map(str, found[:_MOST_SHOWN])) + (" and others" if len(found) > _MOST_SHOWN else "")
        yield warning(
            f"Oracle Client has left diagnostics in {shown}",
            "remove them, and set DIAG_ADR_ENABLED=OFF in the sqlnet.ora of TNS_ADMIN, so that they do not grow",
            folders=list(map(str, found)),
        )
