"""The table of settings: four origins, what is refused, and what is never shown."""

from pathlib import Path
from typing import Any

import pytest

from config import settings
from config.errors import ConfigError
from config.settings import Setting, Settings

PROGRAMS = sorted(settings.programs())
BY_PROGRAM = [(setting, program) for program in PROGRAMS for setting in settings.of(program)]
SAMPLES: dict[type, Any] = {str: "some", int: 7, float: 2.5, bool: True}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "pipeline.toml"


def load(file: Path, *argv: str, program: str = "direct", **environ: str) -> Settings:
    return settings.load(program, argv, environ=environ, file=file)


def test_the_defaults_are_those_of_the_table(file: Path) -> None:
    for program in PROGRAMS:
        loaded = load(file, program=program)
        for setting in settings.of(program):
            default = (
                setting.default.replace("{program}", program)
                if setting.name == "output"
                else setting.default
            )
            assert getattr(loaded, setting.name) == default
            assert type(getattr(loaded, setting.name)) is setting.kind
            assert loaded.origins[setting.name] == "default"


def test_a_flag_beats_the_environment_beats_the_file_beats_the_default(file: Path) -> None:
    seen = [load(file)]
    file.write_text('topic = "of the file"\nmax_rate = 3\n')
    seen.append(load(file))
    environ = {"TWEETS_TOPIC": "of the environment"}
    seen.append(load(file, **environ))
    seen.append(load(file, "--topic", "of the flag", **environ))
    assert [loaded.topic for loaded in seen] == [
        "tweets",
        "of the file",
        "of the environment",
        "of the flag",
    ]
    assert [loaded.origins["topic"] for loaded in seen] == [
        "default",
        "pipeline.toml",
        "TWEETS_TOPIC",
        "--topic",
    ]
    assert [loaded.max_rate for loaded in seen] == [0, 3, 3, 3]
    assert [loaded.origins["max_rate"] for loaded in seen] == ["default", *["pipeline.toml"] * 3]


@pytest.mark.parametrize(
    ("setting", "program"), BY_PROGRAM, ids=lambda value: getattr(value, "name", value)
)
def test_each_setting_can_be_set_in_each_way(setting: Setting, program: str, file: Path) -> None:
    value = (
        setting.choices[-1]
        if setting.choices
        else "none"
        if setting.name == "spool"
        else SAMPLES[setting.kind]
    )
    assert (
        getattr(load(file, program=program, **{setting.variable: str(value)}), setting.name)
        == value
    )
    if not setting.secret:
        flag = [setting.flag] if setting.kind is bool else [setting.flag, str(value)]
        assert getattr(load(file, *flag, program=program), setting.name) == value
        file.write_text(
            f"{setting.name} = {str(value).lower() if setting.kind is bool else repr(value)}\n"
        )
        assert getattr(load(file, program=program), setting.name) == value


