"""mirror:delta bundles."""

from collections.abc import Iterator
from typing import Any

from ..case import NOT_VERIFIED, Case, key, verify
from ..delta import ADDED, BASE, BASE_ID, BUNDLE, DIFF, EXPORT_ID, REMOVED, UPDATED, Delta
from ..devportal import Edit, altered, replacing, setting, without
from ..mirror import DATA, TOP, Mirror, lines
from .mirror_full import OTHER, OTHER_ID, TRUST

KIND = "mirror:delta"
GOOD = Delta()
AROUND = GOOD.mirror
WITH_BASE = ("--base", f"{{case}}/{BASE}")
LOG = "appliedExportIds.log"
KEPT = "data/policy/snapshot.json"
STRANGE = "data/raw/vex/vex-nobody.jsonl.zst"  # neither in the base nor in the delta
STANDINGS = {TOP + DIFF: "pinned", TOP + "delta/added/" + ADDED: "pinned", TOP + "delta/updated/" + UPDATED: "pinned",
             TOP + "export.json": "pinned", TOP + "manifest.yaml": "pinned"}


def case(name: str, title: str, delta: Delta, *failing: str, options: tuple[str, ...] = WITH_BASE,
         trust: tuple[str, ...] = TRUST, **rest) -> Case:
    """One delta with its base beside it, and what must come out."""
    rest = {"kind": KIND} | rest
    return Case("mirror-delta", name, title, verify(BUNDLE, *options, trust=trust), delta.build(), failing=failing,
                **rest)


def good() -> Iterator[Case]:
    """Deltas that verify, and those that prove nothing."""
    yield case("good-base-by-export", "The base is named by the digest of its export.json", GOOD, standings=STANDINGS)
    yield case("good-base-by-manifest", "The base is named by the digest of its manifest.yaml",
               GOOD.but(base_document="manifest.yaml"))
    yield case("good-base-manifest-hash", "The diff spells baseManifestHash, as the older guide does",
               GOOD.but(diff_edit=older_spelling))
    yield case("good-reset-baseline", "A full refresh: resetBaseline is true, and no base is given",
               GOOD.but(link_edit=setting("resetBaseline", to=True), updated={}, removed=()), options=())
    yield case("good-removal-only", "It only removes, and so holds no file but its documents", GOOD.but(added={}, updated={}),
               standings={TOP + DIFF: "pinned"})
    yield case("good-plain-strings", "added, updated, removed and the tombstones of the diff are plain strings",
               GOOD.but(diff_edit=plain_strings))
    yield case("good-tombstones-in-export", "The tombstones stand in export.json only",
               GOOD.but(diff_edit=lambda diff: diff.pop("tombstones")))
    yield case("good-applied-log", "The log beside the input ends with the base",
               with_log(OTHER_ID, BASE_ID))
    yield case("good-applied-log-named", "The log is named on the command line", GOOD.but(
        beside={"applied.log": f"{BASE_ID}\n".encode()}), options=(*WITH_BASE, "--sidecar", "{case}/applied.log"))
    yield case("unproven-unsigned", "There is no signature", GOOD.but(mirror=AROUND.but(signatures={})),
               outcome=NOT_VERIFIED)
    yield case("wrong-key-given", "The key given is a stranger's", GOOD, "blob-signature", trust=key("stranger"))
    yield case("stale", "18 days old, with a maximum of 7", GOOD, "age", options=(*WITH_BASE, "--max-age", "7d"))


def older_spelling(diff: dict[str, Any]) -> None:
    """`baseManifestHash` in place of `baseManifestDigest`."""
    diff["baseManifestHash"] = diff.pop("baseManifestDigest")


def plain_strings(diff: dict[str, Any]) -> None:
    """Paths in place of objects."""
    for name in ("added", "updated", "removed", "tombstones"):
        diff[name] = [entry["path"] for entry in diff[name]]


def with_log(*ids: str) -> Delta:
    """The delta with a log of applied exports beside it."""
    return GOOD.but(beside={LOG: "".join(f"{id_}\n" for id_ in ids).encode()})


def bases() -> Iterator[Case]:
    """The base is absent, or another, or applied out of order."""
    yield case("base-not-given", "No base is given", GOOD, "delta-base", options=())
    yield case("base-other-id", "The delta is for a base of another exportId",
               GOOD.but(link_edit=setting("baseExportId", to=OTHER_ID)), "delta-base")
    yield case("base-other-digest", "The delta is for a base of another digest",
               GOOD.but(link_edit=setting("baseManifestDigest", to=f"sha256:{OTHER}")), "delta-base")
    rebuilt = Mirror(name=BASE, data=DATA | {KEPT: b'{"policy":"default","revision":8}'})
    yield Case("mirror-delta", "base-rebuilt", "The base given has the right exportId and other contents",
               verify(BUNDLE, *WITH_BASE, trust=TRUST), GOOD.whole().build() | rebuilt.build(),
               failing=("delta-base",), kind=KIND)
    other = Mirror(name=BASE, entries=altered(TOP + "export.json", replacing(b"1.1.0", b"1.1.1")))
    yield Case("mirror-delta", "base-other-export", "The base given has the manifest.yaml that the delta names, and beside "
               "it an export.json that this manifest.yaml does not name", verify(BUNDLE, *WITH_BASE, trust=TRUST),
               GOOD.but(base_document="manifest.yaml").build() | other.build(), failing=("delta-base",), kind=KIND)
    yield case("applied-out-of-order", "The log ends with another export than the base", with_log(BASE_ID, OTHER_ID),
               "delta-order")
    yield case("applied-base-never", "The log does not have the base", with_log(OTHER_ID), "delta-order")
    yield case("applied-logs-differ", "One log ends with the base, the other has the delta already; both are named",
               GOOD.but(beside={"a.log": f"{BASE_ID}\n".encode(), "b.log": f"{EXPORT_ID}\n{BASE_ID}\n".encode()}),
               "delta-order", options=(*WITH_BASE, "--sidecar", "{case}/a.log", "--sidecar", "{case}/b.log"), subject="b.log")
    yield case("applied-already", "The log has the delta already", with_log(EXPORT_ID, BASE_ID), "delta-order")


