"""Oracle Client for cx_Oracle where none is installed: Instant Client 19.3 out of the wheel PyOracleClient.

cx_Oracle needs Oracle's C libraries, and Linux looks for them along LD_LIBRARY_PATH as it was when the process
started: nothing done later from within Python helps. So this module makes a folder of links to the wheel's libraries
and offers two ways to start a process that sees it: `python -m orapool.sandbox.instant_client exec COMMAND ...`, and
`reexec()` for commands that replace themselves. An Oracle Client of the user's own is used as it is.

The wheel itself is never altered, nor imported (its import writes files into itself). It has three shortcomings that
the folder makes up for: its links (libclntsh.so and so on) are small text files; it lacks libaio.so.1, which not
every system has; and with no sqlnet.ora Oracle Client writes an oradiag_* folder into the user's home on errors.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import hashlib
import importlib.util
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger("orapool.sandbox")

PACKAGE = "pyoracleclient"
LIBRARY = "libclntsh.so.19.1"
ALIASES = ("libclntsh.so", "libclntsh.so.18.1", "libclntsh.so.12.1")
# The names that ODPI-C (below cx_Oracle) tries, in its order.
CLIENT_NAMES = ("libclntsh.so", "libclntsh.so.19.1", "libclntsh.so.18.1", "libclntsh.so.12.1", "libclntsh.so.11.1")


@dataclass(frozen=True)
class SystemLibrary:
    """A library that Instant Client links against and not every system has."""

    name: str
    renamed: str  # the name that Debian 13 and Ubuntu 24.04 give to the same library
    packages: tuple[str, ...]  # of Debian and Ubuntu
    advice: str


SYSTEM_LIBRARIES = (
    SystemLibrary(
        "libaio.so.1",
        "libaio.so.1t64",
        ("libaio1", "libaio1t64"),
        "install the package libaio1 or libaio1t64 (Debian, Ubuntu), libaio (Fedora, RHEL)",
    ),
    SystemLibrary(
        "libnsl.so.1",
        "libnsl.so.1",
        (),
        "install the package libc6 (Debian, Ubuntu), libnsl (Fedora, RHEL)",
    ),
)

SQLNET_ORA = """\
# Written by orapool: without these lines Oracle Client leaves an oradiag_* folder in the home folder on errors.
DIAG_ADR_ENABLED = OFF
DIAG_DDE_ENABLED = FALSE
"""

# Set in a process that reexec() started, so that it does not start itself for ever.
GUARD = "ORAPOOL_CLIENT_REEXEC"


class ClientUnavailableError(RuntimeError):
    """Oracle Client cannot be had here; the message says in one line what is lacking and how to get it."""


def loadable() -> bool:
    """Tell whether this process can load an Oracle Client now, the user's own or the wheel's."""
    folders = ("", *(f"{home}/lib/" for home in (os.environ.get("ORACLE_HOME"),) if home))
    return any(_loads(folder + name) for folder in folders for name in CLIENT_NAMES)


def wheel() -> Path | None:
    """Return the folder of the libraries in the installed wheel, None where it is not installed."""
    spec = importlib.util.find_spec(PACKAGE)  # finds a top-level package without importing it
    for location in (spec.submodule_search_locations if spec else None) or ():
        folder = Path(location) / "instantclient"
        if (folder / LIBRARY).is_file():
            return folder
    return None


def folder() -> Path:
    """Return the folder for the links, made or not: ORAPOOL_CLIENT_DIR, or one in the user's cache for each wheel."""
    chosen = os.environ.get("ORAPOOL_CLIENT_DIR")
    if chosen:
        return Path(chosen).expanduser().resolve()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    source = hashlib.sha256(str(wheel()).encode()).hexdigest()[:12]
    return cache / "orapool" / f"instantclient-19.3-{source}"


def prepare() -> Path:
    """Make the folder ready to stand in LD_LIBRARY_PATH, and return it. Quick when it is ready already.

    Several processes may do so at once. Raises ClientUnavailableError.
    """
    source = wheel()
    if source is None:
        raise ClientUnavailableError(
            "Oracle Client is not installed, and neither is PyOracleClient, which brings one for x86-64 Linux:"
            " pip install 'orapool[instant-client]'"
        )
    target = folder()
    try:
        (target / "network" / "admin").mkdir(mode=0o700, parents=True, exist_ok=True)
        with _lock(target):
            for library in source.glob("lib*.so*"):
                with library.open("rb") as file:
                    if file.read(4) == b"\x7fELF":  # the wheel's links are text files: left out
                        _link(target / library.name, library)
            for alias in ALIASES:
                _link(target / alias, Path(LIBRARY))
            _write(target / "network" / "admin" / "sqlnet.ora", SQLNET_ORA)
            for needed in SYSTEM_LIBRARIES:
                _provide(needed, target)
    except OSError as error:
        raise ClientUnavailableError(
            f"cannot make a folder for Oracle Client: {error}; set ORAPOOL_CLIENT_DIR to a folder that can be written"
        ) from error
    return target


