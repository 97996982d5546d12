"""Which places are asked for settings, in which order."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Union

from orapool.sources import (
    CONFIG_VARIABLE,
    Source,
    read_database_variables,
    read_file,
    read_file_if_ours,
    read_mapping,
    read_variables,
)

Config = Union[Source, Mapping[Any, Any], str, "os.PathLike[str]"]


TOML_FILES = ("orapool.toml", "pyproject.toml")
INI_FILES = ("orapool.ini", "app.ini")
SHELL_FILES = (".env", "app.cfg")

_REPOSITORY = (".git", ".hg")


def find_sources(config: Config | None = None) -> list[Source]:
    """All places that may say something about pools; for each setting, the first that has it counts.

    They are: variables ``ORAPOOL_*``; the file that `config` or else the variable ORAPOOL_CONFIG names; the nearest of
    `TOML_FILES`, of `INI_FILES` and of `SHELL_FILES`; `config` where it is a mapping; SQLALCHEMY_DATABASE_URI and
    DATABASE_URL. The nearest file is looked for in the working directory, and where that is in a repository, in the
    folders above it up to the repository's own. Files that do not mention orapool or a database URL are passed over.

    Raises `ConfigurationError` for a file that cannot be read.
    """
    given = None if config is None else as_config(config)
    found: list[Source | None] = [read_variables(os.environ), _named_file(given)]
    folders = _folders()
    found += [_nearest(names, folders) for names in (TOML_FILES, INI_FILES, SHELL_FILES)]
    found += [given if isinstance(given, Source) else None, read_database_variables(os.environ)]
    sources: list[Source] = []
    for source in found:
        if source and source.label not in [other.label for other in sources]:
            sources.append(source)
    return sources


def as_config(config: Config) -> Source | Path:
    """`config`, to be used later too: a mapping as it is now, a path that does not depend on the working directory."""
    if isinstance(config, Source):
        return config
    if isinstance(config, Mapping):
        return read_mapping(config)
    return Path(config).expanduser().absolute()


def _named_file(config: Source | Path | None) -> Source | None:
    if isinstance(config, Path):
        return read_file(config, "config")
    named = os.environ.get(CONFIG_VARIABLE)
    return read_file(Path(named).expanduser().absolute(), f"variable {CONFIG_VARIABLE}") if named else None


def _nearest(names: tuple[str, ...], folders: list[Path]) -> Source | None:
    candidates = (read_file_if_ours(folder / name) for folder in folders for name in names)
    return next((source for source in candidates if source), None)


def _folders() -> list[Path]:
    """The working directory and, inside of a repository, the folders above it, the nearest first."""
    try:
        here = Path.cwd()
    except FileNotFoundError:  # it has been removed
        return []
    folders = [here, *here.parents]
    for number, folder in enumerate(folders, 1):
        if any((folder / name).exists() for name in _REPOSITORY):
            return folders[:number]
    return [here]
