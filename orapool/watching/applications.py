"""The pools of one application: of this process, and of those that work beside it, as a server's workers do.

Processes belong together that run the same program (interpreter and arguments) and of which one has started the other,
or both have the same master: see `Origin` in processes.py. So gunicorn's workers do, with their master, and those of
uWSGI, Apache, uvicorn and Celery, and children of multiprocessing. Another server, another script, or a second start of
the same, by a shell or by systemd, does not, though its user is the same.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from orapool import pools
from orapool.errors import ConfigurationError
from orapool.layers import pool_names
from orapool.settings import KNOWN
from orapool.sources import DEFAULT
from orapool.watching.processes import Identity, Origin, find_origin, identify
from orapool.watching.published import Published, read


def read_application() -> list[Published]:
    """The pools that the processes of this application have published, wherever its settings have them published.

    Those of pools that this process has not used itself are among them.
    """
    with contextlib.suppress(ConfigurationError):
        for name in {DEFAULT, *pool_names(pools.sources(), KNOWN)} - set(pools.configured()):
            with contextlib.suppress(ConfigurationError):
                pools.settings_of(name)
    places = {None, *(settings.publish_dir for settings in pools.configured().values())}
    found = {published.key: published for place in places for published in read(place)}
    return of_application(found.values(), identify(), find_origin())


def of_application(found: Iterable[Published], process: Identity, origin: Origin) -> list[Published]:
    """Those of them that belong to the application of a process, by process."""
    same = [each for each in found if each.origin is not None and each.origin.program == origin.program]
    together = {process, *([origin.parent] if origin.parent else [])}
    while True:
        joined = {related for each in same for related in _relations(each) if not together.isdisjoint(_relations(each))}
        if joined <= together:
            break
        together |= joined
    return sorted(
        (each for each in same if each.process in together),
        key=lambda each: (each.process.pid, each.about.pool, each.key),
    )


def _relations(published: Published) -> set[Identity]:
    parent = published.origin.parent if published.origin else None
    return {published.process, *([parent] if parent else [])}
