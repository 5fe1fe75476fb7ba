"""mirror:full bundles in the clear, signed as cosign signs files."""

from collections.abc import Callable, Iterator
from typing import Any

from ..case import NOT_VERIFIED, Case, key, verify
from ..compress import gzip_fixed, raw_blocks, zstd_frame, zstd_skippable, zstd_stored
from ..devportal import Edit, altered, flipped, plus, replacing, setting, without
from ..mirror import (DATA, TOP, Mirror, blob, lines, member, rerun_bare, rerun_in_order, rerun_newline, with_entries,
                      yaml_flow)
from ..signing import ECDSA_P256, ED25519, RSA_3072_PKCS1, STRANGER

KIND = "mirror:full"
GOOD = Mirror()
TRUST = key("ecdsa-p256")
OTHER = "0" * 64
OTHER_ID = "exp-20261031-07"
CONSENSUS = "data/consensus/vex_consensus.jsonl.zst"
SNAPSHOT = "data/policy/snapshot.json"
SBOM = "data/raw/sboms/app/sbom.json"
EXTRA = "data/raw/advisories/advisories-osv.jsonl.zst"
STANDINGS = {
    TOP + "manifest.yaml": "pinned", TOP + "export.json": "pinned", TOP + "provenance.json": "pinned",
    TOP + SNAPSHOT: "pinned", TOP + "indexes/vex.index.json": "pinned", TOP + "README.md": "set-aside",
    TOP + "signatures/export.sig": "evidence", TOP + "signatures/manifest.sig": "evidence",
}


def case(name: str, title: str, bundle: Mirror, *failing: str, options: tuple[str, ...] = (),
         trust: tuple[str, ...] = TRUST, **rest) -> Case:
    """One bundle and what must come out."""
    rest = {"kind": KIND} | rest
    return Case("mirror-full", name, title, verify(bundle.name, *options, trust=trust), bundle.build(),
                failing=failing, **rest)


def unproven(name: str, title: str, bundle: Mirror, **rest) -> Case:
    """A bundle with nothing wrong in it, and something required that was not established."""
    return case(name, title, bundle, outcome=NOT_VERIFIED, **rest)


def only(document: str) -> dict[str, str]:
    """One signature, that of a document."""
    return {document: Mirror().signatures[document]}


def good() -> Iterator[Case]:
    """Bundles that verify, and those that prove nothing."""
    yield case("good-ecdsa-p256", "The full layout; manifest.yaml and export.json are signed", GOOD,
               standings=STANDINGS)
    yield Case("mirror-full", "good-directory", "The full layout as a directory", verify("mirror", trust=TRUST),
               GOOD.folder(), kind=KIND)
    yield case("good-ed25519", "Signed with Ed25519", GOOD.but(sign=blob(ED25519)), trust=key("ed25519"))
    yield case("good-rsa-pkcs1-v15", "Signed with RSA PKCS#1 v1.5, SHA-256", GOOD.but(sign=blob(RSA_3072_PKCS1)),
               trust=key("rsa-3072"))
    yield case("good-signature-without-newline", "No line end follows the base64 of the signatures", GOOD.but(
        sign=lambda data: blob(ECDSA_P256)(data).strip()))
    yield case("good-only-manifest-signed", "Only manifest.yaml is signed, which names export.json",
               GOOD.but(signatures=only("manifest.yaml")), standings={TOP + SNAPSHOT: "pinned"})
    yield unproven("unproven-only-export-signed", "Only export.json is signed: nobody vouches for provenance.json",
                   GOOD.but(signatures=only("export.json")),
                   standings={TOP + "export.json": "pinned", TOP + SNAPSHOT: "pinned"})
    yield case("good-cli-signature-names", "The signatures lie beside the documents, named as the CLI does", GOOD.but(
        signatures={name: f"{name}.sig" for name in ("manifest.yaml", "export.json", "provenance.json")}),
        standings={TOP + "export.json.sig": "evidence", TOP + "provenance.json": "pinned"})
    yield case("good-unsorted-contents", "contents and archive are not in the order of the recipe: a hint, no failure",
               GOOD.but(contents=list.reverse, entries=lambda entries: entries[::-1]))
    yield case("good-entries-style-index", "The indexes list each record with the path of its file",
               GOOD.but(index_edit=with_entries))
    yield case("good-multi-frame-member", "A JSONL member in two frames with a skippable frame between them",
               GOOD.but(data=DATA | {"data/raw/advisories/advisories-nvd.jsonl.zst": two_frames()}))
    yield case("good-subjects", "provenance.json in the older form, with subjects", GOOD.but(provenance_edit=older))
    yield case("good-fresh", "19 days old, with a maximum of 30", GOOD, options=("--max-age", "30d"))
    yield unproven("unproven-unsigned", "There is no signature", GOOD.but(signatures={}))
    yield unproven("unproven-no-key", "No key is given", GOOD, trust=())


