"""Pairs of bundles whose differences have a meaning: databases, images, API operations, versions, signatures."""

from collections.abc import Mapping
from typing import Any

from ..case import AT as CLOCK
from ..case import EXAMPLE_KEYS, HMAC_TRUST, TRUST, Case
from ..devportal import BUNDLE, FILES, Devportal, sha256
from ..mirror import compact
from ..oci import ARCHIVE, Oci
from ..trivy import COUNT, FLAT, OLD_NEXT, OLD_UPDATED, cve, metadata, older, trivy_db
from ..trivy_layout import BASE_LAYOUT, DELTA as LAYOUT_DELTA
from .devportal_good import HMAC_DOCUMENT
from .trivy_oci import ADVISORIES

OLD, NEW, BY = "base.oci.tar", "new.oci.tar", "delta.oci.tar"


def pair(name: str, title: str, old: Mapping[str, bytes], new: Mapping[str, bytes], file: str, expected: Any, *options: str,
         trust: tuple[str, ...] = TRUST, outcome: tuple[str, int] = ("verified", 1)) -> Case:
    """Two bundles in two folders, and what a comparison of both must give."""
    args = ("diff", f"{{case}}/old/{file}", f"{{case}}/new/{file}", *trust, *EXAMPLE_KEYS, "--at", CLOCK, *options)
    files = {f"old/{path}": data for path, data in old.items()} | {f"new/{path}": data for path, data in new.items()}
    return Case("diff", name, title, args, files | {"expected.json": compact(expected) + b"\n"}, outcome=outcome)


def release(manifest: dict[str, Any]) -> None:
    """A later release."""
    manifest["metadata"]["releaseVersion"] = "2025.12.0"
    manifest["generatedAt"] = "2026-11-15T00:00:00Z"


def portal() -> list[Case]:
    """A site: pages, specifications in JSON, and who signed it."""
    def spec(*operations: tuple[str, str], title: str = "Gateway") -> bytes:
        """An OpenAPI document with these operations."""
        paths: dict[str, Any] = {}
        for method, path in operations:
            paths.setdefault(path, {})[method] = {"responses": {"200": {"description": "as asked"}}}
        return compact({"openapi": "3.1.0", "info": {"title": title, "version": "1"}, "paths": paths})
    before = {path: data for path, data in FILES.items() if not path.startswith("specs/")} | {
        "specs/gateway.json": spec(("get", "/a"), ("post", "/a"))}
    after = before | {"specs/gateway.json": spec(("get", "/a"), ("delete", "/b")),
                      "portal/index.html": FILES["portal/index.html"] + b"<p>More.</p>\n",
                      "sdks/go/README.md": b"# Go client\n"}
    old, new = Devportal(files=before), Devportal(files=after, edit=release)
    changed = ["checksums.txt", "manifest.json", "portal/index.html", "specs/gateway.json"]
    listed = sorted([(path, "changed") for path in changed] + [("sdks/go/README.md", "added")])
    expected = {"changes": {
        "identical": False, "regressions": 0,
        "entries": [{"path": path, "change": word} for path, word in listed],
        "summary": {"added": 1, "removed": 0, "changed": len(changed), "moved": 0},
        "semantic": {"documents": [{
            "path": "specs/gateway.json", "holds": "operations", "added": 1, "removed": 1, "changed": 0, "unchanged": 1,
            "rows": [{"change": "added", "id": "DELETE /b"}, {"change": "removed", "id": "POST /a"}]}]}}}
    hmac = Devportal(sign=HMAC_DOCUMENT)
    weaker = {"changes": {"regressions": 2, "summary": {"added": 0, "removed": 0, "changed": 0}, "signers": {
        "added": [{"scheme": "hmac-sha256"}], "removed": [{"scheme": "ed25519"}], "kept": []}},
        "fail_on": [{"on": "regression", "met": True}]}
    return [
        pair("changed-portal", "A later release: a page, two operations of the API and a client are others", old.build(),
             new.build(), BUNDLE, expected),
        pair("weaker-signature", "The same content, signed with a key before and with a shared secret now",
             Devportal().build(), hmac.build(), BUNDLE, weaker, "--fail-on", "regression", trust=(*TRUST, *HMAC_TRUST)),
        pair("identical", "The same bundle twice", old.build(), old.build(), BUNDLE,
             {"changes": {"identical": True, "entries": [], "identity": [], "regressions": 0}}, outcome=("verified", 0)),
    ]


