"""Keyed hashes of row ids: against the standard library's one-line form, and the key's file."""

import base64
import hmac
import stat
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.core.finding import Exhibit
from harness.engine.row_hashes import key_beside, read_key, row_hash, row_hashes
from harness.errors import UserError

KEY = b"0123456789abcdef"


def test_a_hash_is_hmac_sha256_in_base_32():
    expected = base64.b32encode(hmac.digest(KEY, b"p-17", "sha256"))[:12].decode().lower()
    assert row_hash(KEY, "p-17") == expected
    assert row_hash(KEY, "p-18") != expected != row_hash(b"another key of 16", "p-17")


def test_every_id_of_a_table_is_hashed_and_nothing_else():
    ids = Exhibit(kind="table", title="t", columns=["id", "truth"], rows=[["p-17", "yes"], ["p-18", "no"]])
    pairs = Exhibit(kind="table", title="t", columns=["test row", "resembles row", "same"], rows=[["a", "b", True]])
    bars = Exhibit(kind="bars", title="t", columns=["id", "x"], rows=[["a feature called id", 1.0]])
    assert set(row_hashes(lambda: KEY, [ids, pairs, bars])) == {"p-17", "p-18", "a", "b"}


def test_no_key_is_asked_for_where_no_id_is():
    assert row_hashes(lambda: pytest.fail("asked"), []) == {}


def test_the_key_of_a_folder_is_made_once_for_its_owner_alone(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: key_beside(tmp_path), range(16)))
    assert len(keys) == 1
    (file,) = tmp_path.iterdir()
    assert len(read_key(file)) == 64
    if sys.platform != "win32":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [None, b"", b"short \n"])
def test_a_key_that_could_be_guessed_is_refused_with_what_makes_one(tmp_path, content):
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match="token_hex") as error:
        read_key(path)
    assert "short" not in str(error.value)
