"""`python -m producer --check`: can it run here? One line a service, with the cause and the remedy where it cannot."""

from collections.abc import Callable

from config.errors import PipelineError
from producer.publisher import connect, partitions_of


def check(bootstrap: str, topic: str, open_source: Callable[[], object]) -> int:
    """Print a line for the broker, the topic and the source; returns the exit code of the first that is not ok, or 0."""

    def source() -> str:
        open_source()
        return ""

    def broker() -> str:
        # the topic is asked for without creating it: a check leaves no trace
        client = connect(bootstrap, allow_auto_create_topics=False)
        try:
            return f", {partitions_of(client, bootstrap, topic)} partitions"
        finally:
            client.close(timeout=1)

    codes = [_line("source", source), _line(f"topic {topic} on {bootstrap}", broker)]
    return next((code for code in codes if code), 0)


def _line(name: str, probe: Callable[[], str]) -> int:
    try:
        print(f"{name}: ok{probe()}")
    except PipelineError as error:
        print(f"{name}: {error}")
        return error.exit_code
    return 0