def environment(base: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment (`base`, or this process's) for a process that is to find Oracle Client.

    It is unchanged where an Oracle Client is found without help. Raises ClientUnavailableError.
    """
    variables = dict(os.environ if base is None else base)
    if not loadable():
        path = variables.get("LD_LIBRARY_PATH")
        variables["LD_LIBRARY_PATH"] = f"{prepare()}:{path}" if path else str(prepare())
    return variables


def reexec(arguments: Sequence[str] | None = None) -> None:
    """Start this process anew, once, so that it finds Oracle Client; return at once where it does already.

    `arguments` is the command line for the interpreter, by default the one this process was started with. For commands
    only, before they do any work: nothing of the running program is kept. Raises ClientUnavailableError.
    """
    if loadable():
        os.environ.pop(GUARD, None)
        return
    if os.environ.get(GUARD):
        raise ClientUnavailableError(f"Oracle Client in {folder()} cannot be loaded: {_reason()}")
    variables = environment()
    variables[GUARD] = "1"
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os.execve(sys.executable, [sys.executable, *(_command_line() if arguments is None else arguments)], variables)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the module's command line: `path` prints the folder, `exec COMMAND ...` runs a command that sees it."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        if given == ["path"]:
            print(prepare())
            return 0
        if len(given) > 1 and given[0] == "exec":
            os.execvpe(given[1], given[1:], environment())
    except ClientUnavailableError as error:
        print(f"orapool: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"orapool: {given[1]}: {error.strerror}", file=sys.stderr)
        return 127
    print("usage: python -m orapool.sandbox.instant_client path | exec COMMAND [ARGUMENT ...]", file=sys.stderr)
    return 2


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def _reason() -> str:
    try:
        ctypes.CDLL(CLIENT_NAMES[0])
    except OSError as error:
        return str(error)
    return "no reason given"


def _command_line() -> list[str]:
    original = getattr(sys, "orig_argv", None)  # Python 3.10 and later
    if original:
        return list(original[1:])
    module = getattr(sys.modules["__main__"], "__spec__", None)
    if module is None:
        return list(sys.argv)
    name = module.name[: -len(".__main__")] if module.name.endswith(".__main__") else module.name
    return ["-m", name, *sys.argv[1:]]


@contextlib.contextmanager
def _lock(target: Path) -> Iterator[None]:
    with (target / ".lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # released when the file is closed
        yield


def _link(link: Path, to: Path) -> None:
    # Made aside and moved into place: a process that loads the library meanwhile sees the old link or the new one.
    with contextlib.suppress(OSError):
        if os.readlink(link) == str(to):
            return
    aside = link.with_name(f".{link.name}.new")
    with contextlib.suppress(FileNotFoundError):
        aside.unlink()
    aside.symlink_to(to)
    aside.replace(link)


def _write(path: Path, text: str) -> None:
    if path.exists():  # perhaps with lines of the user's own
        return
    aside = path.with_name(f".{path.name}.new")
    aside.write_text(text, encoding="ascii")
    aside.replace(path)


def _provide(needed: SystemLibrary, target: Path) -> None:
    """Put a link to a system library into `target`, unless the system has it under the name that is looked for."""
    if _loads(needed.name) or (target / needed.name).exists():
        return
    present = _system_file(needed.renamed)
    if present is not None:
        _link(target / needed.name, present)
        return
    if needed.packages and shutil.which("apt-get") and shutil.which("dpkg"):
        log.info("orapool: no %s on this system: fetching it with apt-get, for Oracle Client only", needed.name)
        with tempfile.TemporaryDirectory(prefix="orapool-apt-") as scratch:
            for library in _fetch(needed.packages, Path(scratch)):
                if library.name in (needed.name, needed.renamed):
                    kept = target / f"fetched-{needed.name}"
                    shutil.copyfile(library, target / ".fetched.new")
                    (target / ".fetched.new").replace(kept)
                    _link(target / needed.name, Path(kept.name))
                    return
    raise ClientUnavailableError(f"Instant Client needs {needed.name}, which this system lacks: {needed.advice}")


def _system_file(name: str) -> Path | None:
    for place in ("/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/usr/lib"):
        path = Path(place, name)
        if path.is_file():
            return path
    return None


def _fetch(packages: Sequence[str], scratch: Path) -> Iterator[Path]:
    """Yield the files of the first of `packages` that apt can download: unpacked in `scratch`, nothing is installed."""
    lists = scratch / "lists"
    # First with the package lists that the machine has, then with fresh ones kept apart: neither needs root.
    for options in ((), ("-o", f"Dir::State::Lists={lists}", "-o", f"Dir::Cache={scratch / 'cache'}")):
        if options:
            (lists / "partial").mkdir(parents=True)
            (scratch / "cache" / "archives" / "partial").mkdir(parents=True)
            _run(["apt-get", *options, "-o", "APT::Sandbox::User=root", "-o", "Debug::NoLocking=1", "update"], scratch)
        for package in packages:
            unpacked = scratch / package
            if not _run(["apt-get", *options, "-o", "APT::Sandbox::User=root", "download", package], scratch):
                continue
            for archive in scratch.glob("*.deb"):
                if _run(["dpkg", "-x", str(archive), str(unpacked)], scratch):
                    yield from unpacked.rglob("*.so*")
                archive.unlink()


def _run(command: Sequence[str], scratch: Path) -> bool:
    try:
        done = subprocess.run(
            command,
            cwd=scratch,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        log.debug("%s: %s", command[0], error)
        return False
    log.debug("%s: %s", " ".join(command), done.stdout)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
