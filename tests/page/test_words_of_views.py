"""Words that come with a view: the same ones in every language."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mitame.serving.page.files import page
from tests.page.browser import Browser, browser
from tests.serving.running_server import Server

NAMES = sorted(name for name in page().files if name.endswith("/words.js"))


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Server(tmp_path_factory.mktemp("data")) as server, browser() as opened:
        opened.driver.get(server.url)
        yield opened


@pytest.mark.parametrize("name", NAMES)
def test_all_languages_have_the_same_words(window: Browser, name: str) -> None:
    """As texts, or as functions of as many values; none is empty, none that the shell has, too."""
    script = """
      const [own, shells, done] = arguments;
      const kind = (said) => typeof said === 'function' ? said.length : said ? 'text' : 'none';
      const shape = ([key, said]) => [key, kind(said)];
      Promise.all([import(own), import(shells)]).then(([{ WORDS }, { words }]) => done([
        Object.keys(words),
        Object.values(WORDS).map((each) => Object.fromEntries(Object.entries(each).map(shape))),
      ]));
    """
    base = f"/page/{page().version}"
    shells, found = window.driver.execute_async_script(
        script, f"{base}/{name}", f"{base}/words/en.js"
    )
    english, *others = found
    assert others == [english]
    assert "none" not in english.values()
    assert not set(shells) & set(english)


def test_no_two_views_use_a_word_for_different_things(window: Browser) -> None:
    """Views are loaded one after the other, and their words lie in one place."""
    script = """
      const [paths, done] = arguments;
      Promise.all(paths.map((path) => import(path)))
        .then((found) => done(found.map(({ WORDS }) => Object.keys(WORDS.en))));
    """
    base = f"/page/{page().version}"
    found = window.driver.execute_async_script(script, [f"{base}/{name}" for name in NAMES])
    words = [word for each in found for word in each]
    assert sorted(words) == sorted(set(words))
