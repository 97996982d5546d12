"""Tests that are coroutines run in an event loop of their own, which `asyncio.run` ends, and the pools with it."""

from __future__ import annotations

import asyncio
import gc
import inspect
import warnings
from collections.abc import Callable, Iterator

import pytest

import orapool
from orapool import pools
from orapool.aio.session_pool import AsyncPool
from orapool.sandbox import Sandbox
from orapool.settings import load_settings

MakePool = Callable[..., AsyncPool]


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a coroutine; what it leaves behind unclosed or unawaited fails it."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.obj).parameters}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        warnings.simplefilter("always", RuntimeWarning)
        gc.freeze()  # what is there already is not gone through for garbage
        try:
            asyncio.run(asyncio.wait_for(pyfuncitem.obj(**arguments), 60))
            gc.collect()
        finally:
            gc.unfreeze()
    left = [str(each.message) for each in caught if each.category in (ResourceWarning, RuntimeWarning)]
    assert left == []
    return True


@pytest.fixture
def make_pool(sandbox: Sandbox) -> MakePool:
    """Makes pools of scott on the sandbox, with the given settings, in the event loop that runs."""

    def make_pool(**changes: object) -> AsyncPool:
        settings = {"dsn": sandbox.dsn, "user": "scott", "password": "tiger", "driver": "oracledb", **changes}
        return AsyncPool(load_settings("test", **settings), "test")

    return make_pool


@pytest.fixture
def configured(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """The default pool is configured for scott on the sandbox, with at most 3 sessions."""
    monkeypatch.setattr(pools, "_settings", {})
    monkeypatch.setattr(pools, "_config", None)
    orapool.configure(dsn=sandbox.dsn, user="scott", password="tiger", driver="oracledb", max=3, acquire_timeout=5)
    yield sandbox
    orapool.close()
