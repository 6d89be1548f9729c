"""What every directory of `mitame.storage` must do, as tests that its author inherits.

    class TestMine(DirectoryConformance):
        def directory(self) -> Directory:
            return MyDirectory(new_place())

Needs a test runner that collects methods named ``test_...``; uses nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from mitame.errors import CorruptCollection, StorageError, UsageError
from mitame.storage.protocol import Directory
from mitame.testing.directory_files import DirectoryFileConformance, make
from mitame.testing.directory_locks import DirectoryLockConformance, refused

BAD_NAMES = (
    *("", ".", "..", "../a", "a/b", "/a", "a\\b", "\\\\a\\b", "c:a", "a:b", "a\0", "\0", "a\n"),
    *("\x1ba", "a\x7f", "a.", "a ", "nul", "COM1.txt", "*", "a?", "<a>", 'a"b', "a|b", "ä", "見"),
    *("\ud800", ".part-a", "a" * 201),
)
GOOD_NAMES = (
    "a",
    "A9",
    "manifest.json",
    ".building-000001",
    "1-000000000000.f32",
    "a b",
    "a" * 200,
)


class DirectoryConformance(DirectoryFileConformance, DirectoryLockConformance):
    """Inherit and give `directory`."""

    def directory(self) -> Directory:
        """A new, empty directory each time it is called."""
        raise NotImplementedError  # the class that inherits says which

    def test_is_a_directory(self) -> None:
        """It has all members of the protocol, and is empty to begin with."""
        directory = self.directory()
        assert isinstance(directory, Directory)
        assert directory.names() == []

    def test_names_are_sorted(self) -> None:
        """Files and folders right inside, nothing of what is deeper."""
        directory = self.directory()
        for name in ("c", "a", "b.x"):
            make(directory, name)
        make(directory.child("b"), "deeper")
        assert directory.names() == ["a", "b", "b.x", "c"]

    def test_good_names(self) -> None:
        """Those that mean the same on every system."""
        directory = self.directory()
        for name in GOOD_NAMES:
            directory.replace(name, name.encode())
        assert directory.names() == sorted(GOOD_NAMES)
        assert all(directory.read(name, limit=200) == name.encode() for name in GOOD_NAMES)

    def test_bad_names_are_refused(self) -> None:
        """No way out of the directory, nothing that some system reads otherwise."""
        directory = self.directory()
        make(directory, "there")
        for name in BAD_NAMES:
            for call in calls(directory, name):
                refused(call, UsageError)
            refused(lambda: directory.rename("there", name), UsageError)  # noqa: B023 (called at once)
        assert directory.names() == ["there"]

    def test_what_is_missing_is_corrupt(self) -> None:
        """Reading does not make a file; asking whether it is there and removing it are fine."""
        directory = self.directory()
        for call in (
            lambda: directory.read("a", limit=9),
            lambda: directory.map("a"),
            lambda: directory.size("a"),
            lambda: directory.rename("a", "b"),
            lambda: directory.child("a", make=False),
        ):
            refused(call, CorruptCollection)
        assert not directory.exists("a")
        directory.remove("a")
        assert directory.names() == []

    def test_folders_are_no_files_and_files_no_folders(self) -> None:
        """The wrong kind is refused and stays as it is."""
        directory = self.directory()
        make(directory.child("folder"), "a")
        make(directory, "file", b"content")
        for call in (
            lambda: directory.read("folder", limit=9),
            lambda: directory.map("folder"),
            lambda: directory.size("folder"),
            lambda: directory.region("folder"),
            lambda: directory.replace("folder", b""),
            lambda: directory.lock("folder").__enter__(),
            lambda: directory.child("file"),
            lambda: directory.child("file", make=False),
        ):
            refused(call, CorruptCollection)
        assert directory.names() == ["file", "folder"]
        assert directory.child("folder").names() == ["a"]
        assert directory.read("file", limit=9) == b"content"

    def test_a_file_is_created_once(self) -> None:
        """A second time, or over a folder, is refused, and nothing is lost."""
        directory = self.directory()
        make(directory, "a", b"first")
        directory.child("b")
        refused(lambda: directory.create("a"), StorageError)
        refused(lambda: directory.create("b"), StorageError)
        assert directory.read("a", limit=9) == b"first"

    def test_replace(self) -> None:
        """Makes a file or gives it other content, shorter or longer, and leaves nothing beside."""
        directory = self.directory()
        for content in (b"first", b"", b"a longer one", bytes(100_000)):
            directory.replace("a", content)
            assert directory.read("a", limit=100_000) == content
        assert directory.names() == ["a"]

    def test_replace_under_readers(self) -> None:
        """Threads that read while others replace see one content or the other, whole."""
        directory = self.directory()
        contents = {bytes([letter]) * size for letter, size in ((65, 1), (66, 5_000), (67, 70_000))}
        directory.replace("a", min(contents))

        def replace(content: bytes) -> set[bytes]:
            for _ in range(15):
                directory.replace("a", content)
            return set()

        def read(_: bytes) -> set[bytes]:
            return {directory.read("a", limit=100_000) for _ in range(60)}

        with ThreadPoolExecutor(6) as pool:
            jobs = [pool.submit(job, content) for content in contents for job in (replace, read)]
            seen = {content for job in jobs for content in job.result()}
        assert seen <= contents
        assert directory.names() == ["a"]

    def test_rename(self) -> None:
        """A file or folder has the new name and no other; what it holds is the same."""
        directory = self.directory()
        make(directory, "a", b"content")
        make(directory.child("b").child("c"), "d", b"deep")
        directory.rename("a", "x")
        directory.rename("b", "y")
        assert directory.names() == ["x", "y"]
        assert directory.read("x", limit=9) == b"content"
        assert directory.child("y").child("c").read("d", limit=9) == b"deep"

    def test_rename_takes_no_name_away(self) -> None:
        """A taken name is refused, be it a file, an empty folder or its own."""
        directory = self.directory()
        make(directory, "a", b"first")
        make(directory, "b", b"second")
        directory.child("c")
        directory.child("d")
        for old, new in (("a", "b"), ("a", "c"), ("c", "d"), ("c", "a"), ("a", "a")):
            refused(lambda o=old, n=new: directory.rename(o, n), StorageError)  # type: ignore[misc]  # mypy can't infer a lambda with defaults
        assert directory.names() == ["a", "b", "c", "d"]
        assert directory.read("b", limit=9) == b"second"

    def test_remove(self) -> None:
        """A file, a folder with all in it; made again, they are empty."""
        directory = self.directory()
        make(directory, "a", b"content")
        make(directory.child("b").child("c"), "d")
        for name in ("a", "b"):
            directory.remove(name)
            assert not directory.exists(name)
        assert directory.names() == []
        make(directory, "a")
        assert directory.size("a") == 0
        assert directory.child("b").names() == []

    def test_children_are_the_same_folder(self) -> None:
        """Two handles of one folder see the same; one that is there is not made again."""
        directory = self.directory()
        first, second = directory.child("a"), directory.child("a", make=False)
        make(first, "b", b"content")
        assert second.read("b", limit=9) == b"content"
        assert directory.child("a").names() == ["b"]
        assert (first.path is None) == (directory.path is None)
        if directory.path is not None:
            assert first.path == directory.path / "a"

    def test_a_folder_that_is_gone(self) -> None:
        """Whoever holds it finds it missing, does not make it again, and finds the next one."""
        directory = self.directory()
        child = directory.child("a")
        make(child, "b", b"old")
        directory.remove("a")
        for call in calls(child, "b"):
            refused(call, CorruptCollection)
        refused(child.names, CorruptCollection)
        refused(child.sync, CorruptCollection)
        assert not child.exists("b")
        child.remove("b")
        assert directory.names() == []
        make(directory.child("a"), "b", b"new")
        assert child.read("b", limit=9) == b"new"

    def test_sync_is_harmless(self) -> None:
        """With something to sync, and with nothing."""
        directory = self.directory()
        directory.sync()
        make(directory, "a")
        directory.child("b").sync()
        directory.sync()
        assert directory.names() == ["a", "b"]


def calls(directory: Directory, name: str) -> list[Callable[[], object]]:
    """Every method that takes a name and must fail where the name or the directory is wrong."""
    return [
        lambda: directory.read(name, limit=9),
        lambda: directory.map(name),
        lambda: directory.size(name),
        lambda: directory.create(name),
        lambda: directory.region(name),
        lambda: directory.replace(name, b""),
        lambda: directory.rename(name, "new"),
        lambda: directory.child(name),
        lambda: directory.lock(name).__enter__(),
    ]