def changes() -> Iterator[Case]:
    """The lists of the diff do not fit one another, the bundle, or the base."""
    failing = "delta-changes"
    yield case("removal-without-tombstone", "A removed path has no tombstone",
               GOOD.but(link_edit=setting("tombstones", to=[])), failing)
    yield case("tombstone-without-removal", "A path has a tombstone and is not removed", GOOD.but(
        link_edit=lambda link: link["tombstones"].append({"path": KEPT, "removedAt": "2026-11-02T00:00:00Z"})),
        failing)
    for name in ("added", "updated", "removed"):
        yield case(f"count-of-{name}-wrong", f"The diff counts one {name} path too many",
                   GOOD.but(diff_edit=setting("counts", name, to=2)), failing)
    yield case("added-file-absent", "An added path has no file, neither in the archive nor in contents",
               GOOD.but(left_out=(f"delta/added/{ADDED}",)), "entry-missing")
    yield case("added-file-missing", "The file of an added path is in contents and not in the archive", GOOD.but(
        mirror=AROUND.but(entries=without(f"{TOP}delta/added/{ADDED}"))), "entry-missing",
        subject=f"{TOP}delta/added/{ADDED}")
    yield case("updated-file-absent", "An updated path has no file, neither in the archive nor in contents",
               GOOD.but(left_out=(f"delta/updated/{UPDATED}",)), "entry-missing")
    extra = {f"delta/added/{STRANGE}": lines({"id": "vex-3"})}
    yield case("added-file-not-in-diff", "A file under delta/added/ is in contents and not in the diff",
               GOOD.but(extra=extra), failing)
    yield case("added-other-digest", "The diff states another digest for an added path",
               GOOD.but(diff_edit=setting("added", 0, "digest", to=f"sha256:{OTHER}")), "entry-digest")
    yield case("added-other-size", "The diff states another size for an added path",
               GOOD.but(diff_edit=setting("added", 0, "bytes", to=1)), "entry-size")
    yield case("added-is-in-base", "An added path is in the base",
               GOOD.but(added={KEPT: b'{"policy":"default","revision":8}'}), failing)
    yield case("updated-not-in-base", "An updated path is not in the base",
               GOOD.but(updated={STRANGE: lines({"id": "vex-3"})}), failing)
    yield case("removed-not-in-base", "A removed path is not in the base", GOOD.but(removed=(STRANGE,)), failing)
    yield case("updated-and-removed", "One path is both updated and removed", GOOD.but(removed=(UPDATED,)), failing)
    yield case("removed-twice", "One path is removed twice", GOOD.but(removed=(REMOVED, REMOVED)), failing)


def documents() -> Iterator[Case]:
    """The diff and export.json contradict each other, or are not what they should be."""
    edits: dict[str, tuple[str, Edit]] = {
        "base-id": ("another base", setting("baseExportId", to=OTHER_ID)),
        "base-digest": ("another digest of the base", setting("baseManifestDigest", to=f"sha256:{OTHER}")),
        "reset": ("that the baseline is reset", setting("resetBaseline", to=True)),
    }
    for name, (what, edit) in edits.items():
        yield case(f"diff-other-{name}", f"The diff states {what}, export.json does not", GOOD.but(diff_edit=edit),
                   "documents-agree", *(("delta-base",) if name != "reset" else ()))
    diff, export = {"subject": TOP + DIFF}, {"subject": TOP + "export.json"}
    yield case("diff-altered", "A line end of the diff became a space", GOOD.but(mirror=AROUND.but(
        entries=altered(TOP + DIFF, replacing(b"\n", b" ")))), "entry-digest", **diff)
    yield case("diff-missing", "There is no diff, neither in the archive nor in contents",
               GOOD.but(left_out=(DIFF,)), "document-present", **diff)
    yield case("diff-key-twice", "The diff names two bases",
               GOOD.but(diffed=replacing(b'"counts"', b'"baseExportId":"exp-20261031-07","counts"')), "document-json",
               **diff)
    yield case("diff-no-counts", "There are no counts in the diff",
               GOOD.but(diff_edit=lambda value: value.pop("counts")), "document-schema", **diff)
    yield case("diff-path-parent", "The diff removes a path outside the tree", GOOD.but(removed=("../policy.json",)),
               "manifest-paths")
    yield case("delta-block-missing", "export.json is of the variant delta and has no block delta",
               GOOD.but(block_edit=lambda export: export.pop("delta")), "document-schema", **export)
    yield case("delta-block-no-tombstones", "The block delta has no tombstones",
               GOOD.but(block_edit=lambda export: export["delta"].pop("tombstones")), "document-schema", **export)


def cases() -> Iterator[Case]:
    """All of them."""
    for family in (good, bases, changes, documents):
        yield from family()
