"""Both ways of reading give the same answers, to the letter, whatever is asked."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from app.settings import Settings
from tests.conftest import cloned, in_a_loop_of_its_own, settings_of
from tests.schema.comparison import Comparison, comparing, first_difference, normalised
from tests.schema.documents import schema
from tests.schema.holdings import Holdings, hold
from tests.schema.nasties import NASTIES
from tests.schema.questions import EVERYTHING, Question, QuestionMaker
from tests.services import Services

CHUNKS = 10
COMPARISONS = 200
"""How many each chunk makes: 2,000 in all."""

Held = tuple[Settings, Holdings]


@pytest.fixture(scope="module")
def held(
    services: Services, storage_settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Held]:
    """Accounts of every kind, made once for each process of the tests."""
    with in_a_loop_of_its_own(cloned(services)) as database:
        var = tmp_path_factory.mktemp("held") / "var"
        settings = settings_of(database, storage_settings, var)
        yield settings, asyncio.run(hold(settings))


@pytest.fixture
async def comparison(held: Held) -> AsyncIterator[Comparison]:
    """Both applications on these accounts."""
    async with comparing(*held) as comparison:
        yield comparison


@pytest.mark.parametrize("chunk", range(CHUNKS))
async def test_whatever_is_asked_both_ways_answer_the_same(
    comparison: Comparison, chunk: int
) -> None:
    maker = QuestionMaker(schema, comparison.holdings)
    counts = comparison.counts
    while counts.asked < COMPARISONS:
        seed = f"{chunk}:{counts.documents}"
        await comparison.compare(maker.make(seed), seed)
    assert counts.answered > 0.75 * counts.asked, counts
    assert counts.compiled > 0.85 * counts.asked, counts


@pytest.mark.parametrize("name", NASTIES)
async def test_what_is_nasty_is_answered_alike(comparison: Comparison, name: str) -> None:
    nasty = NASTIES[name]
    variables = nasty.variables(comparison.holdings)
    question = Question(nasty.text, None, variables, EVERYTHING - set(nasty.without))
    await comparison.ask(question, name)
    assert comparison.counts.answered == nasty.answered
    assert nasty.compiled in (None, comparison.counts.compiled)


@pytest.mark.parametrize(
    ("one", "other", "path"),
    [
        ('{"a": 1.0}', '{"a": 1.00}', "$.a"),
        ('{"a": 1, "b": 2}', '{"b": 2, "a": 1}', "$"),
        ('{"a": 1, "a": 1}', '{"a": 1}', "$"),
        ('{"a": [1, {"b": null}]}', '{"a": [1, {"b": ""}]}', "$.a[1].b"),
        ("[1]", "[1, 2]", "$"),
        ('{"a": {}}', '{"a": null}', "$.a"),
    ],
)
def test_a_difference_would_be_found(one: str, other: str, path: str) -> None:
    difference = first_difference(normalised(one), normalised(other))
    assert difference is not None
    assert difference.startswith(f"{path}: ")
    assert first_difference(normalised(one), normalised(one.replace(" ", ""))) is None
