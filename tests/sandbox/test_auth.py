"""The password verifier: what a client must know to be let in."""

from __future__ import annotations

from orapool.sandbox.auth import Challenge, Verifier


def test_the_verifier_shows_no_password() -> None:
    assert "tiger" not in repr(Verifier.of("SCOTT", "tiger"))


def test_each_challenge_is_new() -> None:
    verifier = Verifier.of("SCOTT", "tiger")
    assert Challenge(verifier).pairs()[0] != Challenge(verifier).pairs()[0]


def test_an_answer_that_is_no_answer_is_refused() -> None:
    challenge = Challenge(Verifier.of("SCOTT", "tiger"))
    assert challenge.accept({}) is None
    assert challenge.accept({"AUTH_SESSKEY": "zz", "AUTH_PASSWORD": ""}) is None
    assert challenge.accept({"AUTH_SESSKEY": "00" * 32, "AUTH_PASSWORD": "00" * 32}) is None
