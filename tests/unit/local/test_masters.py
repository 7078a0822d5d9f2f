"""What scripts/submit adds for each kind of master; Spark itself is not started."""

from pathlib import Path

import pytest

from config.errors import ConfigError
from config.venv import PYTHON, ROOT
from local import masters

STANDALONE = ["--master", "spark://127.0.0.1:7077"]
SECRET = {"_SPARK_AUTH_SECRET": "a-test-s"}
ARCHIVE = ["--archives", "hdfs:///apps/tweets.tar.gz#app"]


def conf(options: list[str], environ: dict[str, str], second: bool = False) -> dict[str, str]:
    """The settings among the lines."""
    lines = masters.lines(options, environ, second)
    assert set(lines[::2]) == {"--conf"}
    return dict(word.split("=", 1) for word in lines[1::2])


@pytest.mark.parametrize(
    "options",
    [[], ["--master", "local[5]"], ["--master=local"], ["--conf", "spark.master=local[3,2]"]],
)
def test_local_masters(options: list[str]) -> None:
    assert masters.is_local(options)


@pytest.mark.parametrize("master", ["yarn", "spark://a:7077,b:7077", "local-cluster[2,2,1024]"])
def test_clusters(master: str) -> None:
    for options in (
        ["--master", master],
        [f"--master={master}"],
        ["--conf", f"spark.master={master}"],
    ):
        assert masters.master(options) == master
        assert not masters.is_local(options)


def test_the_cluster_s_lines_go_on_top_of_the_local_ones() -> None:
    found = conf(STANDALONE, SECRET)
    assert found["spark.task.maxFailures"] == "8", "config/profiles/cluster.conf"
    assert found["spark.authenticate"] == "true", "config/spark.conf"
    assert "spark.master" not in found


def test_the_driver_listens_where_the_way_to_the_master_begins() -> None:
    assert conf(STANDALONE, SECRET)["spark.driver.host"] == "127.0.0.1"
    chosen = conf(STANDALONE, {**SECRET, "SPARK_LOCAL_IP": "192.0.2.7"})
    assert chosen["spark.driver.bindAddress"] == "192.0.2.7", "the user's own wins"


def test_a_host_that_nobody_knows_is_left_to_spark() -> None:
    assert masters.address(["--master", "spark://no-such-host.invalid:7077"], {}) == ""


def test_code_at_one_path_on_each_host() -> None:
    found = conf(STANDALONE, SECRET)
    assert found["spark.executorEnv.PYTHONPATH"] == f"{ROOT}:{ROOT}/connector"
    assert masters.python(STANDALONE) == str(PYTHON)


def test_code_in_an_archive() -> None:
    found = conf(STANDALONE + ARCHIVE, SECRET)
    assert found["spark.executorEnv.PYTHONPATH"] == "app"
    assert masters.python(ARCHIVE).startswith("python3.")


def test_the_secret_is_never_a_setting() -> None:
    lines = masters.lines(STANDALONE, SECRET, False)
    assert not [line for line in lines if SECRET["_SPARK_AUTH_SECRET"] in line]
    with pytest.raises(ConfigError, match="share a secret"):
        masters.lines(STANDALONE, {}, False)
    off = [*STANDALONE, "--conf", "spark.authenticate=false"]
    assert "spark.authenticate.secret" not in conf(off, {})


def test_yarn_in_cluster_mode_gets_the_job_s_environment(tmp_path: Path) -> None:
    (tmp_path / "yarn-site.xml").write_text(
        "<configuration><property><name>yarn.resourcemanager.address</name>"
        "<value>127.0.0.1:8032</value></property></configuration>"
    )
    environ = {
        "HADOOP_CONF_DIR": str(tmp_path),
        "TWEETS_TOPIC": "t",
        "TWEETS_X_BEARER_TOKEN": "canary",
    }
    client = conf(["--master", "yarn"], environ)
    assert client["spark.driver.host"] == "127.0.0.1"
    assert client["spark.yarn.jars"].startswith("local:/")
    found = conf(["--master", "yarn", "--deploy-mode", "cluster", *ARCHIVE], environ)
    assert found["spark.yarn.appMasterEnv.TWEETS_TOPIC"] == "t"
    assert found["spark.yarn.appMasterEnv.PYTHONPATH"] == "app"
    assert "spark.driver.host" not in found, "the driver is elsewhere"
    assert "canary" not in str(found)
