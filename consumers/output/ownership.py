"""Whose output it is: its identity, the claim of the newest driver, and the fence against older
ones.

    _identity.json               made once: says which output this is, wherever it is moved
    _epochs/<epoch>              the claim of a driver; a newer driver removes it
    _staging/<epoch>-<nonce>/    where this driver stages, made once; a newer driver removes it

A driver owns the output as long as its claim is there, with the inode that it was made with (a copy
has another), and no newer one is. One listing answers all three. It is asked between staging and
publishing, and that is enough:

- What was staged before a newer claim is removed by the newer driver before it reads the last
  manifest.
- What was staged after a newer claim is not published: the listing shows the claim.
- What was staged in an output that has been replaced since then is no longer there.

So a claim and a staging folder below the newest claim fence no driver and are removed. The
newest claim always stays: a driver that has been frozen finds it, whenever it continues.
"""

import json
import os
import socket
import uuid
from datetime import datetime, timezone

from config.errors import ConfigError, DataLossRisk, Fenced
from consumers.output import fail_points
from consumers.output.files import Files
from consumers.output.manifests import VERSION

_PATH = "_identity.json"
_DIGITS = 10  # of an epoch: names sort as numbers do


class Ownership:
    """One driver's claim on the output; `claim` makes one. `staging` is the folder that only this
    driver stages in."""

    def __init__(
        self, files: Files, identity: str, approach: str, epoch: int, nonce: str, inode: int | None
    ) -> None:
        self.files, self.identity, self.approach = files, identity, approach
        self.epoch, self.nonce, self._inode = epoch, nonce, inode
        self.staging = f"_staging/{_name(epoch)}-{nonce}"

    @classmethod
    def claim(cls, files: Files, approach: str) -> "Ownership":
        """Claim the output for this driver, and fence off every older one.

        Raises Fenced if a newer driver was faster, ConfigError for an output of another version,
        DataLossRisk if the output is moved or deleted meanwhile.
        """
        try:
            return cls._claim(files, approach, uuid.uuid4().hex[:8])
        except FileNotFoundError as error:
            what = f"the output was moved or deleted while this driver started: {error} is gone"
            remedy = "find out who did that; then start again"
            raise DataLossRisk(what, files.root, remedy) from None

    @classmethod
    def _claim(cls, files: Files, approach: str, nonce: str) -> "Ownership":
        fail_points.visit("before the claim")
        taken = _epochs(files)
        if not files.exists(_PATH):
            make(files, nonce)
        claim = _claim_of(approach, nonce)
        epoch = _write(claim, files, max(taken, default=0) + 1)
        identity = _identity(files)
        files.mkdir(f"_staging/{_name(epoch)}-{nonce}")
        claims = cls._claims(files, epoch)
        # Another output may be in the place of the one where the claim was made, with another
        # driver's claim of the same number.
        ours = list(claims) == [_name(epoch)] and _read(files, epoch) == claim
        inode = claims[_name(epoch)] if ours else None
        own = cls(files, identity, approach, epoch, nonce, inode)
        if not ours:
            raise own.lost()
        fail_points.visit("epoch claimed")
        own._fence(taken)
        return own

    def holds(self) -> bool:
        """Whether the output is still there and this driver's: one question, however old the output
        is."""
        return self._claims(self.files, self.epoch) == {_name(self.epoch): self._inode}

    def lost(self) -> Fenced | DataLossRisk:
        """Why the output is not this driver's, or why a stage is not where it was put."""
        where = self.files.root
        remedy = "find out who did that; docs/runbook.md, exit code 3, says how to continue"
        try:
            there = _identity(self.files)
        except DataLossRisk:
            what = "the output was moved away or deleted while this driver ran"
            return DataLossRisk(what, where, remedy)
        if there != self.identity:
            what = f"another output is in the place of {self.identity}, its identity is {there}"
            return DataLossRisk(what, where, remedy)
        claims = self._claims(self.files, self.epoch)
        if max(claims, default="") > _name(self.epoch):
            what = f"a newer driver has taken over from epoch {self.epoch}"
            return Fenced(what, where, "leave the output to it")
        if claims != {_name(self.epoch): self._inode}:
            what = (
                "the output was replaced, by a copy or an older state of it, while this driver ran"
            )
            return DataLossRisk(what, where, remedy)
        what = "the staged batch is gone, though no newer driver has started"
        remedy = "find out who else writes there; then start again"
        return DataLossRisk(what, f"{where}/{self.staging}", remedy)

    @staticmethod
    def _claims(files: Files, epoch: int) -> dict[str, int]:
        """The inodes of the claim of this epoch and of newer ones."""
        return {
            name: entry.inode for name, entry in files.list("_epochs", _name(epoch - 1)).items()
        }

    def _fence(self, taken: list[int]) -> None:
        """Remove what older drivers stage, and then their claims."""
        for name in self.files.list("_staging"):
            if name[:_DIGITS].isdecimal() and int(name[:_DIGITS]) < self.epoch:
                self.files.delete(f"_staging/{name}")
                fail_points.visit("staging taken")
        for epoch in taken:
            self.files.delete(f"_epochs/{_name(epoch)}")


