"""Attacks on plain archives, each with the number that docs/attacks.md gives it."""

from collections.abc import Iterator

from .. import tar
from ..case import INTACT, Case
from ..devportal import plus
from ..plain import FILES, Plain
from ..tar import Entry
from .plain import case

PLAIN = Plain()
OUTSIDE = b"../outside"
PORTABLE = ("--require", "integrity,complete,portable-names")


def hard_links() -> Iterator[Case]:
    """A2: a hard link that is no second name of a file of the archive."""
    hard = {
        "itself": ("A hard link names itself", [Entry(b"doc/h", type=tar.HARDLINK, link=b"doc/h")]),
        "absent": ("A hard link names a file that lies where it is unpacked, not in the archive",
                   [Entry(b"doc/h", type=tar.HARDLINK, link=b"doc/private")]),
        "to-symlink": ("A hard link names a link of the archive", [
            Entry(b"doc/a", type=tar.SYMLINK, link=b"README.md"),
            Entry(b"doc/h", type=tar.HARDLINK, link=b"doc/a")]),
    }
    for name, (title, extra) in hard.items():
        yield case(f"link-hardlink-{name}", title, PLAIN.but(entries=plus(*extra)), "entry-link", "entry-unlisted")
    yield case("link-hardlink-later", "A hard link names a file that comes later in the archive", PLAIN.but(
        entries=lambda entries: [Entry(b"doc-h", type=tar.HARDLINK, link=entries[-1].name), *entries]),
               "entry-link", "entry-unlisted")


def ladders() -> Iterator[Case]:
    """A1, A4, A5, A7, A11: links that later entries go through, and names that come back."""
    yield case("link-absolute-written-through", "A listed file would be written through a link to an absolute place",
               PLAIN.but(files=FILES | {"lib/evil.md": b"# Written elsewhere\n"}, entries=lambda entries: [
                   Entry(b"lib", type=tar.SYMLINK, link=b"/tmp"), *entries]), "entry-link", "entry-unlisted")
    yield case("link-ladder", "A chain of links, each through the one before, climbs out of the tree", PLAIN.but(
        entries=plus(Entry(b"a", type=tar.SYMLINK, link=b"."), Entry(b"a/b", type=tar.SYMLINK, link=b".."),
                     Entry(b"a/b/c", b"# Elsewhere\n"))), "entry-link", "entry-unlisted")
    yield case("link-through-link-parent", "A link goes up from where another link leads, and so out of the tree", PLAIN.but(
        entries=plus(Entry(b"d/f", b"x"), Entry(b"d/l1", type=tar.SYMLINK, link=b".."),
                     Entry(b"l2", type=tar.SYMLINK, link=b"d/l1/../secret"))), "entry-link", "entry-unlisted")
    yield case("link-then-folder", "A link, and then a folder of its name with all modes", PLAIN.but(
        entries=plus(Entry(b"s", type=tar.SYMLINK, link=OUTSIDE),
                     Entry(b"s", mode=0o777, type=tar.DIRECTORY))),
               "entry-duplicate", "entry-link", "entry-unlisted")
    yield case("duplicate-link-then-file", "A link inside the tree, and then a file of its name", PLAIN.but(
        entries=plus(Entry(b"moo", type=tar.SYMLINK, link=b"doc/README.md"), Entry(b"moo", b"# Other\n"))),
               "entry-duplicate", "entry-unlisted")
    yield case("path-comes-back", "A name leaves the tree and comes back into it", PLAIN.but(
        entries=plus(Entry(b"doc/../../release/doc/evil.md", b"# Elsewhere\n"))), "entry-path", "entry-unlisted")
    deep = b"d/" * 2100 + b"evil.md"
    yield case("path-deeper-than-any", "A name of 4,207 bytes in 2,101 folders, beyond what a kernel resolves",
               PLAIN.but(entries=plus(Entry(b"evil.md", before=tar.pax((b"path", deep))))), "entry-path",
               "entry-unlisted")
    yield case("root-is-a-link", "The first entry makes the root of the archive a link", PLAIN.but(
        entries=lambda entries: [Entry(b"./", type=tar.SYMLINK, link=OUTSIDE), *entries]), "entry-link", "entry-path")
    yield case("intact-whiteouts", "Names with which image layers remove files: files like all others here", PLAIN.but(
        files=FILES | {"doc/.wh.README.md": b"", ".wh..wh..opq": b""}), outcome=INTACT)


def names() -> Iterator[Case]:
    """A8, A9: names that mean something else elsewhere."""
    other = {
        "path-network-share": (b"\\\\server\\share\\evil.md", "A name that Windows takes for a place in the network"),
        "path-device-namespace": (b"\\\\?\\C:\\evil.md", "A name that Windows takes as it is"),
    }
    for name, (path, title) in other.items():
        yield case(name, title, PLAIN.but(entries=plus(Entry(path, b"# Elsewhere\n"))), "entry-path", "entry-unlisted")
    pairs = {
        "sharp-s": ("doc/Stra\u00dfe.md", "doc/STRASSE.md", "Two names that differ in the sharp s"),
        "stream": ("doc/note.md", "doc/note.md:hidden", "A name with an alternate data stream"),
    }
    for name, (one, two, title) in pairs.items():
        yield case(f"portable-names-{name}", title, PLAIN.but(files=FILES | {one: b"1\n", two: b"2\n"}),
                   "portable-names", options=PORTABLE)


def sizes() -> Iterator[Case]:
    """B1: sizes that two readers take differently."""
    inner = tar.archive([Entry(b"evil.md", b"# Hidden\n")])
    yield case("size-global-header-hides-tar", "A global header gives all files a size behind which an archive hides",
               PLAIN.but(entries=plus(Entry(
                   b"doc/f", inner, raw={"size": tar.octal(0, 12)},
                   before=tar.extension(tar.PAX_GLOBAL, tar.pax_record(b"size", b"%d" % len(inner)))))),
               "entry-unlisted", "tar-extension", "tar-size")
    yield case("size-base256-huge", "A size of 2^88 bytes in the binary form", PLAIN.but(
        entries=plus(Entry(b"doc/f", raw={"size": tar.base256(1 << 88)}))), "tar-header")


def cases() -> Iterator[Case]:
    """All of them."""
    for family in (hard_links, ladders, names, sizes):
        yield from family()
