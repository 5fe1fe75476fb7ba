"""trivy:oci: layouts with a layer of Trivy, as Trivy publishes them and as Concelier exports them."""

import gzip
from collections.abc import Callable, Iterator

from ..case import INTACT, NOT_VERIFIED, TRUST, USAGE, Case, key, verify
from ..compress import gzip_fixed, gzip_stored
from ..devportal import Bytes, Edit, flipped, plus, replacing, setting, sha256
from ..mirror import blob
from ..oci import digest, path_of
from ..signing import ECDSA_P256, ED25519
from ..tar import SYMLINK, Entry
from ..trivy import DATABASES, DB, EXPORT, METADATA, OLD_NEXT, OLD_UPDATED, cve, metadata, older, trivy_db
from ..trivy_layout import BASE, BASE_LAYOUT, DELTA, FOLDER, FULL, OWN, OWN_JAVA, Layout

KIND = "trivy:oci"
REQUIRE = ("--require", "integrity,complete")
FRESH = ("--require", "integrity,complete,signature,fresh")
WITH_BASE = ("--base", f"{{case}}/{BASE}")
LAYER = OWN.layer_path()
OTHER = "0" * 64
WHOLE = FULL.but(sign=None, sign_export=None, sign_whole=blob(ED25519))
ADVISORIES = 25  # in the database; it has 12 vulnerabilities
OVERDUE = OWN.of(about=metadata(2, OLD_UPDATED, OLD_NEXT))


def case(name: str, title: str, layout: Layout, *failing: str, options: tuple[str, ...] = (),
         trust: tuple[str, ...] = TRUST, **rest) -> Case:
    """One archive and what must come out."""
    rest = {"kind": KIND} | rest
    return Case("trivy-oci", name, title, verify(layout.name, *options, trust=trust), layout.build(), failing=failing,
                **rest)


def folder(name: str, title: str, layout: Layout, **rest) -> Case:
    """The same as a directory."""
    return Case("trivy-oci", name, title, verify(FOLDER), layout.folder(), kind=KIND, **rest)


def unproven(name: str, title: str, layout: Layout, **rest) -> Case:
    """A layout with nothing wrong in it, and something required that was not established."""
    return case(name, title, layout, outcome=NOT_VERIFIED, **rest)


def delta(name: str, title: str, layout: Layout, *failing: str, base: Layout = BASE_LAYOUT,
          options: tuple[str, ...] = WITH_BASE, **rest) -> Case:
    """One delta with its base beside it, and what must come out."""
    return Case("trivy-oci", name, title, verify(layout.name, *options), layout.build() | base.build(), failing=failing,
                kind=KIND, **rest)


def good() -> Iterator[Case]:
    """Layouts that verify."""
    own = {"index.json": "pinned", "index.json.sig": "evidence", "oci-layout": "evidence", LAYER: "pinned"}
    full = own | {EXPORT: "pinned", f"{EXPORT}.sig": "evidence"}
    yield case("good-concelier", "As Concelier exports it; index.json and metadata.json are signed", FULL,
               standings=full)
    yield folder("good-concelier-directory", "The same as a directory", FULL, standings=full)
    yield case("good-concelier-gzip", "The same as a gzip tar", FULL.but(wrap=gzip_stored, name="trivy-db.oci.tar.gz"))
    yield case("good-concelier-whole", "Nothing in it is signed, but the archive as a whole", WHOLE,
               standings={"index.json": "pinned", EXPORT: "pinned", LAYER: "pinned"})
    yield case("good-export-waived", "Only index.json is signed; metadata.json is waived by --allow-extra",
               FULL.but(sign_export=None), options=("--allow-extra", EXPORT))
    yield case("good-counts-advisories", "advisoryCount is the number of advisories, not that of vulnerabilities",
               FULL.but(export_edit=setting("advisoryCount", to=ADVISORIES)))
    yield case("good-own", "As Trivy publishes its database; index.json is signed", OWN, standings=own)
    yield folder("good-own-directory", "The same as a directory", OWN, standings=own)
    yield case("good-own-java", "As Trivy publishes its index of Java archives", OWN_JAVA,
               standings={OWN_JAVA.layer_path(): "pinned"})
    yield case("good-ecdsa-p256", "Signed with ECDSA P-256", OWN.but(sign=blob(ECDSA_P256)), trust=key("ecdsa-p256"))
    yield case("good-overdue", "NextUpdate has passed, and nobody asked how old it may be", OVERDUE)
    yield case("good-fresh", "Six hours old, with a maximum of a week", OWN, options=("--max-age", "7d"))
    yield case("good-scanner", "A scanner that reads this schema is named", OWN, options=("--scanner", "trivy@0.58.1"))
    yield case("good-scanner-java", "A scanner that reads this index of Java archives is named", OWN_JAVA,
               options=("--scanner", "trivy@0.58.1"))
    yield delta("good-delta", "A delta: the index of Java archives lies in the base, whose manifest it names", DELTA,
                standings={EXPORT: "pinned", DELTA.layer_path(): "pinned"})
    yield delta("good-delta-by-index", "A delta that names its base by the digest of index.json",
                DELTA.but(export_edit=setting("baseManifestDigest", to=digest(BASE_LAYOUT.index()))))
    yield case("good-delta-reset", "A full refresh: resetBaseline is true, all blobs are carried, and no base is given",
               DELTA.but(export_edit=setting("resetBaseline", to=True), left_out=()))


