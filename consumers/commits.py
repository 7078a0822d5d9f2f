"""The commit protocol: a staged batch becomes one published folder by one rename that never overwrites.

    _epochs/<epoch>                       one file a driver incarnation
    _staging/<epoch>/<seq>-<uuid>.parts/  what the tasks of one attempt write
    _staging/<epoch>/<seq>-<uuid>/        the winners among it, and the manifest
    _staging/<epoch>                      a file: that incarnation has been fenced off
    _seen/<n>                             a folder: so many batches were there when a driver started, none may vanish
    batches/<seq>/                        published, immutable

The number of the batch is the collision key: whoever publishes it first has won, whatever else goes on.
"""

import json
import os
import socket
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from config.errors import ConfigError, DataLossRisk, Fenced
from consumers import chain, fail_points, manifests
from consumers.chain import Files
from consumers.manifests import Covered, Manifest, Partition


@dataclass(frozen=True)
class Stage:
    """One attempt at a batch: `parts` is the folder for the tasks, `folder` what will be published."""

    seq: int
    commit_id: str
    folder: str

    @property
    def parts(self) -> str:
        return f"{self.folder}.parts"


@dataclass
class Batch:
    """What a stage holds when its tasks are done: ranges (topic, partition, from, until), counts, the part files
    {kind, name, bytes, records} that won, and Kafka's leader epoch of the last record of each partition."""

    ranges: list[tuple[str, int, int, int]]
    counts: dict[str, int]
    files: list[dict[str, Any]] = field(default_factory=list)
    leader_epochs: Mapping[Partition, int] = field(default_factory=dict)
    accepted_loss: str | None = None  # who and why; the ranges are lost then, not read