def two_frames() -> bytes:
    """Two records, cut in the middle of the first."""
    records = b'{"id":"CVE-2026-0001"}\n{"id":"CVE-2026-0002"}\n'
    return zstd_stored(records[:9]) + zstd_skippable(b"made for tests") + zstd_frame(raw_blocks(records[9:]))


def older(provenance: dict[str, Any]) -> None:
    """The form before in-toto's Statement."""
    provenance["subjects"] = provenance.pop("subject")


def manifests() -> Iterator[Case]:
    """manifest.yaml in other spellings."""
    yield case("good-manifest-map", "manifest.yaml names all files in a map from path to digest", GOOD.but(
        also_named=("README.md", *GOOD.listed()[0]), manifest_edit=as_map),
        standings={TOP + "README.md": "pinned", TOP + SNAPSHOT: "pinned"})
    yield case("good-manifest-readme-named", "manifest.yaml names README.md too",
               GOOD.but(also_named=("README.md",)), standings={TOP + "README.md": "pinned"})
    yield case("good-manifest-bare-digests", "The digests in manifest.yaml have no prefix",
               GOOD.but(manifest_edit=bare))
    yield case("good-manifest-flow", "manifest.yaml in flow style", GOOD.but(yaml=yaml_flow))
    yield case("good-manifest-crlf", "The lines of manifest.yaml end in CR LF",
               GOOD.but(manifested=lambda data: data.replace(b"\n", b"\r\n")))
    yield case("good-manifest-other-names", "manifest.yaml with contents, sha256 and sizeBytes",
               GOOD.but(manifest_edit=renamed))


def as_map(manifest: dict[str, Any]) -> None:
    """A map `digests` in place of the list."""
    manifest["digests"] = {entry["path"]: entry["digest"] for entry in manifest.pop("files")}


def bare(manifest: dict[str, Any]) -> None:
    """Digests without `sha256:`."""
    for entry in manifest["files"]:
        entry["digest"] = entry["digest"].removeprefix("sha256:")


def renamed(manifest: dict[str, Any]) -> None:
    """The same list in other words."""
    manifest["contents"] = [{"path": entry["path"], "sha256": entry["digest"].removeprefix("sha256:"),
                             "sizeBytes": entry["bytes"]} for entry in manifest.pop("files")]


def rerun_hashes() -> Iterator[Case]:
    """rerunHash by each recipe, and by none."""
    recipes = {
        "newline": ("a newline follows the last digest", rerun_newline),
        "bare": ("the digests have no prefix", rerun_bare),
        "in-order": ("the digests are in the order of contents, which is not sorted by digest", rerun_in_order),
    }
    for name, (what, recipe) in recipes.items():
        yield case(f"good-rerun-hash-{name}", f"rerunHash in another form: {what}", GOOD.but(rerun=recipe))
    yield case("good-rerun-hash-absent", "There is no rerunHash", GOOD.but(edit=lambda export: export.pop("rerunHash")))
    yield case("rerun-hash-wrong", "No known recipe gives the rerunHash",
               GOOD.but(edit=setting("rerunHash", to=f"sha256:{OTHER}")), "rerun-hash")


