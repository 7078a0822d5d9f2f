"""The producer's command line: which source the flags say, what is refused, the help, the version,
the supervisor."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from config import access, settings
from config.command_line import meant, version
from config.errors import ConfigError, Fenced, PipelineError
from producer import __main__ as producer
from producer import help
from producer.opening import MODULES
from producer.settings import SOURCES
from tests.conftest import ROOT

HELP_FITS = (48, 110)  # lines, columns


def load(*argv: str, file: Path = Path("/nowhere"), **environ: str) -> settings.Settings:
    return settings.load("producer", argv, environ=environ, file=file, secrets=Path("/nowhere"))


def ended(*arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "producer", *arguments]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TWEETS_")}
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**kept, **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


class TestSource:
    @pytest.mark.parametrize(
        ("argv", "source"),
        [
            (["--file", "x"], "replay"),
            (["--track", "x"], "stream"),
            (["--rules", "x"], "stream"),
            (["--query", "x"], "search"),
            (["--keywords", "x"], "bluesky"),
            (["--source", "bluesky"], "bluesky"),
            (["--topic", "x"], ""),
        ],
    )
    def test_the_flags_say_it(self, argv: list[str], source: str) -> None:
        assert load(*argv).source == source

    def test_flags_beat_the_environment_and_the_file(self, tmp_path: Path) -> None:
        file = tmp_path / "pipeline.toml"
        file.write_text('source = "sample"\nquery = "of another run"\n')
        assert load(file=file).source == "sample"
        assert load("--file", "x", file=file).source == "replay"
        assert load("--file", "x", TWEETS_SOURCE="bluesky").source == "replay"
        assert load(TWEETS_SOURCE="bluesky").source == "bluesky"

    def test_without_one_the_run_ends_and_lists_them(self) -> None:
        done = ended("--topic", "tweets")
        assert (done.returncode, done.stdout) == (2, "")
        assert "no source is named" in done.stderr
        assert all(source in done.stderr for source in SOURCES)

    def test_two_at_once(self) -> None:
        with pytest.raises(ConfigError, match="flags of 2 sources: --file, --track"):
            load("--file", "x", "--track", "y")

    @pytest.mark.parametrize(
        ("argv", "said"),
        [
            (
                ["--source", "sample", "--file", "x"],
                "--file is a flag of the source replay, not of sample",
            ),
            (["--source", "stream", "--query", "x"], r"not of stream, did you mean --track\?"),
            (["--source", "bluesky", "--track", "x"], r"not of bluesky, did you mean --keywords\?"),
            (
                ["--keywords", "x", "--max-cost", "1"],
                "--max-cost is a flag of the source stream or search, not of bluesky",
            ),
            (
                ["--track", "x", "--rate", "5"],
                "--rate is a flag of the source replay or sample, not of stream",
            ),
            (
                ["--file", "x", "--x-base-url", "y"],
                "--x-base-url is a flag of the source stream or search",
            ),
        ],
    )
    def test_flags_of_another_source_are_refused(self, argv: list[str], said: str) -> None:
        with pytest.raises(ConfigError, match=said) as refused:
            load(*argv)
        assert (refused.value.exit_code, "leave --" in refused.value.remedy) == (2, True)

    def test_the_environment_may_have_settings_of_all(self) -> None:
        assert (
            load("--source", "sample", TWEETS_TRACK="coffee", TWEETS_MAX_COST="2").source
            == "sample"
        )

    def test_sample_ends_unless_it_is_told_otherwise(self, tmp_path: Path) -> None:
        file = tmp_path / "pipeline.toml"
        file.write_text("max_posts = 7\n")
        assert load("--source", "sample").max_posts == 2000
        assert load("--source", "sample", "--max-posts", "0").max_posts == 0
        assert load("--source", "sample", file=file).max_posts == 7
        assert load("--source", "bluesky").max_posts == 0

    def test_each_source_has_a_module_and_what_is_x_s_is_taken_by_x_s_sources_alone(self) -> None:
        assert tuple(MODULES) == SOURCES
        for setting in settings.of("producer"):
            assert set(setting.only) <= set(SOURCES)
            assert setting.only == ("stream", "search") or not setting.name.startswith("x_")


class TestSpool:
    def test_its_place_does_not_depend_on_the_working_directory(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        here = load("--source", "bluesky", "--topic", "t").spool
        monkeypatch.chdir(tmp_path)
        assert (
            load("--source", "bluesky", "--topic", "t").spool
            == here
            == str(ROOT / ".run/spool/t-bluesky")
        )

    def test_where_a_relative_one_is(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        assert load("--source", "bluesky", "--spool", "mine").spool == str(tmp_path / "mine")
        assert load("--source", "bluesky", TWEETS_SPOOL="mine").spool == str(ROOT / "mine")
        assert load("--source", "bluesky", TWEETS_SPOOL="/abs").spool == "/abs"

    def test_what_can_be_read_again_has_none(self) -> None:
        assert [load("--source", source).spool for source in ("replay", "sample")] == [
            "none",
            "none",
        ]
        assert load("--source", "sample", "--spool", "/abs").spool == "/abs"


class TestHelp:
    @pytest.mark.parametrize(
        "argv", [[], *(["--source", source] for source in SOURCES)], ids=["all", *SOURCES]
    )
    def test_fits_a_screen(self, argv: list[str]) -> None:
        lines = help.text([*argv, "--help"]).splitlines()
        assert len(lines) <= HELP_FITS[0] and max(map(len, lines)) <= HELP_FITS[1]
        assert not argv or len(lines) <= 30

    def test_every_flag_is_in_one_of_them(self) -> None:
        overview = help.text(["--help"])
        for setting in settings.of("producer"):
            row = f"\n  {setting.flag} "
            shown = [source for source in SOURCES if row in help.text(["--source", source])]
            if setting.secret:
                assert not shown and row not in overview
            else:
                assert shown == [source for source in SOURCES if source in setting.only]
                row = setting.flag if setting in access.SETTINGS else row
                assert (row in overview) == (not setting.only)
        assert all(flag in overview for flag in help.ACTIONS)
        assert "{stream,search,bluesky,mqtt,replay,sample}" in overview, "choices are shown"

    def test_usage_examples_and_exit_status_come_before_the_flags(self) -> None:
        overview = help.text(["--help"])
        heads = [
            "usage: ",
            "sources, with an example each",
            "exit status: ",
            "flags of all sources",
        ]
        assert [overview.index(head) for head in heads] == sorted(map(overview.index, heads))
        status = overview[overview.index("exit status: ") : overview.index("flags of all")]
        named = {int(code) for code in re.findall(r"(\d+) \w", status)}
        codes = {error.exit_code for error in PipelineError.__subclasses__()}
        assert named == codes - {Fenced.exit_code} | {0, 130}, "a producer fences no driver"

    @pytest.mark.parametrize("source", SOURCES)
    def test_each_example_is_a_run_of_its_source(self, source: str) -> None:
        assert load(*shlex.split(help.EXAMPLES[source][1])).source == source
        assert help.EXAMPLES[source][1] in help.text(["--source", source])

    @pytest.mark.parametrize(
        "argv", [["--track=x", "--help"], ["-h", "--source=stream"], ["--help", "--rules", "f"]]
    )
    def test_the_source_may_be_said_in_each_way(self, argv: list[str]) -> None:
        assert help.text(argv).startswith("stream: ")

    def test_it_is_asked_of_the_program(self) -> None:
        done = ended("--help", "--source", "bluesky")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("bluesky: ") and "--deletions {all,none}" in done.stdout


@pytest.mark.parametrize("program", ["producer", "direct", "receiver_based", "services"])
def test_every_program_says_its_version(program: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as asked:
        settings.load(program, ["--version"], environ={}, file=Path("/nowhere"))
    assert asked.value.code == 0
    assert capsys.readouterr().out.split() == [program, version()]
    assert version() in (ROOT / "pyproject.toml").read_text()


@pytest.mark.parametrize("program", ["scripts/submit", "scripts/summary.py"])
def test_the_scripts_say_it_too(program: str) -> None:
    done = subprocess.run(
        [ROOT / program, "--version"], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == [program, version()]


def test_no_suggestion_comes_of_the_dashes_alone() -> None:
    assert meant("--verzion", ["--json", "--version"]) == ", did you mean --version?"
    assert meant("--verbose", ["--json", "--loop"]) == ""


class TestSupervise:
    def test_it_starts_the_same_producer_again_without_the_word(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        commands: list[Any] = []

        def start(command: list[str], **options: Any) -> Any:
            commands.append((command, options))
            return "a process"

        monkeypatch.setattr(producer.subprocess, "Popen", start)
        monkeypatch.setattr(producer, "supervise", lambda start: 0 if start() else 1)
        monkeypatch.setattr(
            sys, "argv", ["producer", "--source", "sample", "--supervise", "--topic", "t"]
        )
        assert producer.main() == 0
        command, options = commands[0]
        assert command[1:] == ["-m", "producer", "--source", "sample", "--topic", "t"]
        assert options["start_new_session"], (
            "Ctrl-C must reach the producer once, by way of the supervisor"
        )

    def test_what_never_changes_by_itself_ends_it(self) -> None:
        done = ended("--supervise", "--file", "/nowhere/tweets.jsonl")
        assert done.returncode == 2
        assert done.stderr.count("cannot read the file") == 1 and "again" not in done.stderr
