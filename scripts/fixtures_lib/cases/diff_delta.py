"""Pairs of bundles, and deltas that are, or are not, the step from one to the other."""

from typing import Any

from ..case import AT as CLOCK
from ..case import EXAMPLE_KEYS, Case
from ..delta import ADDED, BASE, REMOVED, UPDATED, Delta
from ..devportal import altered, plus, sha256
from ..devportal import without as without_entry
from ..mirror import DATA, Mirror, compact, lines
from ..tar import Entry
from .mirror_full import TRUST

NEW = "new.tar.zst"
DELTA = "delta.tar.zst"
KEPT = "data/policy/snapshot.json"
OWN = ("manifest.yaml", "export.json", "provenance.json")


def identity(value: dict[str, Any]) -> None:
    """A later export."""
    value |= {"exportId": "exp-20261102-09", "generatedAt": "2026-11-02T06:00:00Z"}


OLD = Mirror(name=BASE)
AFTER = {path: data for path, data in DATA.items() if path != REMOVED} | {
    ADDED: lines({"id": "OSV-1"}), UPDATED: lines({"id": "vex-2"})}
FULL = Mirror(name=NEW, data=AFTER, identity=identity)


def step(old: Mirror, new: Mirror, own: bool = False, **more: Any) -> Delta:
    """The delta from one mirror to the other; with `own`, it brings the documents of the new export too."""
    before, after = old.tree(), new.tree()
    counts = lambda path: path.startswith(("data/", "indexes/")) or own and (path in OWN or path.startswith("signatures/"))
    return Delta(
        base=old, mirror=Mirror(name=DELTA, indexed=False),
        added={path: data for path, data in after.items() if counts(path) and path not in before},
        updated={path: data for path, data in after.items() if counts(path) and before.get(path, data) != data},
        removed=tuple(sorted(path for path in before if counts(path) and path not in after)),
    ).but(**more)


GOOD = step(OLD, FULL)


def case(name: str, title: str, delta: Delta, *failing: str, new: Mirror = FULL, expected: Any = None,
         trust: tuple[str, ...] = TRUST, **rest: Any) -> Case:
    """`diff OLD NEW --delta DELTA` with the fixtures' clock."""
    files = delta.build() | new.build()
    if expected is not None:
        files |= {"expected.json": compact(expected) + b"\n"}
    return Case("diff", name, title, given(trust), files, failing=failing, **rest)


def given(trust: tuple[str, ...]) -> tuple[str, ...]:
    """The command line."""
    return ("diff", f"{{case}}/{BASE}", f"{{case}}/{NEW}", "--delta", f"{{case}}/{DELTA}", *trust,
            *(EXAMPLE_KEYS if trust else ()), "--at", CLOCK)


def entries(old: Mirror, new: Mirror) -> dict[str, Any]:
    """What a comparison of the two trees gives, as the report has it."""
    before, after = old.tree(), new.tree()
    changes = [{"path": f"mirror/{path}", "change": "removed", "old": {"sha256": sha256(before[path])}, "new": None}
               for path in before if path not in after]
    changes += [{"path": f"mirror/{path}", "change": "added", "old": None, "new": {"sha256": sha256(after[path])}}
                for path in after if path not in before]
    changes += [{"path": f"mirror/{path}", "change": "changed", "old": {"sha256": sha256(before[path])},
                 "new": {"sha256": sha256(after[path])}} for path in after if before.get(path, after[path]) != after[path]]
    size = lambda side, tree: sum(len(tree[change["path"].removeprefix("mirror/")]) for change in changes if change[side])
    counts = {word: sum(change["change"] == word for change in changes) for word in ("added", "removed", "changed")}
    folders = {path[:at] for path in after for at in range(len(path)) if path[at] == "/"} | {""}
    same = sum(before.get(path) == data for path, data in after.items()) + len(folders)
    return {"identical": not changes, "entries": sorted(changes, key=lambda change: change["path"].encode()),
            "summary": counts | {"moved": 0, "re_moded": 0, "unchanged": same, "bytes_added": size("new", after),
                                 "bytes_removed": size("old", before)}}


def good() -> list[Case]:
    """Deltas that are the step."""
    carried = len([path for path in FULL.tree() if path.startswith(("data/", "indexes/"))])
    counts = {"added": len(GOOD.added), "updated": len(GOOD.updated), "removed": len(GOOD.removed)}
    kept = carried - counts["added"] - counts["updated"]
    proven = {"is_step": True, "step": counts | {"kept": kept}}
    whole = step(OLD, FULL, own=True)
    named_old, named_new = OLD.but(also_named=("README.md",)), FULL.but(also_named=("README.md",))
    reset = GOOD.but(link_edit=lambda value: value.__setitem__("resetBaseline", True), removed=(), updated={}, added={
        path: data for path, data in FULL.tree().items() if path.startswith(("data/", "indexes/"))})
    return [
        case("good-step", "The delta is exactly the step, and the documents of the new export are not in it", GOOD,
             expected={"changes": entries(OLD, FULL), "delta": proven}),
        case("good-step-untrusted", "The same without a key: digests and paths are compared, and nobody vouches", GOOD,
             trust=(), outcome=("not-verified", 0), expected={"delta": proven}),
        case("good-step-with-documents", "The delta brings the documents of the new export too", whole,
             expected={"delta": {"is_step": True}}),
        case("good-step-readme-named", "manifest.yaml names README.md, which stays, and the delta brings all that is new",
             step(named_old, named_new, own=True), new=named_new, expected={"delta": {"is_step": True}}),
        case("good-step-reset", "A full refresh brings all that the new bundle has", reset,
             expected={"delta": {"is_step": True, "step": {"added": 1, "kept": kept, "removed": 1}}}),
    ]