class Output:
    """One output folder, owned by this driver until a newer one fences it off."""

    def __init__(self, files: Files, approach: str, scorer: str) -> None:
        self.files, self.approach, self.scorer = files, approach, scorer
        files.mkdirs("batches")
        self.epoch = self._claim_epoch()
        fail_points.visit("epoch claimed")
        self._fence_predecessors()
        # Only now: whatever a predecessor had under way has been published before the fence, or never will be.
        self.seq, last, self._previous = self._last()
        self.covered: Covered = last.covered if last else {}
        self.leader_epochs: dict[Partition, int] = last.leader_epochs if last else {}
        self.topics: dict[str, str] = last.topics if last else {}
        if self.seq:
            files.mkdirs(f"_seen/{self.seq}")  # a folder, since its name is there at once and whole

    def _claim_epoch(self) -> int:
        who = {"host": socket.gethostname(), "pid": os.getpid(), "approach": self.approach, "time": _now()}
        taken = [int(name) for name in self.files.list("_epochs")]
        epoch = max(taken, default=0) + 1
        while True:
            try:
                self.files.create(f"_epochs/{epoch}", json.dumps(who).encode())
                return epoch
            except FileExistsError:
                epoch += 1

    def _fence_predecessors(self) -> None:
        """Take away what older drivers stage, and leave a file in its place so that nothing can be staged there again."""
        staged = self.files.list("_staging")
        for epoch in (int(name) for name in self.files.list("_epochs")):
            if epoch < self.epoch and staged.get(str(epoch)) is not False:
                self._fence(f"_staging/{epoch}")

    def _fence(self, staging: str) -> None:
        while True:
            self.files.delete(staging)
            fail_points.visit("staging taken")
            try:
                self.files.create(staging, b"fenced\n")
                return
            except (FileExistsError, FileNotFoundError):  # not found: somebody else fencing has deleted it while we wrote
                if self.files.list("_staging").get(staging.rpartition("/")[2]) is False:
                    return  # somebody else fenced it; otherwise a straggler made the folder again

    def _last(self) -> tuple[int, Manifest | None, str | None]:
        """The next number, the last manifest and its hash. Raises DataLossRisk if somebody has taken batches away."""
        while True:
            seq = chain.length(self.files)
            beyond = chain.number_from(self.files, seq)
            held = max(self._seen(), seq if beyond is None else beyond + 1)
            if held <= seq:
                break
            if chain.length(self.files) == seq:  # otherwise somebody has published while we looked
                what = f"batch {seq} is missing: {held} batches have been published"
                remedy = "restore it from a snapshot or from the trash; scripts/audit.py shows what is there"
                raise DataLossRisk(what, f"{self.files.root}/{chain.folder(seq)}", remedy)
        if not seq:
            return 0, None, None
        manifest, data = chain.manifest(self.files, seq - 1)
        return seq, manifest, manifests.digest(data)

    def _seen(self) -> int:
        """How many batches drivers have seen, at the least."""
        return max((int(name) for name in self.files.list("_seen")), default=0)

    def begin(self, topics: Mapping[str, str], offsets: Mapping[Partition, tuple[int, int]], accept_loss: str = "") -> None:
        """Hold the output against Kafka before anything is read: topic ids by name, [begin, end) of each partition.

        Raises ConfigError if the output belongs to other topics, DataLossRisk if going on would skip records. With
        `accept_loss` (who and why) records that retention has deleted become a published batch of their own, without files.
        """
        foreign = sorted(set(self.topics) - set(topics))
        if foreign:
            held = ", ".join(sorted(self.topics))
            raise ConfigError(
                f"the output belongs to {held}, this job reads {', '.join(topics)}", self.files.root, "another --output"
            )
        self.check_topics(topics)
        for partition, (start, _end) in offsets.items():
            # One that a topic got while no job looked began at 0, as one that it gets while a job runs (manifests.cover).
            begin = 0 if partition[0] in self.topics else start
            self.covered.setdefault(partition, [(begin, begin)])
        lost = [
            gap
            for partition, known in self.covered.items()
            for gap in manifests.deleted(partition, known, offsets.get(partition))
        ]
        if lost and not accept_loss:
            shown = " ".join(f"{topic}[{partition}] [{start}, {end})" for topic, partition, start, end in lost)
            count = sum(end - start for *_, start, end in lost)
            remedy = "a new --output, or --accept-loss 'WHO AND WHY' to go on behind them"
            raise DataLossRisk(f"retention has deleted {count} records that were not published", shown, remedy)
        self.topics = dict(topics)
        if lost:
            self.publish(self.stage(), Batch(lost, {}, accepted_loss=accept_loss))

    def check_topics(self, topics: Mapping[str, str]) -> None:
        """Raises DataLossRisk if one of the output's topics has another id in Kafka by now; `topics` are ids by name."""
        for topic, known in self.topics.items():
            if topics[topic] != known:
                what = f"topic {topic} was deleted and made anew: its id was {known} and is {topics[topic]}"
                raise DataLossRisk(what, self.files.root, "start the new topic with a new --output")

    def stage(self) -> Stage:
        """A place for one attempt at the next batch. Raises Fenced if a newer driver has taken over."""
        commit_id = str(uuid.uuid4())
        stage = Stage(self.seq, commit_id, f"_staging/{self.epoch}/{self.seq:010d}-{commit_id}")
        try:
            for folder in (stage.parts, f"{stage.folder}/tweets", f"{stage.folder}/rejected"):
                self.files.mkdirs(folder)
        except (FileExistsError, FileNotFoundError):
            raise self.lost() from None
        fail_points.visit("stage made")
        return stage

    def publish(self, stage: Stage, batch: Batch) -> Manifest:
        """Make the stage visible as the next batch. Raises Fenced if somebody else has published it or taken over."""
        fail_points.visit("tasks done")
        try:
            files = [self._take(stage, file) for file in batch.files]
            fail_points.visit("files taken")
            manifest = Manifest(
                seq=stage.seq,
                epoch=self.epoch,
                commit_id=stage.commit_id,
                approach=self.approach,
                batch_time=_now(),
                previous=self._previous,
                topics=self.topics,
                ranges=batch.ranges,
                covered=manifests.cover(self.covered, batch.ranges),
                counts=batch.counts,
                files=files,
                scorer=self.scorer,
                accepted_loss=batch.accepted_loss,
                leader_epochs=manifests.latest(self.leader_epochs, batch.leader_epochs),
            )
            data = manifest.to_bytes()
            # Moved into the stage like the rest: `create` would make a stage anew that a newer driver has just taken away.
            self.files.create(f"{stage.parts}/_manifest.json", data, overwrite=True)
            self._move(stage, "_manifest.json", "_manifest.json")
            fail_points.visit("before rename")
            self.files.rename(stage.folder, chain.folder(stage.seq))
            fail_points.visit("after rename")
        except (FileExistsError, FileNotFoundError):
            # An answer may have been lost on its way: what stands at the target decides.
            if not chain.published(self.files, stage.seq):
                raise self.lost() from None
            if chain.manifest(self.files, stage.seq)[0].commit_id != stage.commit_id:
                raise Fenced(
                    f"another driver has published batch {stage.seq}", self.files.root, "leave the output to it"
                ) from None
        self.files.delete(stage.parts)
        self.seq, self.covered, self._previous = stage.seq + 1, manifest.covered, manifests.digest(data)
        self.leader_epochs = manifest.leader_epochs
        if stage.seq == 0:
            self.files.mkdirs("_seen/1")
        return manifest

    def _take(self, stage: Stage, file: Mapping[str, Any]) -> dict[str, Any]:
        """Move one task's file from the attempt's folder into the stage; files of attempts that lost stay behind."""
        path = f"{file['kind']}/part-{file['name'].partition('-')[2]}"
        self._move(stage, file["name"], path)
        return {"path": path, "bytes": file["bytes"], "records": file["records"]}

    def _move(self, stage: Stage, name: str, path: str) -> None:
        try:
            self.files.rename(f"{stage.parts}/{name}", f"{stage.folder}/{path}")
        except (FileExistsError, FileNotFoundError):
            if not self.files.exists(f"{stage.folder}/{path}"):  # it is there if the answer was lost
                raise

    def lost(self) -> Fenced | DataLossRisk:
        """Why a stage of ours is not where we put it."""
        if self.fenced():
            return Fenced(f"a newer driver has taken over from epoch {self.epoch}", self.files.root, "leave the output to it")
        what = "the staged batch is gone, though no newer driver has started"
        return DataLossRisk(what, f"{self.files.root}/_staging/{self.epoch}", "see who else writes there; then start again")

    def fenced(self) -> bool:
        """Whether a newer driver has taken over."""
        return any(int(name) > self.epoch for name in self.files.list("_epochs"))


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