def entries() -> Iterator[Case]:
    """The files are not what the documents say."""
    snapshot, consensus = ({"subject": TOP + path} for path in (SNAPSHOT, CONSENSUS))
    yield case("entry-altered", "One bit of the policy snapshot is flipped",
               GOOD.but(entries=altered(TOP + SNAPSHOT)), "entry-digest", **snapshot,
               standings={TOP + SNAPSHOT: "contradicted"})
    yield Case("mirror-full", "entry-altered-in-directory", "One bit of the policy snapshot is flipped, in a directory",
               verify("mirror", trust=TRUST), spoiled(GOOD.folder()), failing=("entry-digest",), kind=KIND)
    yield case("entry-altered-record", "A record of a JSONL member is another, of the same length",
               GOOD.but(entries=altered(TOP + CONSENSUS, lambda _: lines(
                   {"vuln": "CVE-2026-0001", "status": "affected_not"}))), "entry-digest", **consensus)
    yield case("entry-size-misstated", "contents states one byte too many for the policy snapshot",
               GOOD.but(contents=stating(SNAPSHOT, bytes=len(DATA[SNAPSHOT]) + 1)), "entry-size", **snapshot)
    yield case("entry-missing", "A data file is not in the archive", GOOD.but(entries=without(TOP + CONSENSUS)),
               "entry-missing", **consensus)
    yield case("entry-unlisted", "A data file is in no list", GOOD.but(entries=plus(member(TOP + EXTRA, lines(
        {"id": "OSV-1"})))), "entry-unlisted", subject=TOP + EXTRA)
    yield case("readme-altered", "README.md is not what manifest.yaml says", GOOD.but(
        also_named=("README.md",), entries=altered(TOP + "README.md")), "entry-digest", subject=TOP + "README.md")
    yield case("export-altered", "export.json states another version: neither signed nor named like that",
               GOOD.but(entries=altered(TOP + "export.json", replacing(b"1.1.0", b"1.1.1"))), "blob-signature",
               "entry-digest", "entry-unlisted", "provenance-subject")
    yield case("provenance-altered", "provenance.json is not what manifest.yaml says", GOOD.but(
        entries=altered(TOP + "provenance.json", replacing(b"export-center/mirror", b"export-centre/mirror"))),
        "entry-digest", subject=TOP + "provenance.json")


def spoiled(files: dict[str, bytes]) -> dict[str, bytes]:
    """The files, with one bit of the snapshot flipped."""
    return files | {TOP + SNAPSHOT: flipped(files[TOP + SNAPSHOT])}


def stating(path: str, **claims: Any) -> Callable[[list[dict[str, Any]]], None]:
    """Change what `contents` says of one path."""
    def edit(contents: list[dict[str, Any]]) -> None:
        """Find the element and update it."""
        [entry] = [entry for entry in contents if entry["path"] == path]
        entry |= claims
    return edit


def records() -> Iterator[Case]:
    """JSONL members: signed and listed as they are, and not what they should be."""
    consensus = {"subject": TOP + CONSENSUS}
    whole = DATA[CONSENSUS]
    yield case("record-count-wrong", "contents states two records where one is",
               GOOD.but(contents=stating(CONSENSUS, records=2)), "record-count", **consensus)
    yield case("record-member-truncated", "The zstd stream of a listed member ends in the middle",
               GOOD.but(data=DATA | {CONSENSUS: whole[:-9]}), "record-count", **consensus)
    yield case("record-member-gzip", "A listed member named .zst is gzip",
               GOOD.but(data=DATA | {CONSENSUS: gzip_fixed(b'{"vuln":"CVE-2026-0001"}\n')}), "record-count",
               **consensus)