def wrong() -> list[Case]:
    """Deltas that are another step, or none."""
    failing = "delta-step"
    later = Mirror(name=NEW, data=AFTER | {KEPT: compact({"policy": "default", "revision": 8})}, identity=identity)
    longer = Mirror(name=NEW, data=AFTER | {"data/raw/vex/vex-late.jsonl.zst": lines({"id": "vex-9"})}, indexed=False,
                    identity=identity)
    old = Mirror(name=BASE, indexed=False)
    plain = Mirror(name=NEW, data=AFTER, indexed=False, identity=identity)
    own = step(OLD, FULL, own=True)
    return [
        case("step-misses-change", "A file of the new bundle is another, and the delta does not bring it", GOOD, failing,
             new=later, subject=KEPT),
        case("step-misses-new-file", "A file is new in the new bundle, and the delta does not bring it", step(old, plain),
             failing, new=longer, subject="data/raw/vex/vex-late.jsonl.zst"),
        case("step-misses-removal", "A file is gone in the new bundle, and the delta does not remove it",
             GOOD.but(removed=()), failing, subject=REMOVED),
        case("step-removes-too-much", "The delta removes a file that the new bundle has",
             GOOD.but(removed=(*GOOD.removed, KEPT)), failing, subject=KEPT),
        case("step-adds-too-much", "The delta adds a file that the new bundle does not have",
             GOOD.but(added=dict(GOOD.added) | {"data/raw/vex/vex-late.jsonl.zst": lines({"id": "vex-9"})}), failing,
             subject="data/raw/vex/vex-late.jsonl.zst"),
        case("step-other-content", "A file is added with another content than the new bundle has",
             GOOD.but(added={ADDED: lines({"id": "OSV-2"})}), failing, subject=ADDED),
        case("step-changes-nothing", "The delta updates a file to what the old bundle has already",
             GOOD.but(updated=dict(GOOD.updated) | {KEPT: DATA[KEPT]}), failing, subject=KEPT),
        case("step-other-document", "The delta brings an export.json that is not that of the new bundle",
             own.but(updated=dict(own.updated) | {"export.json": b"{}"}), failing, subject="export.json"),
        case("step-removal-without-tombstone", "What the delta removes has no tombstone",
             GOOD.but(link_edit=lambda value: value.__setitem__("tombstones", [])), "delta-changes"),
        case("step-file-absent", "A file that the delta names is not in it", GOOD.but(left_out=(f"delta/added/{ADDED}",)),
             failing, "entry-missing", subject=ADDED),
        case("step-on-other-base", "The delta builds on another export, and leads to the same files",
             GOOD.but(link_edit=lambda value: value.__setitem__("baseExportId", "exp-20261031-07")), "delta-base"),
        case("step-strays-in-new", "The new bundle has a file outside of its root", GOOD, failing,
             new=FULL.but(entries=plus(Entry(b"evil.sh", b"#!/bin/sh\n"))), trust=(), subject="evil.sh"),
        case("step-strays-in-old", "The old bundle has a file outside of its root", GOOD.but(
            base=OLD.but(entries=plus(Entry(b"evil.sh", b"#!/bin/sh\n")))), failing, trust=(), subject="evil.sh"),
        case("step-strays-in-signatures", "The new bundle has a file among its signatures that is none", GOOD, failing,
             new=FULL.but(entries=plus(Entry(b"mirror/signatures/evil.bin", b"x"))), trust=(), subject="signatures/evil.bin"),
        case("step-strays-in-delta", "The delta holds a file that it neither adds nor updates", GOOD.but(
            extra={"data/raw/vex/vex-stray.jsonl.zst": lines({"id": "vex-7"})}), failing,
             subject="data/raw/vex/vex-stray.jsonl.zst"),
        case("step-removes-document", "The delta removes a document that the new bundle has", GOOD.but(
            removed=(*GOOD.removed, "README.md")), failing, subject="README.md"),
        case("step-to-a-lie", "The new bundle has a file that its own export.json contradicts", GOOD.but(
            updated=dict(GOOD.updated) | {KEPT: b"{}"}), failing, new=FULL.but(entries=altered(f"mirror/{KEPT}", lambda _: b"{}")),
             trust=(), subject=f"mirror/{KEPT}"),
        case("step-from-a-lie", "The old bundle lacks the file that the delta removes", GOOD.but(
            base=OLD.but(entries=without_entry(f"mirror/{REMOVED}"))), failing, "index-counts", trust=(), subject=REMOVED),
        case("step-signature-of-garbage", "The new bundle has a file of the name of a signature that is none", GOOD, failing,
             "blob-signature",
             new=FULL.but(entries=plus(Entry(b"mirror/export.json.sig", b"#!/bin/sh\nrm -rf /\n" * 500))),
             subject="export.json.sig"),
        case("step-half-of-the-documents", "The delta brings manifest.yaml and its signature, and not export.json", GOOD.but(
            updated=dict(GOOD.updated) | {path: FULL.tree()[path] for path in ("manifest.yaml", "signatures/manifest.sig")}),
             failing, subject="export.json"),
        case("step-to-a-delta", "The new bundle is a delta itself", GOOD, failing, "delta-base",
             new=GOOD.whole().but(name=NEW)),
        Case("diff", "step-by-no-delta", "What is given as the delta is a full mirror", given(TRUST),
             OLD.build() | FULL.build() | FULL.but(name=DELTA).build(), failing=(failing,)),
    ]


def cases() -> list[Case]:
    """All of them."""
    return [*good(), *wrong()]
