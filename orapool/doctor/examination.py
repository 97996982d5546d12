"""The checks in their order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from orapool.doctor import client, configuration, descriptor, limits, listener, log_on, network, sizes, time_outs
from orapool.doctor.case import Case
from orapool.doctor.findings import Finding, Verdict, bad, skipped


@dataclass(frozen=True)
class Check:
    """A check, and those others without which it cannot be made."""

    name: str
    run: Callable[[Case], Iterator[Finding]]
    needs: tuple[str, ...] = ()


CHECKS = (
    Check("driver", client.check),
    Check("settings", configuration.check),
    Check("descriptor", descriptor.check, ("settings",)),
    Check("name", network.check_names, ("descriptor",)),
    Check("address", network.check_addresses, ("name",)),
    Check("listener", listener.check_listeners, ("address",)),
    Check("service", listener.check_services, ("listener",)),
    Check("log-on", log_on.check, ("driver", "service")),
    Check("server", limits.check_version, ("log-on",)),
    Check("limits", limits.check_limits, ("log-on",)),
    Check("time-outs", time_outs.check, ("descriptor",)),
    Check("sizing", sizes.check, ("settings",)),
)
"""In order: what a later one needs, an earlier one has found."""
ALL = tuple(each.name for each in CHECKS)
WAY = ("driver", "settings", "descriptor", "name", "address", "listener", "service", "log-on")
"""Those that lead to a session."""


def examine(case: Case, names: tuple[str, ...] = ALL) -> Iterator[Finding]:
    """Make the checks of these names, and yield what each finds as soon as it is known.

    Each step ends within about `case.timeout`, and none raises because of what it finds. The connection stays open
    until `case.close`.

    >>> for finding in examine(Case("default", load_settings)):
    ...     print(finding.check, finding.verdict.value, finding.found)
    """
    failed: dict[str, str] = {}
    for check in CHECKS:
        if check.name not in names:
            continue
        because = next((failed[need] for need in check.needs if need in failed), None)
        if because is not None:
            failed[check.name] = because
            yield replace(skipped(f"not looked at, since an earlier step failed: {because}"), check=check.name)
            continue
        try:
            for finding in check.run(case):
                if finding.verdict is Verdict.BAD:
                    failed.setdefault(check.name, finding.fault)
                yield replace(finding, check=check.name)
        except Exception as error:  # of a check itself: the others go on
            failed[check.name] = check.name
            told = f"the check itself failed: {type(error).__name__}: {error}"
            yield replace(bad(check.name, told, "please report it"), check=check.name)
