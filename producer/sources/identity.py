"""The id of a tweet, found in its bytes: the one place that knows where each wire shape keeps
it."""

import msgspec
from msgspec import Raw, Struct

from producer.sources import Record

_ABSENT = Raw(b"")


class _Identified(Struct):
    id: Raw = _ABSENT
    id_str: Raw = _ABSENT


class _Deletion(Struct):
    status: _Identified


class _Commit(Struct):
    rkey: Raw = _ABSENT
    operation: str = ""


class _Account(Struct):
    active: bool = True
    status: str | None = None


class _Payload(Struct):
    did: Raw = _ABSENT
    rkey: Raw = _ABSENT
    operation: str = ""
    account: _Account | None = None


class _Line(Struct):
    """What any of the known shapes may carry; the rest of the line is skipped unread."""

    data: _Identified | None = None  # X v2
    id: Raw = _ABSENT  # X v2 without its wrapper, X v1.1
    id_str: Raw = _ABSENT  # X v1.1
    delete: _Deletion | None = None  # X v1.1
    did: Raw = _ABSENT  # Bluesky
    commit: _Commit | None = None  # Bluesky, Jetstream v1
    account: _Account | None = None  # Bluesky, Jetstream v1
    payload: _Payload | None = None  # Bluesky, Jetstream v2


_decode = msgspec.json.Decoder(_Line).decode


def record_of(value: bytes) -> Record:
    """(id, value) of one tweet as received; (id, None) when it announces that a tweet, or an
    account with all of its, is gone.

    The id is None where the bytes have none or cannot be understood; such a record is published
    too.
    """
    try:
        line = _decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Record(None, value)
    if line.payload is not None:
        return _of_bluesky(line.payload.did, line.payload, line.payload.account, value)
    if line.commit is not None or line.account is not None:
        return _of_bluesky(line.did, line.commit, line.account, value)
    if line.delete is not None:
        key = _id_of(line.delete.status)
        return Record(key, None if key else value)
    return Record(_id_of(line.data if line.data is not None else line), value)


def account_gone(active: bool, status: str | None) -> bool:
    """Whether Bluesky's account event means that its posts count as deleted; two states are
    temporary."""
    return not active and status not in ("desynchronized", "throttled")


def _of_bluesky(
    raw_did: Raw, commit: _Commit | _Payload | None, account: _Account | None, value: bytes
) -> Record:
    did = _text(raw_did)
    if account is not None:
        return (
            Record(did, None)
            if did and account_gone(account.active, account.status)
            else Record(None, value)
        )
    rkey = _text(commit.rkey) if commit is not None else None
    key = f"{did}/{rkey}" if did and rkey else None
    return Record(
        key, None if key and commit is not None and commit.operation == "delete" else value
    )


def _id_of(tweet: _Identified | _Line) -> str | None:
    """`id_str` before `id`: some archives contain rounded numeric ids."""
    return _text(tweet.id_str) or _text(tweet.id)


def _text(raw: Raw) -> str | None:
    """The text of a JSON string, or a whole number's digits as written; None for anything else."""
    written = bytes(raw)
    try:
        if written.isdigit():
            return written.decode("ascii")
        if not written.startswith(b'"'):
            return None
        text = (
            written[1:-1].decode()
            if b"\\" not in written
            else msgspec.json.decode(written, type=str)
        )
        return text or None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
