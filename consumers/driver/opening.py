"""What both jobs open before their first batch. The two entries say the rest."""

import logging
import re
import sys
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from py4j.protocol import Py4JJavaError

import kafka_dstreams
from config import errors, kerberos
from config.settings import Settings, load
from consumers import sentiment
from consumers.driver import access, checkpoints, contexts, endings, login, trampoline
from consumers.driver.driver import Driver
from consumers.driver.figures import Figures
from consumers.output import fail_points
from consumers.output.commits import Output
from consumers.output.ownership import Ownership
from consumers.output.refusals import check_address
from consumers.output.storage import Storage
from consumers.tweets import lines
from monitoring.page import serve

LOG = logging.getLogger(__name__)


def main(program: str, about: str | None, run: Callable[[Driver], None]) -> None:
    """Open the job, run it, and end the process with the exit code of what it raises."""

    def job() -> None:
        driver = None
        try:
            driver = open_driver(program, about or "")
            run(driver)
        except (kafka_dstreams.KafkaError, Py4JJavaError) as error:
            raise endings.of(error, driver) from None

    errors.exit_with(job)


def open_driver(program: str, about: str) -> Driver:
    """Read the settings, take the output over from older drivers, and hold it against Kafka."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S"
    )
    logging.getLogger("py4j").setLevel(logging.WARNING)
    # DStreams are what this program is about
    warnings.filterwarnings("ignore", "DStream is deprecated", FutureWarning)
    settings = load(program, sys.argv[1:], about)
    # Once, before several workers would each do it, and while the JVM starts and Kafka and HDFS
    # answer.
    preparing = ThreadPoolExecutor(1).submit(lines.prepare)
    topics = names_of_topics(settings.topic)
    _check(settings)
    figures = Figures(contexts.batch_interval_s(settings))
    if settings.metrics:
        serve(settings.metrics, figures.registry, figures.health)
    params = access.params(settings)
    # Fail before the claim: a driver that cannot read must not fence one that can.
    kafka_dstreams.topic_ids(params, topics)
    login.log_in(settings)
    storage = Storage(settings.output)
    fail_points.arm(settings.fail_point, storage.exists(fail_points.MARK))
    own = Ownership.claim(storage, program)
    # No two outputs share a group, and none is another application's: the flag only says how the
    # name begins.
    params["group.id"] = f"{settings.group or program}-{own.identity}"
    # Asked after the claim: a living predecessor has published beyond the ends that were there
    # before.
    found = kafka_dstreams.topics(params, topics)
    ids = {topic: state.id for topic, state in found.items()}
    offsets = {
        (topic, p): span for topic, state in found.items() for p, span in state.partitions.items()
    }
    output = Output.take_over(own, sentiment.NAME, ids, offsets, settings.accept_loss)
    ends = {partition: end for partition, (_begin, end) in offsets.items()}
    preparing.result()
    last = ends if settings.available_now else None
    driver = Driver(settings, topics, params, storage, output, last, figures)
    figures.info.labels(program, storage.root, params["group.id"]).set(1)
    figures.epoch.set(own.epoch)
    figures.next_seq.set(output.seq)
    figures.lost.inc(output.given_up)
    driver.check_group()
    trampoline.lead_to(driver)
    LOG.info("%s: epoch %d of %s, next batch %d", program, own.epoch, storage.root, output.seq)
    return driver


def _check(settings: Settings) -> None:
    """Raises ConfigError for what can be known to be wrong before anything is asked."""
    check_words(settings.accept_loss)
    check_address(settings.output)
    kerberos.checked(settings.principal, settings.keytab)
    if settings.values.get("checkpoint"):
        check_address(settings.checkpoint)
        checkpoints.check_place(settings.checkpoint, settings.output)


def names_of_topics(text: str) -> list[str]:
    """The topics in a comma-separated list, each once. Raises ConfigError for none, and for a name
    that Kafka does not allow."""
    names = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    wrong = [
        name
        for name in names
        if not re.fullmatch(r"[a-zA-Z0-9._-]{1,249}", name) or name in (".", "..")
    ]
    if wrong or not names:
        what = f"no topic can be called {wrong[0]!r}" if wrong else "no topic is named"
        remedy = "--topic NAME[,NAME…]: letters, digits, dot, underscore, hyphen"
        raise errors.ConfigError(what, f"topic {text!r}", remedy)
    return names


def check_words(accept_loss: str) -> None:
    """Raises ConfigError where the text of --accept-loss could not be published: bytes on the
    command line that are not UTF-8."""
    try:
        accept_loss.encode()
    except UnicodeEncodeError:
        remedy = "write it in a UTF-8 terminal, or in plain letters"
        what = "the text of --accept-loss is not UTF-8"
        raise errors.ConfigError(what, "accept_loss", remedy) from None
