"""The settings in force, and where each was found."""

from __future__ import annotations

from collections.abc import Iterator

from orapool.doctor.case import Case
from orapool.doctor.findings import Finding, bad, good
from orapool.errors import ConfigurationError
from orapool.passwords import read_secret
from orapool.shown import in_force


def check(case: Case) -> Iterator[Finding]:
    """Each that is not at its default, with its source. A password file is read, and a password hook is not called."""
    if case.mistake is not None:
        places = tuple(f"looked at: {source}" for source in case.sources)
        advice = "correct it; `orapool config` shows what is found"
        yield bad("settings", " ".join(str(case.mistake).split()), advice, *places)
        return
    settings = case.known()
    if settings.password_file is not None:
        try:
            read_secret(settings.password_file, settings.origins["password_file"])
        except ConfigurationError as error:
            yield bad("settings", str(error), "let this user read the file, or name another")
            return
    shown, origins = in_force(settings), settings.origins
    own = {name: value for name, value in shown.items() if origins[name] != "default"}
    width = max((len(name) for name in own), default=0)
    widest = max((len(str(value)) for value in own.values()), default=0)
    lines = tuple(f"{name:<{width}}  {value!s:<{widest}}  {origins[name]}" for name, value in own.items())
    yield good(
        f"{len(own)} settings found, the others are at their defaults (`orapool config` shows all)",
        *lines,
        settings={name: {"value": value, "origin": origins[name]} for name, value in shown.items()},
    )
