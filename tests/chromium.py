"""A headless Chromium, driven over its own protocol through a pipe: no driver and no library is between."""

from __future__ import annotations

import base64
import itertools
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.waiting import until

_NAMES = ("chromium", "chromium-headless-shell", "chromium-browser", "google-chrome")
_PATIENCE = 60
_START = """
import fcntl, os, sys
commands, answers = (fcntl.fcntl(int(fd), fcntl.F_DUPFD, 10) for fd in sys.argv[1:3])
os.dup2(commands, 3)
os.dup2(answers, 4)
os.execvp(sys.argv[3], sys.argv[3:])
"""
"""Where the browser looks for its pipe."""


def find_chromium() -> str | None:
    """The program, where there is one."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


class Chromium:
    """A browser that runs, with one page in it.

    Attributes:
        problems: what its console had to complain of: errors of scripts, violated policies, what could not be loaded.
    """

    def __init__(self) -> None:
        program = find_chromium()
        if program is None:
            raise RuntimeError("the tests' browser is missing: apt-get install chromium")
        self._home = tempfile.mkdtemp(prefix="orapool-chromium-")
        commands, self._commands = os.pipe()
        self._answers, answers = os.pipe()
        options = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars")
        quiet = ("--no-first-run", "--disable-extensions", "--disable-background-networking", "--mute-audio")
        self._log = open(Path(self._home, "log"), "wb")  # noqa: SIM115
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-c", _START, str(commands), str(answers)),
                *(program, *options, *quiet, "--remote-debugging-pipe", f"--user-data-dir={self._home}"),
            ],
            pass_fds=(commands, answers),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            env={**os.environ, "HOME": self._home, "LANG": "C.UTF-8", "TZ": "UTC"},
        )
        os.close(commands)
        os.close(answers)
        self.problems: list[str] = []
        self._numbers = itertools.count(1)
        self._waiting: dict[int, queue.SimpleQueue[dict[str, Any]]] = {}
        self._reader = threading.Thread(target=self._read, name="chromium", daemon=True)
        self._reader.start()
        self._session: str | None = None
        target = self._do("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._do("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._do(f"{domain}.enable")

    def __enter__(self) -> Chromium:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End it."""
        os.close(self._commands)  # which ends it
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(10)
        os.close(self._answers)
        self._log.close()
        shutil.rmtree(self._home, ignore_errors=True)

    def _read(self) -> None:
        text = b""
        while part := os.read(self._answers, 1 << 16):
            *whole, text = (text + part).split(b"\0")
            for each in whole:
                self._take(json.loads(each))

    def _take(self, message: dict[str, Any]) -> None:
        what, told = message.get("method"), message.get("params", {})
        if "id" in message:
            self._waiting.pop(message["id"]).put(message)
        elif what == "Runtime.exceptionThrown":
            self.problems.append(str(told["exceptionDetails"]))
        elif what == "Runtime.consoleAPICalled" and told["type"] in ("error", "warning", "assert"):
            self.problems.append(str(told["args"]))
        elif what == "Log.entryAdded" and told["entry"]["level"] in ("error", "warning"):
            self.problems.append(f"{told['entry']['text']} {told['entry'].get('url', '')}")

    def _do(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        answer = self._waiting[number] = queue.SimpleQueue()
        message = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        try:
            found = answer.get(timeout=_PATIENCE)
        except queue.Empty:
            log = Path(self._home, "log").read_text(errors="replace")
            raise AssertionError(f"Chromium did not answer to {method} in {_PATIENCE} s: {log[-2000:]}") from None
        assert "error" not in found, (method, found)
        result: dict[str, Any] = found["result"]
        return result

    def open(self, url: str) -> int:
        """Load a page; returns its status."""
        self._do("Page.navigate", url=url)
        until(lambda: self.evaluate("location.href !== 'about:blank' && document.readyState === 'complete'"))
        return int(self.evaluate("performance.getEntriesByType('navigation')[0].responseStatus"))

    def set_cookie(self, url: str, name: str, value: str) -> None:
        """What it sends from now on."""
        self._do("Network.setCookie", url=url, name=name, value=value)

    def evaluate(self, script: str) -> Any:
        """The value of an expression in the page, or of what it promises."""
        found = self._do("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def texts(self, selector: str) -> list[str]:
        """The texts of the elements."""
        script = f"[...document.querySelectorAll({json.dumps(selector)})].map(each => each.textContent.trim())"
        found: list[str] = self.evaluate(script)
        return found

    def look(self, width: int, height: int, scheme: str = "light") -> None:
        """Have a window of such a size, and a scheme of colours."""
        self._do(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        self._do("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def point(self, selector: str, part: float) -> None:
        """Move the mouse over an element, to a part of its width."""
        box = self.evaluate(
            f"(() => {{ const box = document.querySelector({json.dumps(selector)}).getBoundingClientRect();"
            "return [box.x, box.y, box.width, box.height] })()"
        )
        x, y = box[0] + box[2] * part, box[1] + box[3] / 2
        self._do("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def press(self, key: str) -> None:
        """Press a key and let it go."""
        for kind in ("keyDown", "keyUp"):
            self._do("Input.dispatchKeyEvent", type=kind, key=key, code=key)

    def picture(self) -> bytes:
        """A PNG of what is to be seen."""
        return base64.b64decode(self._do("Page.captureScreenshot", format="png")["data"])

    def wait(self, script: str, seconds: float = 30) -> None:
        """Until an expression holds in the page."""
        deadline = time.monotonic() + seconds
        while not self.evaluate(script):
            assert time.monotonic() < deadline, f"{script} in {self.evaluate('document.body.innerText')}"
            time.sleep(0.05)
