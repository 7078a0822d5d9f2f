"""`python -m producer --check`: can it run here? One line a service, with the cause and the remedy where it cannot."""

from collections.abc import Callable

from config.errors import PipelineError, ServiceUnreachable
from producer.publisher import check_names, partitions_of


def check(bootstrap: str, topic: str, open_source: Callable[[], object]) -> int:
    """Print a line for the broker, the topic and the source; returns the exit code of the first that is not ok, or 0."""

    def source() -> str:
        open_source()
        return ""

    def broker() -> str:
        check_names(bootstrap, topic)
        partitions = partitions_of(bootstrap, topic)  # without creating the topic: a check leaves no trace
        if not partitions:
            raise ServiceUnreachable("there is no such topic", f"{topic} on {bootstrap}", "create it, or publish something")
        return f", {partitions} partitions"

    codes = [_line("source", source), _line(f"topic {topic} on {bootstrap}", broker)]
    return next((code for code in codes if code), 0)


def _line(name: str, probe: Callable[[], str]) -> int:
    try:
        print(f"{name}: ok{probe()}")
    except PipelineError as error:
        print(f"{name}: {error}")
        return error.exit_code
    return 0