def documents() -> Iterator[Case]:
    """export.json, the indexes and provenance.json are signed and listed, and wrong."""
    export = {"subject": TOP + "export.json"}
    paths = {"path-parent": ("leaves the tree", "data/raw/../../../export.json"),
             "path-absolute": ("is absolute", "/data/raw/vex/vex-acme.jsonl.zst")}
    for name, (what, path) in paths.items():
        claim = {"path": path, "digest": f"sha256:{OTHER}", "bytes": 1}
        yield case(name, f"contents also lists a path that {what}",
                   GOOD.but(contents=lambda contents, claim=claim: contents.append(claim)), "manifest-paths")
    yield case("path-twice", "contents lists one path twice, with one digest",
               GOOD.but(contents=lambda contents: contents.append(contents[-1])), "manifest-paths")
    yield case("tenant-not-selected", "The tenant is not among the selected ones", GOOD.but(
        identity=setting("selectors", "tenants", to=["umbrella"])), "selectors-tenant")
    yield case("provenance-of-other-export", "provenance.json is about another export.json", GOOD.but(
        provenance_edit=setting("subject", 0, "digest", "sha256", to=OTHER)), "provenance-subject")
    yield case("index-count-wrong", "The index of advisories counts one too many",
               GOOD.but(index_edit=setting("advisories", "count", to=4)), "index-counts",
               subject=TOP + "indexes/advisories.index.json")
    yield case("index-records-wrong", "The index of advisories states other records for two files; the sum is right",
               GOOD.but(index_edit=swapped_records), "index-counts",
               subject=TOP + "indexes/advisories.index.json")
    yield case("index-records-overflow", "The index of advisories states so many records that their sum has no 64 bits",
               GOOD.but(index_edit=overflowing), "index-counts", subject=TOP + "indexes/advisories.index.json")
    yield case("provenance-too-many-values", "provenance.json has 300,000 values",
               GOOD.but(provenance_edit=lambda value: value.update(padding=[0] * 300_000)), "document-json",
               subject=TOP + "provenance.json")
    yield case("selectors-too-large", "The selectors of export.json have 300,000 bytes", GOOD.but(
        identity=setting("selectors", "padding", to="x" * 300_000)), "document-json", **export)
    yield case("index-names-absent-file", "The index of advisories also names a file that is not there",
               GOOD.but(index_edit=absent_file), "index-counts", subject=TOP + "indexes/advisories.index.json")
    yield case("manifest-counts-wrong", "manifest.yaml counts one advisory too many",
               GOOD.but(manifest_edit=setting("counts", "advisories", to=4)), "manifest-totals")
    yield case("export-key-twice", "export.json has two tenants",
               GOOD.but(exported=replacing(b'"tenant":"acme"', b'"tenant":"acme","tenant":"acme"')), "document-json",
               **export, kind=None)
    yield case("export-schema-other", "The schema of export.json is another",
               GOOD.but(edit=setting("schema", to="https://stellaops.io/export-center/manifest/v9")),
               "document-schema", **export, kind=None)
    yield case("export-id-malformed", "The export id has a space", GOOD.but(
        identity=setting("exportId", to="exp 20261101")), "document-schema", **export, kind=None)


def swapped_records(values: dict[str, Any]) -> None:
    """One record and two become two and one."""
    first, second = values["advisories"]["files"]
    first["records"], second["records"] = second["records"], first["records"]


def overflowing(values: dict[str, Any]) -> None:
    """Two files that are one record each, with more records than 64 bits hold."""
    values["advisories"]["files"] = [{"path": SBOM, "records": 2**64 - 1}, {"path": SNAPSHOT, "records": 2}]


def absent_file(values: dict[str, Any]) -> None:
    """One more file, counted."""
    values["advisories"]["files"].append({"path": EXTRA, "records": 1})
    values["advisories"]["count"] += 1


