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
