"""What a password must be, and how it is kept."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher

from hub.auth import passwords
from hub.auth.errors import WeakPassword

GOOD = ["correct horse 1", "abcdefghijkl", "Abcdef1234", "Abcdef-hij", "春江潮水 aB1 花月夜"]
BAD = {
    "too short": "Ab1-efghi",
    "ten of two classes": "abcdefgh12",
    "eleven of one class": "abcdefghijk",
    "the login name": "Zhang.San-12345",
    "one character": "aaaaaaaaaaaaaaaa",
    "few characters": "Ab1Ab1Ab1Ab1",
    "endless": "Ab1-" * 60,
    "nothing": "",
}


@pytest.mark.parametrize("password", GOOD)
def test_good_enough(password: str) -> None:
    passwords.check_strength(password, "zhang.san")


@pytest.mark.parametrize("reason", BAD)
def test_not_good_enough(reason: str) -> None:
    with pytest.raises(WeakPassword) as refusal:
        passwords.check_strength(BAD[reason], "zhang.san")
    assert refusal.value.field == "password"
    assert BAD[reason] not in refusal.value.message("zh") or not BAD[reason]


def test_kept_as_argon2id_and_never_the_same_twice(
    monkeypatch: pytest.MonkeyPatch, light_hashes: PasswordHasher
) -> None:
    monkeypatch.setattr(passwords, "_hasher", light_hashes)
    first, second = passwords.hash_password("correct horse 1"), passwords.hash_password("correct horse 1")
    assert first.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert first != second
    assert passwords.matches("correct horse 1", first)
    assert not passwords.matches("correct horse 2", first)
    assert not passwords.outdated(first)


def test_nobody_matches_when_there_is_no_password() -> None:
    assert not passwords.matches("anything", None)
    assert not passwords.matches("anything", "not a hash")


def test_invented_passwords_pass_their_own_rule_and_can_be_read_out() -> None:
    invented = {passwords.invent() for _ in range(50)}
    assert len(invented) == 50
    for password in invented:
        passwords.check_strength(password, "zhang.san")
        assert not set(password) & set("0O1lIi")
