"""Threads that are interrupted anywhere, so that races which need a switch at one certain place are met in a test."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, ModuleType
from typing import Any

ODDS = 0.1


@contextmanager
def interrupted_in(*modules: ModuleType) -> Iterator[None]:
    """Let threads that are started meanwhile give way to others at any instruction of `modules`, by chance."""

    files = {module.__file__ for module in modules}

    def trace(frame: FrameType, event: str, _argument: Any) -> Callable[..., Any] | None:
        if frame.f_code.co_filename not in files:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode" and random.random() < ODDS:
            time.sleep(0)
        return trace

    before = threading.gettrace() if hasattr(threading, "gettrace") else None
    threading.settrace(trace)
    try:
        yield
    finally:
        threading.settrace(before)
