"""orapool/sandbox/COMPATIBILITY.md, made of what each client's checks found last: a file of each in results/."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
TABLE = Path(__file__).parents[2] / "orapool" / "sandbox" / "COMPATIBILITY.md"

_HEAD = """\
# What other clients find in the sandbox

Made by `make compliance`, which runs SQLAlchemy's own tests, and one list of checks of ours with clients that others
wrote, all unmodified, over real sockets. The sandbox speaks as Oracle Database 19c; what that has not is left out, and
what a client has not. Of the rest, a check passes, is *refused* (the sandbox says ORA-03001 and does nothing), or
*fails* (the sandbox does other than Oracle).

| Checks | Client | Pass | Refused | Fail | Passed of those that apply | Left out |
|---|---|--:|--:|--:|--:|--:|
"""


@dataclass
class Found:
    """What came of the checks of one client.

    Attributes:
        checks: what was run, with its version.
        client: the client's name and version.
        passed: how many passed.
        refused: the names of those that the sandbox refused, with the reasons.
        failed: the names of those that failed, with the reasons.
        left_out: how many do not apply.
        lacking: what Oracle Database 19c, or the client, has not, so that checks are left out.
    """

    checks: str
    client: str
    passed: int
    refused: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    left_out: int = 0
    lacking: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        """The share of passed checks among those that apply."""
        return self.passed / max(1, self.passed + len(self.refused) + len(self.failed))


def load() -> list[Found]:
    """What was found last, of all clients."""
    return [Found(**json.loads(path.read_text())) for path in sorted(RESULTS.glob("*.json"))]


def save(name: str, found: Found) -> None:
    """Keep what was found with one client, under a name of its own, and make the table anew."""
    (RESULTS / f"{name}.json").write_text(json.dumps(asdict(found), indent=1, sort_keys=True) + "\n")
    TABLE.write_text(render(load()))


def render(clients: list[Found]) -> str:
    """The table, as Markdown."""
    text = _HEAD
    for found in clients:
        numbers = (
            f"{found.passed} | {len(found.refused)} | {len(found.failed)} | {_percent(found.share)} | {found.left_out}"
        )
        text += f"| {found.checks} | {found.client} | {numbers} |\n"
    text += "\n## Refused\n\n" + _reasons([(found.client, found.refused) for found in clients])
    text += "\n## Failed\n\n" + _reasons([(found.client, found.failed) for found in clients])
    text += "\n## Left out: what Oracle Database 19c, or the client, has not\n\n"
    text += "".join(f"- {reason}\n" for reason in sorted({reason for found in clients for reason in found.lacking}))
    return text.rstrip() + "\n"


def _percent(share: float) -> str:
    """Rounded down: 100 % is all of them."""
    return f"{int(share * 1000) / 10:.1f} %"


def _reasons(lists: list[tuple[str, dict[str, str]]]) -> str:
    """Each check once, with its reason and the clients."""
    clients: dict[tuple[str, str], list[str]] = {}
    for client, checks in lists:
        for name, reason in checks.items():
            clients.setdefault((name, reason), []).append(client)
    if not clients:
        return "None.\n"
    return "".join(f"- `{name}`: {reason} ({', '.join(who)})\n" for (name, reason), who in sorted(clients.items()))
