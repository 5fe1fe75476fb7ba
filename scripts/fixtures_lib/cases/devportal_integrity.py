"""devportal bundles whose contents, lists or manifests are wrong under a good signature."""

from collections.abc import Callable, Iterator
from typing import Any

from ..case import Case, verify
from ..devportal import (FILES, HELPERS, KIND, Devportal, altered, flipped, plus, replacing, same,
                         setting, sha256, without)
from ..tar import Entry
from .devportal_good import GOOD, TAR, zstd_frames

INDEX = "portal/index.html"
EXTRA = b"Nobody listed this.\n"


def bad(name: str, title: str, bundle: Devportal, *failing: str, options: tuple[str, ...] = (), **rest) -> Case:
    """A bundle that must fail in these checks."""
    rest = {"kind": KIND} | rest
    return Case("devportal", name, title, verify(bundle.name, *options), bundle.build(), failing=failing, **rest)


def contents() -> Iterator[Case]:
    """The archive does not hold what the manifest says."""
    wrong = {"subject": INDEX, "standings": {INDEX: "contradicted", "portal/assets/site.css": "pinned"}}
    flip = GOOD.but(entries=altered(INDEX))
    yield bad("entry-altered", "One bit of portal/index.html is flipped", flip, "entry-digest", **wrong)
    yield bad("entry-altered-in-tar", "One bit of portal/index.html is flipped, in an uncompressed tar",
              flip.but(wrap=same, name=TAR), "entry-digest", **wrong)
    yield bad("entry-altered-in-zstd", "One bit of portal/index.html is flipped, in a zstd tar",
              flip.but(wrap=zstd_frames, name="devportal-offline-bundle.tar.zst"), "entry-digest", **wrong)
    yield bad("entry-altered-envelope-inside", "One bit of portal/index.html is flipped, the envelope lies inside",
              flip.but(inside=True), "entry-digest", **wrong)
    yield altered_directory()
    yield bad("entry-size-misstated", "The manifest states a size for specs/gateway.yaml that is one too large",
              GOOD.but(edit=one_byte_more), "entry-size", subject="specs/gateway.yaml")
    yield bad("entry-missing", "portal/assets/site.css is not in the archive",
              GOOD.but(entries=without("portal/assets/site.css")), "entry-missing", subject="portal/assets/site.css",
              standings={"portal/assets/site.css": "missing"})
    yield bad("entry-unlisted", "portal/extra.html is in no list", GOOD.but(entries=plus(
        Entry(b"portal/extra.html", EXTRA))), "entry-unlisted", subject="portal/extra.html",
        standings={"portal/extra.html": "unlisted"})
    yield bad("entry-unlisted-hidden", ".git/hooks/post-checkout is in no list", GOOD.but(entries=plus(
        Entry(b".git/hooks/post-checkout", b"#!/bin/sh\n", 0o755))), "entry-unlisted",
        subject=".git/hooks/post-checkout")
    yield bad("entry-unlisted-despite-waiver", "--allow-extra waives another folder", GOOD.but(entries=plus(
        Entry(b"portal/extra.html", EXTRA))), "entry-unlisted", options=("--allow-extra", "notes/*"),
        subject="portal/extra.html")
    yield bad("helper-altered", "verify-offline.sh is not what checksums.txt says",
              GOOD.but(entries=altered("verify-offline.sh")), "entry-digest", subject="verify-offline.sh",
              standings={"verify-offline.sh": "contradicted"})


def altered_directory() -> Case:
    """An unpacked bundle with one file changed."""
    files = {f"tree/{path}": data for path, data in GOOD.tree().items()}
    files[f"tree/{INDEX}"] = flipped(FILES[INDEX])
    return Case("devportal", "entry-altered-in-directory", "One bit of portal/index.html is flipped, in a directory",
                verify("tree"), files | GOOD.beside(), failing=("entry-digest",), kind=KIND, subject=INDEX,
                standings={INDEX: "contradicted"})


def one_byte_more(manifest: dict[str, Any]) -> None:
    """A wrong size, with a total that adds up all the same."""
    entry = next(entry for entry in manifest["entries"] if entry["path"] == "specs/gateway.yaml")
    entry["sizeBytes"] += 1
    manifest["totals"]["totalSizeBytes"] += 1