def make(files: Files, nonce: str) -> None:
    """Make the output, unless another driver has just done so. Nothing of an older version's output
    is touched."""
    shards = files.list("batches")
    if any(len(name) == _DIGITS for name in shards):
        raise _older(files)
    if any(entry.entries for entry in shards.values()):
        _identity(files)  # it has been moved or deleted, or another driver has just made it
    for folder in ("batches", "_epochs", "_staging", "_seen"):
        files.mkdirs(folder)
    content = {"version": VERSION, "identity": uuid.uuid4().hex[:16], "made": now()}
    # Renamed into place, so that it is whole where it is there, and the first one stays.
    files.create(aside := f"_identity.{nonce}", json.dumps(content).encode(), overwrite=True)
    try:
        files.rename(aside, _PATH)
    except FileExistsError:
        files.delete(aside)
    except FileNotFoundError:
        if not files.exists(_PATH):  # it is there if the answer was lost
            raise


def _claim_of(approach: str, nonce: str) -> bytes:
    claimant = {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "approach": approach,
        "time": now(),
        "nonce": nonce,
    }
    return json.dumps(claimant).encode()


def _write(claim: bytes, files: Files, epoch: int) -> int:
    """The first epoch from this one on that no other driver has claimed."""
    while True:
        try:
            files.create(f"_epochs/{_name(epoch)}", claim)
            return epoch
        except FileExistsError:
            epoch += 1


def _read(files: Files, epoch: int) -> bytes | None:
    try:
        return files.read(f"_epochs/{_name(epoch)}")
    except FileNotFoundError:
        return None


def now() -> str:
    """The time in UTC, to the millisecond."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _name(epoch: int) -> str:
    return f"{epoch:0{_DIGITS}d}"


def _epochs(files: Files) -> list[int]:
    names = files.list("_epochs")
    if any(len(name) != _DIGITS for name in names):
        raise _older(files)
    return [int(name) for name in names]


def _identity(files: Files) -> str:
    """The identity of the output. Raises DataLossRisk where it has none, ConfigError where a later
    version made it."""
    try:
        content = json.loads(files.read(_PATH))
        version, identity = content["version"], str(content["identity"])
    except (FileNotFoundError, ValueError, KeyError, TypeError) as error:
        what = f"the output has no identity: {error!r}"
        raise DataLossRisk(
            what, f"{files.root}/{_PATH}", "restore it from a snapshot or from the trash"
        ) from None
    if version != VERSION:
        what = (
            f"version {version} of this program's format made the output, this one knows {VERSION}"
        )
        raise ConfigError(what, f"{files.root}/{_PATH}", "use the program that made it")
    return identity


def _older(files: Files) -> ConfigError:
    what = f"the output has the layout of version 1, this program knows version {VERSION}"
    return ConfigError(
        what,
        files.root,
        "a new --output, which begins where Kafka begins; or the program that made this one",
    )
