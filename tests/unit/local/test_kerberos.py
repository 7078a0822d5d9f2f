"""Keytabs: each user gets its own keys and no others."""

import struct
from pathlib import Path

import pytest

from local import kerberos, keytabs


def entry(name: str, key: bytes = b"k" * 32) -> bytes:
    """An entry as MIT's keytabs have it."""
    parts = name.split("/")
    words = b"".join(struct.pack(">H", len(w)) + w.encode() for w in (kerberos.REALM, *parts))
    tail = struct.pack(">IIBHH", 1, 0, 1, 18, len(key)) + key + struct.pack(">I", 1)
    body = struct.pack(">H", len(parts)) + words + tail
    return struct.pack(">i", len(body)) + body


def test_each_gets_its_own_keys_and_no_others(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    names = (*kerberos.HDFS, *kerberos.USERS)
    hole = struct.pack(">i", -8) + b"\0" * 8
    whole = b"\x05\x02" + b"".join([*map(entry, names), hole, *map(entry, names)])
    (tmp_path / "secrets" / "all.keytab").write_bytes(whole)
    kerberos.share(tmp_path)
    for name, owners in {"hdfs": kerberos.HDFS, "jobs": ("jobs",), "audit": ("audit",)}.items():
        file = kerberos.keytab(tmp_path, name)
        found = [who for who, _ in keytabs.entries(file.read_bytes())]
        assert sorted(found) == sorted(2 * [*map(kerberos.principal, owners)])
        assert file.stat().st_mode & 0o777 == 0o400
    assert not (tmp_path / "secrets" / "all.keytab").exists()
    kerberos.prepare(tmp_path)
    assert list((tmp_path / "secrets").iterdir()) == []


@pytest.mark.parametrize("cut", range(0, 60, 7))
def test_a_keytab_that_is_still_written_has_its_whole_entries(cut: int) -> None:
    first, second = entry("jobs"), entry("audit")
    data = b"\x05\x02" + first + second[: len(second) - 1 - cut]
    assert [who for who, _ in keytabs.entries(data)] == [kerberos.principal("jobs")]
    assert [whole for _, whole in keytabs.entries(data)] == [first]