@pytest.mark.parametrize("program", PROGRAMS)
def test_help_shows_every_flag_with_its_variable(
    program: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        load(file, "--help", program=program)
    assert ended.value.code == 0
    shown = capsys.readouterr().out.split()
    for setting in settings.of(program):
        assert (setting.flag in shown) is not setting.secret, setting.flag
        assert any(setting.variable in word for word in shown) is not setting.secret, (
            setting.variable
        )


def test_print_config_shows_values_and_origins_on_stdout(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text("batch_interval_s = 5\n")
    with pytest.raises(SystemExit) as ended:
        load(file, "--print-config", "--topic", "a,b", TWEETS_MAX_RATE="9")
    assert ended.value.code == 0
    lines = {line.split()[0]: line.split()[1:] for line in capsys.readouterr().out.splitlines()}
    assert list(lines) == [setting.name for setting in settings.of("direct")]
    assert lines["batch_interval_s"] == ["5.0", "pipeline.toml"]
    assert lines["topic"] == ["'a,b'", "--topic"]
    assert lines["max_rate"] == ["9", "TWEETS_MAX_RATE"]
    assert lines["available_now"] == ["False", "default"]


@pytest.mark.parametrize(
    ("argv", "environ", "content", "said"),
    [
        (["--topc", "a"], {}, "", r"--topc.*did you mean --topic\?.*command line"),
        (["--topc=a"], {}, "", r"did you mean --topic\?"),
        (["--top", "a"], {}, "", r"did you mean --topic\?"),  # no abbreviations
        (["surprise"], {}, "", "unrecognized arguments: surprise"),
        (["--source", "sample"], {}, "", "unrecognized arguments: --source"),  # another program's
        (
            [],
            {"TWEETS_TOPC": "a"},
            "",
            r"TWEETS_TOPC, did you mean TWEETS_TOPIC\? at the environment",
        ),
        ([], {}, 'topc = "a"', r"'topc', did you mean topic\? at .*pipeline.toml"),
        ([], {}, "[topic]\nname = 1", "topic wants text"),
        ([], {}, "topic = ", "not valid TOML.*pipeline.toml"),
        ([], {}, "topic = 3", "topic wants text: 3 at pipeline.toml"),
        ([], {}, "max_rate = true", "max_rate wants a whole number: True at pipeline.toml"),
        (
            [],
            {},
            'available_now = "maybe"',
            "available_now wants true or false: 'maybe' at pipeline.toml",
        ),
        (
            [],
            {"TWEETS_AVAILABLE_NOW": "yes"},
            "",
            "available_now wants true or false: 'yes' at TWEETS_AVAILABLE_NOW",
        ),
        (
            [],
            {"TWEETS_MAX_RATE": "many"},
            "",
            "max_rate wants a whole number: 'many' at TWEETS_MAX_RATE",
        ),
        (["--max-rate", "1.5"], {}, "", "max_rate wants a whole number: '1.5' at --max-rate"),
        (["--max-rate", "-1"], {}, "", "max_rate cannot be -1 at --max-rate"),
        (["--batch-interval-s", "nan"], {}, "", "batch_interval_s cannot be nan"),
        (["--batch-interval-s", "inf"], {}, "", "batch_interval_s cannot be inf"),
        (
            ["--batch-interval-s", "0"],
            {},
            "",
            r"batch_interval_s cannot be 0.0.*\n  next: .* from 0.1 to 86400",
        ),
        (["--batch-interval-s", "-2"], {}, "", "batch_interval_s cannot be -2.0"),
        (["--max-tweet-bytes", "0"], {}, "", "max_tweet_bytes cannot be 0"),
        (["--topic"], {}, "", "expected one argument"),
    ],
)
def test_what_is_refused(
    argv: list[str], environ: dict[str, str], content: str, said: str, file: Path
) -> None:
    file.write_text(content)
    with pytest.raises(ConfigError, match=said) as refused:
        load(file, *argv, **environ)
    assert refused.value.exit_code == 2
    assert refused.value.remedy


def test_other_programs_numbers_have_their_ranges_too(file: Path) -> None:
    with pytest.raises(ConfigError, match="receivers cannot be 0 at --receivers"):
        load(file, "--receivers", "0", program="receiver_based")
    with pytest.raises(ConfigError, match="kafka_port cannot be 70000 at TWEETS_KAFKA_PORT"):
        load(file, program="services", TWEETS_KAFKA_PORT="70000")


@pytest.mark.parametrize(
    ("argv", "environ"),
    [(["--source", "replai"], {}), ([], {"TWEETS_SOURCE": "replai"})],
    ids=["flag", "environment"],
)
def test_choices(argv: list[str], environ: dict[str, str], file: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"source is one of .*, not 'replai', did you mean replay\?"
    ):
        load(file, *argv, program="producer", **environ)


def test_a_number_may_be_written_without_its_point(file: Path) -> None:
    file.write_text("batch_interval_s = 3\n")
    assert load(file).batch_interval_s == 3.0
    assert load(file, "--stop-timeout-s", "4").stop_timeout_s == 4.0


def test_other_variables_and_other_programs_settings_do_not_matter(file: Path) -> None:
    file.write_text('source = "replay"\n')
    assert load(file, PATH="/bin", TWEETS_SOURCE="sample").values == load(file).values


def test_the_output_names_its_job(file: Path) -> None:
    assert load(file).output == "hdfs://127.0.0.1:8020/tweets/direct"
    assert (
        load(file, "--output", "hdfs://host/{program}/x/", program="receiver_based").output
        == "hdfs://host/receiver_based/x"
    )


class TestSecrets:
    SECRET = "AAAA-canary-%2F"
    SECRETS = [setting for setting, _ in BY_PROGRAM if setting.secret]

    def test_there_is_one(self) -> None:
        assert [setting.name for setting in self.SECRETS] == ["x_bearer_token"]

    def test_they_are_not_printed(self, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
        loaded = load(file, program="producer", TWEETS_X_BEARER_TOKEN=self.SECRET)
        assert loaded.x_bearer_token == self.SECRET
        for shown in (loaded.table(), str(loaded), repr(loaded)):
            assert self.SECRET not in shown
        for argv in (["--print-config"], ["--help"]):
            with pytest.raises(SystemExit):
                load(file, *argv, program="producer", TWEETS_X_BEARER_TOKEN=self.SECRET)
            out, err = capsys.readouterr()
            assert self.SECRET not in out + err
        assert "(set)" in loaded.table()
        assert "(not set)" in load(file, program="producer").table()

    @pytest.mark.parametrize("setting", SECRETS, ids=lambda setting: setting.name)
    def test_they_come_neither_from_a_flag_nor_from_the_file(
        self, setting: Setting, file: Path
    ) -> None:
        with pytest.raises(ConfigError, match="unrecognized"):
            load(file, setting.flag, "a", program="producer")
        file.write_text(f'{setting.name} = "{self.SECRET}"\n')
        with pytest.raises(ConfigError, match="unknown setting") as refused:
            load(file, program="producer")
        assert self.SECRET not in str(refused.value)


def test_an_unknown_name_is_an_attribute_error(file: Path) -> None:
    with pytest.raises(AttributeError, match="direct has no setting 'sources'"):
        _ = load(file).sources


def test_a_program_s_own_arguments_become_values(file: Path) -> None:
    parser = settings.argument_parser("services", "about")
    parser.add_argument("command")
    loaded = settings.load(
        "services", ["start", "--brokers", "3"], environ={}, file=file, parser=parser
    )
    assert (loaded.command, loaded.brokers) == ("start", 3)