def databases() -> list[Case]:
    """An older database against a newer one, and the way back."""
    before = FLAT.of(data=trivy_db(older), about=metadata(2, OLD_UPDATED, OLD_NEXT))
    gone = {"CRITICAL": cve(11), "HIGH": cve(10)}  # as `older` leaves them out

    def expected(word: str, regressions: int) -> dict[str, Any]:
        """What is said of the two, one way or the other."""
        new = word == "added"
        counts = {"added": 2 * new, "removed": 2 * (not new), "changed": 0}
        return {"changes": {"identical": False, "summary": {"changed": 2}, "regressions": regressions, "semantic": {"trivy": [{
            "vulnerabilities": counts | {"unchanged": COUNT - 2}, "advisories": counts | {"unchanged": ADVISORIES - 2},
            "critical_and_high": [{"id": id_, "change": word, "new" if new else "old": severity, "old" if new else "new": None}
                                  for severity, id_ in gone.items()]}]}}}
    return [
        pair("changed-database", "A newer database has two vulnerabilities more", before.build(), FLAT.build(), FLAT.name,
             expected("added", 0)),
        pair("older-database", "A database that is older has two vulnerabilities fewer", FLAT.build(), before.build(), FLAT.name,
             expected("removed", 4), "--fail-on", "regression,critical-removed"),
    ]


def layouts() -> list[Case]:
    """Images, and exports of databases with the delta between them."""
    old, new = Oci(), Oci(manifest_edit=lambda manifest: manifest["config"].__setitem__("annotations", {"build": "2"}))

    def full(export: dict[str, Any]) -> None:
        """The metadata of the same export in full."""
        for field in ("baseExportId", "baseManifestDigest", "delta"):
            export.pop(field, None)
        export["mode"] = "full"
    whole = LAYOUT_DELTA.but(left_out=(), export_edit=full, name=NEW)
    delta = LAYOUT_DELTA.but(name=BY)
    args = ("diff", f"{{case}}/{OLD}", f"{{case}}/{NEW}", "--delta", f"{{case}}/{BY}", *TRUST, *EXAMPLE_KEYS, "--at", CLOCK)
    base = BASE_LAYOUT.but(name=OLD)
    proven = compact({"delta": {"is_step": True, "step": {"removed": len(set(base.tree()) - set(whole.tree()))}}}) + b"\n"
    other = whole.but(extra={"blobs/sha256/" + sha256(b"stray"): b"stray"})
    return [
        pair("changed-image", "One of two images has another manifest, and all layers are shared", old.build(), new.build(),
             ARCHIVE, {"changes": {"identical": False, "semantic": {"oci": {
                 "changed": 2, "unchanged": 1, "layers_added": {"count": 0}, "layers_removed": {"count": 0}}}}}),
        Case("diff", "good-layout-step", "The delta of an export leaves out a layer that lies in the old one", args,
             base.build() | whole.build() | delta.build() | {"expected.json": proven}),
        Case("diff", "layout-step-misses-blob", "The new export has a blob that neither the delta nor the old one has", args,
             base.build() | other.build() | delta.build(), failing=("delta-step", "entry-unlisted"),
             subject="blobs/sha256/" + sha256(b"stray")),
        Case("diff", "layout-step-elsewhere", "The delta of an export leads to another one", args,
             base.build() | BASE_LAYOUT.but(name=NEW).build() | delta.build(), failing=("delta-step",), subject="index.json"),
    ]


def cases() -> list[Case]:
    """All of them."""
    return [*portal(), *databases(), *layouts()]
