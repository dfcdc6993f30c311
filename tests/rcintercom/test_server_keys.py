"""The keys that a server makes for itself."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from rcintercom.server_keys import FILE_NAME, read_or_make_keys


def test_they_are_made_once_and_read_afterwards(tmp_path: Path) -> None:
    var_dir = tmp_path / "not" / "there" / "yet"
    made = read_or_make_keys(var_dir)
    assert read_or_make_keys(var_dir) == made
    assert len(made.secret_key) >= 50
    Fernet(made.encryption_key)


def test_every_server_has_its_own(tmp_path: Path) -> None:
    one, other = (read_or_make_keys(tmp_path / name) for name in ("one", "other"))
    assert one.secret_key != other.secret_key
    assert one.encryption_key != other.encryption_key


def test_only_the_owner_can_read_the_file_and_nothing_else_is_left(tmp_path: Path) -> None:
    read_or_make_keys(tmp_path)
    (file,) = tmp_path.iterdir()
    assert file.name == FILE_NAME
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_those_who_start_at_the_same_instant_get_the_same_keys(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        keys = list(pool.map(read_or_make_keys, [tmp_path] * 16))
    assert len({one.encryption_key for one in keys}) == 1


@pytest.mark.parametrize("content", ["{}", '{"secret_key": "x"}', "[]", "null"])
def test_a_damaged_file_is_never_replaced(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE_NAME).write_text(content)
    with pytest.raises(ValueError, match="restore it from a backup"):
        read_or_make_keys(tmp_path)
    assert (tmp_path / FILE_NAME).read_text() == content


def test_they_do_not_show_up_in_a_log(tmp_path: Path) -> None:
    keys = read_or_make_keys(tmp_path)
    assert keys.secret_key not in f"{keys} {keys!r}"
    assert keys.encryption_key not in f"{keys} {keys!r}"