def not_proven() -> Iterator[Case]:
    """Nothing is wrong, and something was not established."""
    yield case("intact-unsigned", "There is no signature, and none is required", OWN.but(sign=None), trust=(),
               options=REQUIRE, outcome=INTACT)
    yield unproven("unproven-unsigned", "There is no signature", FULL.but(sign=None, sign_export=None))
    yield unproven("unproven-no-key", "No key is given", FULL, trust=())
    yield unproven("unproven-export-unsigned", "index.json is signed; metadata.json, which it does not name, is not",
                   FULL.but(sign_export=None), standings={EXPORT: "listed", LAYER: "pinned"})
    yield unproven("unproven-sparse", "The layer is not carried, and this is no delta", FULL.but(left_out=(LAYER,)),
                   standings={"index.json": "pinned"})
    yield Case("trivy-oci", "usage-scanner", "The version of the scanner is none", verify(
        OWN.name, "--scanner", "trivy@latest"), OWN.build(), outcome=USAGE)


def signatures() -> Iterator[Case]:
    """Signatures that do not stand for what lies there, and content that was exchanged."""
    failing = "blob-signature"
    yield case("wrong-key-given", "The key given is a stranger's", OWN, failing, trust=key("stranger"))
    yield case("signature-of-another-file", "index.json.sig is the signature over metadata.json", FULL.but(
        shipped=lambda tree: tree.update({"index.json.sig": tree[f"{EXPORT}.sig"]})), failing, "entry-unlisted",
               subject="index.json.sig")
    yield case("index-altered", "index.json is not the file that was signed",
               FULL.but(shipped=rewriting("index.json", replacing(b'"2"', b'"3"'))), failing, "entry-unlisted",
               subject="index.json.sig")
    yield case("export-altered", "metadata.json is not the file that was signed",
               FULL.but(shipped=rewriting(EXPORT, replacing(b"1.4.0", b"1.4.1"))), failing, subject=f"{EXPORT}.sig")
    stale = WHOLE.but(sign_whole=lambda _: blob(ED25519)(WHOLE.but(export_edit=setting(
        "exporterVersion", to="1.3.9")).build()[WHOLE.name]))
    yield case("whole-altered", "The signature beside the archive is over an older one", stale, failing,
               subject=f"{WHOLE.name}.sig")
    # What the layer holds is untouched: the header of a gzip stream has a time that nothing protects.
    yield case("layer-altered", "One bit of the layer's gzip header is flipped",
               OWN.but(shipped=rewriting(LAYER, lambda data: data[:4] + flipped(data[4:5]) + data[5:])), "entry-digest",
               subject=LAYER, standings={LAYER: "contradicted"})
    yield case("layer-exchanged", "The layer is a sound one, in which one fix has another version", OWN.but(
        shipped=rewriting(LAYER, lambda _: DB.spoilt(replacing(b'"2.11.0"', b'"2.10.9"')).tar_gz())), "entry-digest",
        subject=LAYER, standings={LAYER: "contradicted"})


