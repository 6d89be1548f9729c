"""The sample set: whole or not at all, whatever npm and its archives do."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mitame.demo.emoji import ABOUT, _slug, fetch_emoji
from mitame.errors import DamagedArchive, FetchFailed, MitameError, SourceError, StorageError
from tests.demo.npm_double import NAMES_PACKAGE, PICTURES_PACKAGE, NpmDouble, code, tgz, webp

GROUPS = {
    "Food & Drink": {"🍎": "red apple", "🍏": "green apple"},
    "Animals & Nature": {"🐯": "tiger face"},
    "Smileys & Emotion": {"❤️": "red heart"},
}


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NpmDouble:
    """An npm that gives the emoji of GROUPS."""
    double = NpmDouble(tmp_path / "bin", monkeypatch)
    double.give_emoji(GROUPS)
    return double


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the set shall go; neither it nor its parent is there yet."""
    return tmp_path / "cache" / "emoji"


def _listing(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*.webp")}


def _nothing_left(folder: Path) -> bool:
    return not folder.parent.exists() or not list(folder.parent.iterdir())


def test_pictures_lie_in_their_categories(npm: NpmDouble, folder: Path) -> None:
    """Each picture goes to CATEGORY/NAME.webp with its bytes unchanged, and nothing else stays."""
    assert fetch_emoji(folder) == 4
    assert _listing(folder) == {
        "food-drink/red-apple.webp",
        "food-drink/green-apple.webp",
        "animals-nature/tiger-face.webp",
        "smileys-emotion/red-heart.webp",
    }
    assert (folder / "animals-nature/tiger-face.webp").read_bytes() == webp("🐯")
    assert json.loads((folder / ABOUT).read_text())["licence"] == "MIT"
    assert [path.name for path in folder.parent.iterdir()] == ["emoji"]


def test_a_line_on_stderr_says_what_is_fetched(
    npm: NpmDouble, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Progress goes to stderr, one line a package; stdout stays clean for scripts."""
    fetch_emoji(folder)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 2


def test_the_second_call_needs_no_npm(npm: NpmDouble, folder: Path) -> None:
    """A whole set is taken as it is."""
    fetch_emoji(folder)
    npm.remove()
    assert fetch_emoji(folder) == 4
    assert len(npm.calls()) == 2


def test_poor_samples_are_left_out(npm: NpmDouble, folder: Path) -> None:
    """Skin tones, flags, symbols, emoji without a name and other files are no samples."""
    groups = {
        "People & Body": {"👋": "waving hand", "👋🏽": "waving hand: medium skin tone"},
        "Flags": {"🏁": "chequered flag"},
        "Symbols": {"#️⃣": "keycap: #"},
    }
    npm.give_emoji(groups, **{"1f600": webp("x"), "not-code": webp("y")})
    assert fetch_emoji(folder) == 1
    assert _listing(folder) == {"people-body/waving-hand.webp"}


def test_one_of_each_figure_is_kept(npm: NpmDouble, folder: Path) -> None:
    """Of a person, a man and a woman who do the same, the person stays; children stay apart."""
    names = {
        "🏃‍♀️": "woman running",
        "🏃": "person running",
        "🏃‍♂️": "man running",
        "👩‍🌾": "woman farmer",
        "🧑‍🌾": "farmer",
        "👨‍🌾": "man farmer",
        "👧": "girl",
        "👦": "boy",
    }
    npm.give_emoji({"People & Body": names})
    assert fetch_emoji(folder) == 4
    assert {Path(name).stem for name in _listing(folder)} == {
        "person-running",
        "farmer",
        "girl",
        "boy",
    }


def test_names_that_clash_or_cant_be_spelt_fall_back_to_code_points(
    npm: NpmDouble, folder: Path
) -> None:
    """No picture replaces another, and a name never makes a path."""
    names = {"🍎": "Apple!", "🍏": "apple", "🍐": "梨", "🍊": "../../orange"}
    npm.give_emoji({"Food & Drink": names})
    assert fetch_emoji(folder) == 4
    assert _listing(folder) == {
        "food-drink/apple.webp",
        f"food-drink/{code('🍏')}.webp",
        f"food-drink/{code('🍐')}.webp",
        "food-drink/orange.webp",
    }


@given(st.text(max_size=200))
def test_a_slug_is_safe_as_a_name(text: str) -> None:
    """Only lower-case letters, digits and hyphens inside; at most 80 of them."""
    assert re.fullmatch(r"|[a-z0-9]([a-z0-9-]{0,78}[a-z0-9])?", _slug(text))


def test_a_missing_npm_is_a_fetch_that_failed(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The caller can fall back on a SourceError that says what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FetchFailed, match="npm is not installed") as caught:
        fetch_emoji(folder)
    assert isinstance(caught.value, SourceError)
    assert "Node.js" in caught.value.line()
    assert _nothing_left(folder)


def test_what_npm_says_is_passed_on(npm: NpmDouble, folder: Path) -> None:
    """A registry that can't be reached: npm's own reason, without its codes."""
    npm.behave(
        "print('npm error code ENOTFOUND\\nnpm error network no such host', file=sys.stderr)\n"
        "sys.exit(1)"
    )
    with pytest.raises(FetchFailed, match="network no such host"):
        fetch_emoji(folder)
    assert _nothing_left(folder)


def test_an_npm_that_hangs_is_stopped(npm: NpmDouble, folder: Path) -> None:
    """The timeout ends the wait and leaves nothing behind."""
    npm.behave("time.sleep(600)")
    with pytest.raises(FetchFailed, match="took more than"):
        fetch_emoji(folder, timeout=0.3)
    assert _nothing_left(folder)


def test_an_npm_that_cant_run_is_a_fetch_that_failed(npm: NpmDouble, folder: Path) -> None:
    """A script whose interpreter is missing."""
    (npm.folder / "npm").write_text("#!/nowhere/at/all\n")
    with pytest.raises(FetchFailed, match="can't start npm"):
        fetch_emoji(folder)


def test_an_npm_that_gives_nothing_is_a_fetch_that_failed(npm: NpmDouble, folder: Path) -> None:
    """Success without an archive is no success."""
    npm.behave("sys.exit(0)")
    with pytest.raises(FetchFailed, match="0 archives"):
        fetch_emoji(folder)


def test_a_broken_download_is_not_taken_for_whole(npm: NpmDouble, folder: Path) -> None:
    """Half an archive fails and leaves nothing; the next call fetches it whole."""
    whole = (npm.folder / f"{PICTURES_PACKAGE}.tgz").read_bytes()
    npm.give(PICTURES_PACKAGE, whole[: len(whole) // 2])
    with pytest.raises(DamagedArchive, match=PICTURES_PACKAGE):
        fetch_emoji(folder)
    assert _nothing_left(folder)
    npm.give(PICTURES_PACKAGE, whole)
    assert fetch_emoji(folder) == 4


def test_what_a_killed_run_left_does_no_harm(npm: NpmDouble, folder: Path) -> None:
    """Neither a partial folder beside the set nor an empty one in its place counts as whole."""
    leftover = folder.parent / ".emoji-killed" / "pictures" / "food-drink"
    leftover.mkdir(parents=True)
    (leftover / "half.webp").write_bytes(b"RIFF")
    folder.mkdir()
    assert fetch_emoji(folder) == 4
    assert len(_listing(folder)) == 4


def test_a_folder_with_other_files_is_left_alone(npm: NpmDouble, folder: Path) -> None:
    """Nobody's pictures are replaced; npm is not even asked."""
    folder.mkdir(parents=True)
    (folder / "holiday.jpg").write_bytes(b"mine")
    with pytest.raises(SourceError, match="something else"):
        fetch_emoji(folder)
    assert [path.name for path in folder.iterdir()] == ["holiday.jpg"]
    assert npm.calls() == []


def test_a_quicker_process_wins(npm: NpmDouble, folder: Path) -> None:
    """If the set appears while this call fetches, it is kept and counted."""
    npm.behave(
        f"theirs = pathlib.Path({str(folder)!r})\n"
        "theirs.mkdir(exist_ok=True)\n"
        f"(theirs / {ABOUT!r}).write_text('{{\"pictures\": 99}}')"
    )
    assert fetch_emoji(folder) == 99
    assert [path.name for path in folder.parent.iterdir()] == ["emoji"]


def test_a_place_that_cant_be_written_is_a_storage_error(npm: NpmDouble, tmp_path: Path) -> None:
    """The system's own error does not leak."""
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(StorageError):
        fetch_emoji(tmp_path / "taken" / "emoji")


@pytest.mark.parametrize(
    "table",
    [b"", b"{", b"null", b"[1]", b'{"a": 1}', b'{"a": {"name": "a"}}', b"[" * 200_000],
    ids=["empty", "cut", "null", "list", "number", "no group", "deep"],
)
def test_names_that_make_no_table_are_refused(npm: NpmDouble, folder: Path, table: bytes) -> None:
    """Whatever the JSON holds, the error is typed."""
    npm.give(NAMES_PACKAGE, tgz({"package/data-by-emoji.json": table}))
    with pytest.raises(DamagedArchive, match=NAMES_PACKAGE):
        fetch_emoji(folder)
    assert _nothing_left(folder)


@pytest.mark.parametrize("value", [1, None, ["a"], {}], ids=str)
def test_names_that_are_no_text_are_refused(npm: NpmDouble, folder: Path, value: object) -> None:
    """Name and group must be strings."""
    table = {"🍎": {"name": "apple", "group": value}}
    npm.give(NAMES_PACKAGE, tgz({"package/data-by-emoji.json": json.dumps(table).encode()}))
    with pytest.raises(DamagedArchive, match=NAMES_PACKAGE):
        fetch_emoji(folder)


@pytest.mark.parametrize(
    "content",
    [b"", b"<svg onload=alert(1)>", b"RIFF\0\0\0\0WAVE", b"RIFF\0\0\0\0WEBP" + bytes(2 << 20)],
    ids=["empty", "svg", "sound", "huge"],
)
def test_files_that_are_no_pictures_are_refused(
    npm: NpmDouble, folder: Path, content: bytes
) -> None:
    """A file that only calls itself WebP never reaches the disk."""
    npm.give(PICTURES_PACKAGE, tgz({f"package/assets/{code('🍎')}.webp": content}))
    with pytest.raises(DamagedArchive, match="no WebP"):
        fetch_emoji(folder)
    assert _nothing_left(folder)


def test_a_package_without_pictures_is_refused(npm: NpmDouble, folder: Path) -> None:
    """An empty set is no set."""
    npm.give(PICTURES_PACKAGE, tgz({"package/README.md": b"hello"}))
    with pytest.raises(MitameError, match="no pictures"):
        fetch_emoji(folder)
    assert _nothing_left(folder)
