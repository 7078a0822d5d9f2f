"""The connector's Python doors, pinned case by case on a real broker: tests/on_spark/*_cases.py
says what each case is."""

from tests.conftest import Services
from tests.kit.case_scripts import each_case, passes


@each_case("doors_cases.py", "exactness_cases.py", "kafka_utils_cases.py")
def test_case(services: Services, script: str, case: str) -> None:
    passes(services, script, case)
