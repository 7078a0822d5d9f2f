"""How many batches there are: found where the last search ended, without a listing."""

import pytest

from views.reading import Published


class Counted(Published):
    """Batches [first, until) of an output; what it was asked for."""

    def __init__(self, first: int, until: int) -> None:
        self.held, self.asked, self.listed = range(first, until), 0, 0

    def there(self, seq: int) -> bool:
        self.asked += 1
        return seq in self.held

    def first(self) -> int:
        self.listed += 1
        return self.held[0] if self.held else 0


@pytest.mark.parametrize("first", [0, 1, 700])
@pytest.mark.parametrize("more", [1, 2, 3, 299, 300_000])
@pytest.mark.parametrize("known", [0, 1, 699, 700, 701])
def test_the_length_is_right_wherever_the_search_begins(first: int, more: int, known: int) -> None:
    assert Counted(first, first + more).length(min(known, first + more)) == first + more


def test_nothing_new_takes_two_questions_and_no_listing() -> None:
    published = Counted(0, 100_000)
    assert published.length(100_000) == 100_000
    assert (published.asked, published.listed) == (2, 0)


def test_a_few_new_ones_take_a_few_questions() -> None:
    published = Counted(0, 100_003)
    assert published.length(100_000) == 100_003
    assert published.asked <= 6 and published.listed == 0


def test_an_output_without_batches_has_none() -> None:
    assert Counted(0, 0).length() == 0