def hostile_names() -> Iterator[Case]:
    """Unlisted files whose names would like to speak to the terminal."""
    names = {
        "escape-sequence": (b"portal/ok\x1b[2K\rVERIFIED", "a terminal escape sequence and a carriage return"),
        "newline": (b"portal/a\nverdict: verified", "a line end"),
        "bidi": ("portal/\u202elmth.xedni".encode(), "a right-to-left override"),
        "not-utf8": (b"portal/\xff\xfe.html", "bytes that are not UTF-8"),
        "hyperlink": (b"portal/\x1b]8;;https:example\x07here\x1b]8;;\x07", "a terminal hyperlink"),
    }
    for name, (path, what) in names.items():
        yield bad(f"unlisted-name-{name}", f"The name of an unlisted file holds {what}",
                  GOOD.but(entries=plus(Entry(path, EXTRA))), "entry-unlisted")


def lists() -> Iterator[Case]:
    """checksums.txt is wrong."""
    digest = sha256(FILES[INDEX]).encode()
    line = digest + b"  portal/index.html\n"
    other = b"0" * 64
    yield bad("list-line-altered", "One line of checksums.txt states another digest",
              GOOD.but(listed=replacing(digest, other)), "documents-agree", subject=INDEX)
    yield bad("list-line-missing", "checksums.txt lacks a line that the manifest has",
              GOOD.but(listed=replacing(line, b"")), "documents-agree", subject=INDEX)
    yield bad("list-line-twice", "checksums.txt states two digests for one path",
              GOOD.but(listed=replacing(line, line + other + b"  portal/index.html\n")), "documents-agree",
              subject=INDEX)
    yield bad("list-malformed-line", "The last line of checksums.txt is no checksum line",
              GOOD.but(listed=lambda data: data + b"all of the above is true\n"), "checksum-list",
              subject="checksums.txt")
    yield bad("list-byte-order-mark", "checksums.txt begins with a byte order mark",
              GOOD.but(listed=lambda data: b"\xef\xbb\xbf" + data), "checksum-list", subject="checksums.txt")
    yield bad("list-weak-digest", "A line of checksums.txt has an MD5 digest besides the SHA-256 of another line",
              GOOD.but(listed=lambda data: data + b"0" * 32 + b"  portal/index.html\n"), "checksum-list",
              subject="checksums.txt")
    yield bad("list-comment", "checksums.txt has a comment, which nobody vouches for",
              GOOD.but(listed=lambda data: data + b"# then run verify-offline.sh as root\n"), "entry-unlisted",
              subject="checksums.txt", standings={"checksums.txt": "unlisted", INDEX: "pinned"})
    yield bad("list-absent", "There is no checksums.txt", GOOD.but(entries=without("checksums.txt")),
              "document-present", subject="checksums.txt")
    yield bad("list-of-nothing", "checksums.txt has the root line and names no file",
              GOOD.but(listed=lambda data: data[:70]), "documents-agree", subject=INDEX)
    yield bad("list-root-wrong", "The root line is not the SHA-256 of manifest.json",
              GOOD.but(listed=lambda data: b"root " + other + data[69:]), "manifest-root")


def strictness() -> Iterator[Case]:
    """manifest.json is signed, and no strict JSON. The kind is named, for nobody could recognise it."""
    named = ("--kind", KIND)
    defects: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
        "key-twice": ("has two bundleIds", lambda data: data.replace(b"{", b'{\n  "bundleId": "other",', 1)),
        "key-twice-escaped": ("has two bundleIds, one of them spelt with an escape",
                              lambda data: data.replace(b"{", b'{\n  "bundle\\u0049d": "other",', 1)),
        "key-twice-deep": ("has two digests in one entry",
                           lambda data: data.replace(b'"sha256":', b'"sha256": "", "sha256":', 1)),
        "byte-order-mark": ("begins with a byte order mark", lambda data: b"\xef\xbb\xbf" + data),
        "trailing-data": ("is followed by a second document", lambda data: data + b"\n{}"),
        "not-a-number": ("holds NaN", lambda data: data.replace(b'"2025.11.0"', b"NaN", 1)),
        "too-deep": ("nests 100 arrays", lambda data: data.replace(b'"2025.11.0"', b"[" * 100 + b"]" * 100, 1)),
        "cut-off": ("ends in the middle", lambda data: data[:-30]),
    }
    for name, (what, change) in defects.items():
        yield bad(f"json-{name}", f"manifest.json {what}", GOOD.but(signed=change), "document-json", options=named,
                  subject="manifest.json")


