"""Fuzzing the sandbox: real conversations of both drivers, altered, and the readers of their messages.

`python -m tests.sandbox.fuzzing --minutes 30`, or `make fuzz`, runs it for long, tests/sandbox/test_fuzzing.py for a
while.
"""