def rewriting(path: str, change: Bytes) -> Callable[[dict[str, bytes]], None]:
    """Change one file after everything was signed and named."""
    def edit(tree: dict[str, bytes]) -> None:
        """It has to be another one then."""
        before = tree[path]
        tree[path] = change(before)
        assert tree[path] != before, path
    return edit


def layers() -> Iterator[Case]:
    """All digests and signatures are right; what the layer holds is not."""
    for name, (title, make) in DATABASES.items():
        yield case(f"layer-{name}", title, OWN.of(data=make()), "trivy-database")
    yield case("layer-without-database", "The layer holds nothing but metadata.json", OWN.of(data=None),
               "trivy-database")
    yield case("layer-two", "The manifest has two layers with a database each", OWN.but(
        contents=((DB, DB.but(data=trivy_db(older))),)), "trivy-database")
    extra = OWN.of(extra={"install.sh": b"#!/bin/sh\n"})
    yield case("layer-extra-file", "A script lies beside the database in the layer", extra, "entry-unlisted",
               subject=f"{extra.layer_path()}!/install.sh")
    yield case("layer-path-parent", "A file of the layer would be written outside of it",
               OWN.of(entries=plus(Entry(b"../x", b"outside\n"))), "entry-path", "entry-unlisted")
    yield case("layer-symlink", "The layer has a link that leaves it", OWN.of(entries=plus(
        Entry(b"latest", type=SYMLINK, link=b"../../etc/passwd"))), "entry-link", "entry-unlisted")
    yield case("layer-database-twice", "The layer has trivy.db twice, with different bytes", OWN.of(
        entries=plus(Entry(b"trivy.db", trivy_db(older)))), "entry-duplicate")
    yield case("layer-uncompressed", "The layer is a tar without gzip", OWN.but(packed=gzip.decompress), "trivy-database")
    yield case("layer-media-type", "The media type of the layer is one that Trivy does not take", OWN.but(
        manifest_edit=setting("layers", 0, "mediaType", to="application/vnd.aquasec.trivy.db.layer.v1.tar+zstd")),
        "trivy-database")
    yield case("layer-not-a-tar", "The layer is a gzip stream of a line of text",
               OWN.but(packed=lambda _: gzip_fixed(b"Nothing to see here.\n")), "trivy-database")
    yield case("layer-cut", "The layer ends in the middle", OWN.but(packed=lambda data: data[:len(data) // 2]),
               "container-truncated")
    yield case("layer-bomb", "The layer grows more than --max-ratio allows", OWN.of(data=bytes(1 << 20)), "limit-ratio",
               options=("--max-ratio", "20"))


def dates() -> Iterator[Case]:
    """Trivy's metadata.json in the layer."""
    for name, (title, about) in METADATA.items():
        yield case(name, title, OWN.of(about=about), "trivy-metadata")
    yield case("metadata-missing", "There is no metadata.json in the layer", OWN.of(about=None), "trivy-metadata")
    yield case("metadata-java-version-2", "Version is 2, and the layer holds an index of Java archives",
               OWN_JAVA.of(about=metadata(2)), "trivy-metadata")
    yield case("stale", "Six hours old, with a maximum of one", OWN, "age", options=("--max-age", "1h"))
    yield case("overdue", "NextUpdate has passed, and freshness is required", OVERDUE, "age", options=FRESH)
    yield case("scanner-too-old", "The scanner that is named reads schema 1 only", OWN, "trivy-schema",
               options=("--scanner", "trivy@0.20.2"))
    yield case("scanner-too-old-for-java", "The scanner that is named reads no index of Java archives", OWN_JAVA,
               "trivy-schema", options=("--scanner", "trivy@0.36.1"))


def exports() -> Iterator[Case]:
    """StellaOps' metadata.json says what cannot be true."""
    failing, changed = "trivy-export", ("delta", "changedFiles")
    edits: dict[str, tuple[str, Edit]] = {
        "count": ("advisoryCount is more than the database has values", setting("advisoryCount", to=100_000)),
        "count-negative": ("advisoryCount is negative", setting("advisoryCount", to=-1)),
        "mode": ("The mode is neither full nor delta", setting("mode", to="partial")),
        "full-with-base": ("A full export names a base", lambda export: export.update(
            baseExportId="20261112T000000Z", baseManifestDigest=f"sha256:{OTHER}")),
        "tree-digest": ("treeDigest lacks a digit", setting("treeDigest", to=f"sha256:{OTHER[:-1]}")),
    }
    for name, (title, edit) in edits.items():
        yield case(f"export-{name}", title, FULL.but(export_edit=edit),
                   "document-schema" if name == "count-negative" else failing)
    yield case("export-key-twice", "metadata.json has two modes", FULL.but(
        exported=replacing(b'{"mode":"full"', b'{"mode":"delta","mode":"full"')), "document-json")
    yield case("export-not-json", "metadata.json ends in the middle", FULL.but(
        exported=replacing(b'"}}', b'"}')), "document-json")
    removed = {"delta": {"changedFiles": [], "removedPaths": ["npm/a.json", "npm/a.json"]}}
    changes: dict[str, tuple[str, Edit]] = {
        "no-base-id": ("A delta has no baseExportId", lambda export: export.pop("baseExportId")),
        "no-base-digest": ("A delta has no baseManifestDigest", lambda export: export.pop("baseManifestDigest")),
        "changed-twice": ("A file is changed twice", setting(*changed, 1, "path", to=f"npm/{cve(10)}.json")),
        "changed-path-parent": ("A changed file lies outside the tree", setting(*changed, 0, "path", to="../x")),
        "changed-digest": ("The digest of a changed file is none", setting(*changed, 0, "digest", to="sha256:0")),
        "changed-larger-than-tree": ("A changed file is larger than the whole tree", setting(
            *changed, 0, "length", to=50_000)),
        "removed-path-parent": ("A removed path lies outside the tree", setting("delta", "removedPaths", 0, to="../x")),
        "removed-and-changed": ("A path is removed and changed", setting(
            "delta", "removedPaths", 0, to=f"npm/{cve(10)}.json")),
        "removed-twice": ("A path is removed twice", lambda export: export.update(removed)),
    }
    for name, (title, edit) in changes.items():
        yield delta(f"delta-{name}", title, DELTA.but(export_edit=edit), failing)


SPOILT = BASE_LAYOUT.but(contents=(BASE_LAYOUT.contents[0], (BASE_LAYOUT.contents[1][0].but(data=b"fake"),)))


def bases() -> Iterator[Case]:
    """The base is absent or another one."""
    failing = "delta-base"
    yield case("base-not-given", "A delta, and no base is given", DELTA, failing)
    yield delta("base-other", "The base given is a sound layout with another manifest", DELTA, failing,
                base=BASE_LAYOUT.but(manifest_edit=setting(
                    "annotations", "org.opencontainers.image.created", to="2026-11-12T00:00:00Z")))
    yield delta("base-other-digest", "The delta names a base that nobody has",
                DELTA.but(export_edit=setting("baseManifestDigest", to=f"sha256:{OTHER}")), failing)
    java = BASE_LAYOUT.layer_path(1)
    yield delta("base-without-blob", "The base lacks a layer that the delta leaves out", DELTA, failing,
                base=BASE_LAYOUT.but(left_out=(java,)))
    yield delta("base-manifest-altered", "The base has a file of the right name, which is not the manifest", DELTA, failing,
                base=BASE_LAYOUT.but(sign=None, shipped=rewriting(path_of(BASE_LAYOUT.manifest_digest()), flipped)))
    yield delta("base-of-garbage", "The index that the delta leaves out is none in the base",
                DELTA.but(export_edit=setting("baseManifestDigest", to=f"sha256:{sha256(SPOILT.index())}")), failing,
                base=SPOILT)
    yield delta("base-blob-altered", "The layer that the delta leaves out was changed in the base", DELTA, failing,
                base=BASE_LAYOUT.but(shipped=rewriting(java, flipped)))


def cases() -> Iterator[Case]:
    """All of them."""
    for family in (good, not_proven, signatures, layers, dates, exports, bases):
        yield from family()
