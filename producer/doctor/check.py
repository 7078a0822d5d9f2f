"""`python -m producer --check`: can it run here? One line per point: ok, or the cause and the
remedy."""

from collections.abc import Callable

from config import kerberos, settings
from config.errors import PipelineError
from producer.doctor import broker as check_broker
from producer.doctor import files as check_files
from producer.doctor import kerberized
from producer.doctor import machine as check_machine
from producer.doctor.output import Output
from producer.opening import checks, open_source
from producer.publishing import access
from producer.sources import State


def check(chosen: settings.Settings) -> int:
    """Print one line per point; returns the exit code of the first that is not ok, or 0. Buys
    nothing and leaves nothing behind."""

    def source() -> str:
        kept = None if chosen.spool == "none" else lambda: 0
        open_source(chosen, State(), kept=kept)
        return f" ({chosen.source})"

    codes = [
        _line("system", check_machine.system),
        _line("encoding", check_machine.encoding),
        _line("packages", check_machine.packages),
        _line("source", source),
    ]
    if not codes[-1]:
        codes += [_line(name, probe) for name, probe in checks(chosen)]
    codes += [
        _line("spool", lambda: check_files.spool(chosen)),
        _line("ledger", lambda: check_files.file(chosen.ledger, "--ledger")),
        _line("report", lambda: check_files.file(chosen.report, "--report")),
        _line(
            f"broker {chosen.bootstrap}",
            lambda: check_broker.broker(chosen.bootstrap, chosen.topic, access.properties(chosen)),
        ),
    ]
    if not codes[-1]:
        codes.append(
            _line(
                f"topic {chosen.topic}",
                lambda: check_broker.topic(
                    chosen.bootstrap, chosen.topic, access.properties(chosen)
                ),
            )
        )
    codes.append(_line(f"output {chosen.output}", lambda: _output(chosen)))
    return next((code for code in codes if code), 0)


def _output(chosen: settings.Settings) -> str:
    if kerberos.asked_for():
        return kerberized.write(chosen.output)
    return Output(chosen.output, chosen.webhdfs).write()


def _line(name: str, probe: Callable[[], str]) -> int:
    try:
        print(f"{name}: ok{probe()}", flush=True)
    except PipelineError as error:
        print(f"{name}: {error}", flush=True)
        return error.exit_code
    return 0