def signatures() -> Iterator[Case]:
    """The blob signatures are wrong."""
    failing, manifest = "blob-signature", "signatures/manifest.sig"
    yield case("wrong-key-given", "The key given is a stranger's", GOOD, failing, trust=key("stranger"))
    yield case("signed-by-stranger", "Both signatures are a stranger's", GOOD.but(sign=blob(STRANGER)), failing,
               trust=key("ed25519"))
    yield case("one-signature-by-stranger", "The signature of manifest.yaml is a stranger's, the other is good",
               GOOD.but(signed=setting(manifest, to=blob(STRANGER)(GOOD.tree()["manifest.yaml"]))), failing)
    yield case("signature-of-other-bundle", "The signature of manifest.yaml is that of an older bundle", GOOD.but(
        signed=setting(manifest, to=blob(ECDSA_P256)(b"profile: {kind: mirror}\n"))), failing)
    yield case("signatures-swapped", "Each of the two signatures lies under the name of the other",
               GOOD.but(signed=swapped), failing)
    yield case("signature-garbage", "The signature of manifest.yaml is not base64",
               GOOD.but(signed=setting(manifest, to=b"trust me\n")), failing)
    yield case("signature-empty", "The signature of manifest.yaml is an empty file",
               GOOD.but(signed=setting(manifest, to=b"")), failing)


def swapped(signatures: dict[str, bytes]) -> None:
    """Exchange the two."""
    first, second = signatures
    signatures[first], signatures[second] = signatures[second], signatures[first]


def yaml() -> Iterator[Case]:
    """manifest.yaml is signed, and no YAML of the plain kind."""
    subject = {"subject": TOP + "manifest.yaml"}
    defects = {
        "anchor": ("an anchor and an alias", b"tenant: acme\n", b"tenant: &t acme\nowner: *t\n"),
        "tag": ("a tag", b"tenant: acme\n", b"tenant: !!str acme\n"),
        "merge": ("a merge key", b"counts:\n", b"counts:\n  <<: {sbom: 1}\n"),
        "key-twice": ("two tenants", b"tenant: acme\n", b"tenant: acme\ntenant: acme\n"),
        "second-document": ("a second document", b"counts:\n", b"---\ncounts:\n"),
        "tab": ("a tab for indentation", b"  variant: full\n", b"\tvariant: full\n"),
    }
    for name, (what, old, new) in defects.items():
        yield case(f"yaml-{name}", f"manifest.yaml has {what}", GOOD.but(manifested=replacing(old, new)),
                   "document-yaml", **subject)


def contradictions() -> Iterator[Case]:
    """manifest.yaml and export.json are both signed and contradict each other."""
    edits: dict[str, tuple[str, Edit]] = {
        "export-id": ("another exportId", setting("exportId", to=OTHER_ID)),
        "tenant": ("another tenant", both_tenants),
        "generated-at": ("another generatedAt", setting("generatedAt", to="2026-10-31T00:00:00Z")),
        "profile": ("another profile", setting("profile", "name", to="weekly")),
        "variant": ("another variant", setting("profile", "variant", to="delta")),
    }
    for name, (what, edit) in edits.items():
        yield case(f"manifest-other-{name}", f"manifest.yaml states {what} than export.json",
                   GOOD.but(manifest_edit=edit), "documents-agree", kind=None)
    digest = f"sha256:{OTHER}"
    yield case("manifest-other-digest", "manifest.yaml also names the policy snapshot, with another digest",
               GOOD.but(manifest_edit=lambda manifest: manifest["files"].append(
                   {"path": SNAPSHOT, "digest": digest, "bytes": len(DATA[SNAPSHOT])})), "entry-digest",
               subject=TOP + SNAPSHOT)


def both_tenants(manifest: dict[str, Any]) -> None:
    """Another tenant, which the selectors name besides the first."""
    manifest |= {"tenant": "umbrella", "selectors": {"tenants": ["acme", "umbrella"]}}


def age() -> Iterator[Case]:
    """When it was made."""
    week = ("--max-age", "7d")
    yield case("stale", "19 days old, with a maximum of 7", GOOD, "age", options=week)
    yield case("made-in-the-future", "generatedAt lies a day after the clock of the run", GOOD.but(
        identity=setting("generatedAt", to="2026-11-21T00:00:00Z")), "age", options=week)


def cases() -> Iterator[Case]:
    """All of them."""
    for family in (good, manifests, rerun_hashes, entries, records, documents, signatures, yaml, contradictions, age):
        yield from family()