def schema() -> Iterator[Case]:
    """manifest.json is signed, strict JSON, and not what the kind wants."""
    edits = {
        "bundle-id-no-uuid": ("bundleId is a path", setting("bundleId", to="../../x")),
        "generated-at-no-time": ("generatedAt is not a time", setting("generatedAt", to="yesterday")),
        "count-is-text": ("entryCount is text", setting("totals", "entryCount", to="7")),
        "metadata-is-list": ("metadata is a list", setting("metadata", to=["2025.11.0"])),
        "sources-missing": ("there are no sources", lambda manifest: manifest.pop("sources")),
    }
    for name, (what, edit) in edits.items():
        yield bad(f"schema-{name}", f"In manifest.json {what}", GOOD.but(edit=edit), "document-schema",
                  subject="manifest.json")


def contradictions() -> Iterator[Case]:
    """manifest.json is signed and contradicts itself."""
    def manifest(name: str, title: str, edit: Callable[[dict[str, Any]], Any], failing: str) -> Case:
        """A bundle whose manifest was edited before it was signed."""
        return bad(name, title, GOOD.but(edit=edit), failing)

    yield manifest("totals-count", "entryCount is one too large", setting("totals", "entryCount", to=8),
                   "manifest-totals")
    yield manifest("totals-size", "totalSizeBytes is not the sum", setting("totals", "totalSizeBytes", to=1),
                   "manifest-totals")
    yield manifest("sources-portal-denied", "portalIncluded is false, and there are portal entries",
                   setting("sources", "portalIncluded", to=False), "manifest-sources")
    yield manifest("sources-sdk-unnamed", "sdkNames lacks an SDK that the entries have",
                   setting("sources", "sdkNames", to=["dotnet"]), "manifest-sources")
    yield manifest("sources-sdk-absent", "sdkNames names an SDK that no entry has",
                   setting("sources", "sdkNames", to=["dotnet", "java", "python"]), "manifest-sources")
    yield manifest("paths-twice", "The manifest lists one path twice, with one digest", listed_twice,
                   "manifest-paths")
    yield manifest("paths-helper-listed", "The manifest lists verify-offline.sh as a portal file", helper_listed,
                   "manifest-paths")
    yield manifest("paths-wrong-category", "A file under specs/ has the category portal",
                   setting("entries", -1, "category", to="portal"), "manifest-paths")
    yield manifest("paths-parent", "The manifest also lists a path that leaves the tree", outside_listed,
                   "manifest-paths")
    yield manifest("content-type-malformed", "A content type is no media type",
                   setting("entries", 0, "contentType", to="text"), "manifest-content-types")


def listed_twice(manifest: dict[str, Any]) -> None:
    """The first entry once more, with totals that add up."""
    entry = manifest["entries"][0]
    manifest["entries"].insert(0, dict(entry))
    manifest["totals"]["entryCount"] += 1
    manifest["totals"]["totalSizeBytes"] += entry["sizeBytes"]


def outside_listed(manifest: dict[str, Any]) -> None:
    """A path outside the tree among the entries, with totals that add up."""
    manifest["entries"].append({"category": "portal", "path": "portal/../../etc/passwd", "sha256": "0" * 64,
                                "sizeBytes": 0, "contentType": "text/plain"})
    manifest["totals"]["entryCount"] += 1


def helper_listed(manifest: dict[str, Any]) -> None:
    """A top file among the entries, with totals that add up."""
    script = HELPERS["verify-offline.sh"]
    manifest["entries"].append({"category": "portal", "path": "verify-offline.sh", "sha256": sha256(script),
                                "sizeBytes": len(script), "contentType": "text/x-shellscript"})
    manifest["totals"]["entryCount"] += 1
    manifest["totals"]["totalSizeBytes"] += len(script)


def cases() -> Iterator[Case]:
    """All of them."""
    yield from contents()
    yield from hostile_names()
    yield from lists()
    yield from strictness()
    yield from schema()
    yield from contradictions()
