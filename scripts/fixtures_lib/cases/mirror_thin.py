"""mirror:thin bundles: as a tarball with its siblings, as a directory, and packed in one tar."""

from collections.abc import Iterator
from typing import Any

from ..case import NOT_VERIFIED, TRUST, Case, key, verify
from ..devportal import Edit, altered, plus, replacing, setting, sha256, without
from ..dsse import base64url_payload
from ..mirror import member
from ..signing import ED25519_SECOND, STRANGER, Ed25519
from ..tar import SYMLINK, Entry
from ..thin import LAYERS, MANIFEST, MANIFEST_DSSE, META, SIGN_MANIFEST, SIGN_META, TARBALL, Thin
from ..tuf import KEYID, OWNER, Repository

KIND = "mirror:thin"
GOOD = Thin()
TUF = Repository()
ROOT = ("--tuf-root", "{case}/root.json")
BOTH = (*TRUST, *ROOT)
IMPOSTOR = Ed25519(STRANGER.name, KEYID)       # a stranger under the trusted key id
STRANGERS = TUF.but(owner=IMPOSTOR)
SECOND = Ed25519(ED25519_SECOND.name, "mirror-ed25519-test-2")
OTHER = "0" * 64
LAYER = "layers/observations.ndjson"
OPERATORS_ROOT = {"root.json": TUF.root()}
LEGACY = ("--legacy-signing", "base64url-payload")


def case(name: str, title: str, bundle: Thin, *failing: str, form: str = TARBALL, options: tuple[str, ...] = (),
         trust: tuple[str, ...] = BOTH, beside: dict[str, bytes] | None = None, **rest) -> Case:
    """One bundle in one of three forms, the operator's root beside it, and what must come out."""
    files = {TARBALL: bundle.files, "thin": bundle.folder, "thin.tar": bundle.packed}[form]()
    rest = {"kind": KIND} | rest
    return Case("mirror-thin", name, title, verify(form, *options, trust=trust),
                files | (OPERATORS_ROOT if beside is None else beside), failing=failing, **rest)


def layer(entry: Entry) -> dict[str, Any]:
    """A layer as the manifest states it."""
    return {"path": entry.name.decode(), "digest": f"sha256:{sha256(entry.data)}", "size": len(entry.data)}


def good() -> Iterator[Case]:
    """Bundles that verify, and those that prove nothing."""
    inner = {"manifest.json": "pinned", LAYER: "pinned", "indexes/observations.index": "pinned"}
    yield case("good-dsse-and-tuf", "The tarball with all its siblings; a key and a TUF root are given", GOOD,
               standings=inner)
    yield case("good-dsse-only", "A key is given and no TUF root", GOOD, trust=TRUST, standings=inner)
    yield case("good-tuf-only", "A TUF root is given and no key", GOOD, trust=ROOT)
    yield case("good-directory", "All files in a directory", GOOD, form="thin",
               standings={TARBALL: "pinned", MANIFEST: "pinned", META: "pinned", MANIFEST_DSSE: "evidence"})
    yield case("good-directory-dsse-only", "All files in a directory; a key is given and no TUF root", GOOD,
               form="thin", trust=TRUST)
    yield case("good-packed", "All files in one tar", GOOD, form="thin.tar",
               standings={TARBALL: "pinned", MANIFEST: "pinned", META: "pinned", MANIFEST_DSSE: "evidence"})
    yield case("good-without-tuf", "No TUF metadata travels along", GOOD.but(tuf=None), trust=TRUST)
    yield case("good-base64url-signing-waived", "Signatures over the base64url payload, accepted by --legacy-signing",
               by_base64url(), options=LEGACY)
    form = GOOD.but(extra=GOOD.oci())
    twin = "oci/blobs/sha256/" + sha256(GOOD.files()[TARBALL])
    yield case("good-oci-form-allowed", "All files, and once more as an OCI layout, whose index nobody signs", form,
               form="thin.tar", options=("--allow-extra", "oci/**"), standings={twin: "pinned"})
    yield case("unproven-oci-form", "All files, and once more as an OCI layout: nobody vouches for its index", form,
               form="thin.tar", outcome=NOT_VERIFIED, standings={twin: "pinned", "oci/index.json": "listed"})
    yield case("good-sorted-tarball", "The tarball is sorted by path, indexes first",
               GOOD.but(entries=lambda entries: sorted(entries, key=lambda entry: entry.name)))
    yield case("good-hashes-circular", "The manifest states digests of itself and of the tarball, and nothing outside "
               "states any", GOOD.but(manifest_edit=setting("hashes", to={
                   "tarball_sha256": "1" * 64, "manifest_sha256": "2" * 64}), sign_meta=None, tuf=None, left_out=(
                       META, f"{TARBALL}.sha256", f"{MANIFEST}.sha256")), trust=TRUST)
    yield case("good-tuf-root-rotated", "The bundle brings version 2 of the root, signed by the old key and the new",
               GOOD.but(tuf=TUF.but(owner=SECOND, edits={"root": setting("version", to=2)},
                                    signers={"root": (OWNER, SECOND)})))
    yield case("good-fresh", "19 days old, with a maximum of 30", GOOD, options=("--max-age", "30d"))
    yield case("unproven-no-trust", "Neither a key nor a TUF root is given", GOOD, trust=(), outcome=NOT_VERIFIED)
    yield case("unproven-unsigned", "There is neither an envelope nor TUF metadata",
               GOOD.but(sign_manifest=None, sign_meta=None, tuf=None), trust=TRUST, outcome=NOT_VERIFIED)


def by_base64url() -> Thin:
    """Both envelopes signed as the older paper says."""
    return GOOD.but(sign_manifest=SIGN_MANIFEST.but(signing_input=base64url_payload),
                    sign_meta=SIGN_META.but(signing_input=base64url_payload))


def tarballs() -> Iterator[Case]:
    """The tarball is not what the manifest says; everything outside fits the tarball."""
    yield case("layer-altered", "One bit of a layer is flipped", GOOD.but(entries=altered(LAYER)), "entry-digest",
               subject=LAYER)
    yield case("layer-altered-dsse-only", "One bit of a layer is flipped, no TUF root is given",
               GOOD.but(entries=altered(LAYER)), "entry-digest", subject=LAYER, trust=TRUST)
    yield case("layer-altered-in-directory", "One bit of a layer is flipped, in a directory",
               GOOD.but(entries=altered(LAYER)), "entry-digest", form="thin")
    yield case("layer-altered-packed", "One bit of a layer is flipped, all in one tar",
               GOOD.but(entries=altered(LAYER)), "entry-digest", form="thin.tar")
    yield case("index-altered", "One bit of an index is flipped", GOOD.but(
        entries=altered("indexes/observations.index")), "entry-digest", subject="indexes/observations.index")
    yield case("layer-size-misstated", "The manifest states one byte too many for a layer",
               GOOD.but(manifest_edit=setting("layers", 0, "size", to=len(LAYERS[LAYER]) + 1)), "entry-size",
               subject=LAYER)
    yield case("layer-missing", "A layer is not in the tarball", GOOD.but(entries=without(LAYER)), "entry-missing",
               subject=LAYER)
    yield case("layer-unlisted", "A layer is in no list", GOOD.but(entries=plus(member("layers/extra", b"extra\n"))),
               "entry-unlisted", subject="layers/extra")
    yield case("file-unlisted-in-directory", "A file beside the others in the directory is in no list",
               GOOD.but(extra={"install.sh": b"#!/bin/sh\n"}), "entry-unlisted", form="thin", subject="install.sh")
    yield case("file-among-metadata", "A file that is no role lies in the folder of the TUF metadata",
               GOOD.but(extra={"tuf/payload.json": b"\x7fELF arbitrary"}), "entry-unlisted", form="thin.tar",
               subject="tuf/payload.json")
    metadata = [member(name, data) for name, data in GOOD.files().items() if name.startswith("tuf/")]
    yield case("metadata-in-tarball", "The metadata lies in the tarball and names another tarball", GOOD.but(
        tuf=None, sign_manifest=None, sign_meta=None, entries=plus(*metadata),
        left_out=(MANIFEST, META, f"{TARBALL}.sha256", f"{MANIFEST}.sha256")), "entry-unlisted", trust=ROOT,
        options=("--require", "integrity,complete,tuf"))
    twins = [member("layers/CON", b"con\n"), member("layers/Observations.ndjson", b"twin\n")]
    yield case("names-not-portable-in-packed", "Names in the packed tarball collide after case folding", GOOD.but(
        manifest_edit=lambda manifest: manifest["layers"].extend(layer(twin) for twin in twins), entries=plus(*twins)),
        "portable-names", form="thin.tar", options=("--require", "signature,portable-names"))
    tarball = "oci/blobs/sha256/" + sha256(GOOD.files()[TARBALL])
    spoiled = GOOD.oci() | {tarball: GOOD.oci()[tarball][:-1] + b"?"}
    yield case("oci-form-altered", "The tarball in the OCI form is another one", GOOD.but(extra=spoiled), "entry-digest",
               form="thin.tar", options=("--allow-extra", "oci/**"), subject=tarball)
    link = Entry(b"layers/passwd", type=SYMLINK, link=b"/etc/passwd")
    yield case("tarball-symlink", "The tarball has a symlink that leaves the tree", GOOD.but(entries=plus(link)),
               "entry-link", "entry-unlisted")
    yield case("tarball-duplicate", "A layer is in the tarball twice, with equal bytes",
               GOOD.but(entries=plus(member(LAYER, LAYERS[LAYER]))), "entry-duplicate", subject=LAYER)


def documents() -> Iterator[Case]:
    """Manifest and bundle.json are signed, and wrong."""
    yield case("manifest-inner-differs", "The manifest in the tarball states another time than the one beside it",
               GOOD.but(inner=replacing(b"2026-11-01", b"2026-10-31")), "documents-agree")
    edits: dict[str, tuple[str, Edit]] = {
        "tarball": ("tarball", setting("tarball_sha256", to=OTHER)),
        "manifest": ("manifest", setting("manifest_sha256", to=OTHER)),
    }
    for name, (what, edit) in edits.items():
        yield case(f"bundle-other-{name}", f"bundle.json states another digest of the {what}",
                   GOOD.but(meta_edit=edit), "documents-agree")
    yield case("manifest-hashes-wrong", "The manifest states another digest of the tarball than the .sha256 file",
               GOOD.but(manifest_edit=setting("hashes", to={"tarball_sha256": OTHER})), "manifest-hashes")
    twice = (b'"version"', b'"created": "2026-11-01T00:00:00Z",\n  "version"')
    yield case("manifest-key-twice", "The manifest has two times", GOOD.but(manifested=replacing(*twice)),
               "document-json", kind=None)
    yield case("bundle-key-twice", "bundle.json has two times", GOOD.but(metaed=replacing(*twice)), "document-json")
    yield case("manifest-no-layers", "The manifest has no layers", GOOD.but(
        manifest_edit=lambda manifest: manifest.pop("layers")), "document-schema", kind=None)
    stray = {"path": "layers/../../outside", "size": 1, "digest": f"sha256:{OTHER}"}
    yield case("path-parent", "The manifest also lists a layer outside the tree",
               GOOD.but(manifest_edit=lambda manifest: manifest["layers"].append(stray)), "manifest-paths")
    yield case("path-twice", "The manifest lists one layer twice, with one digest", GOOD.but(
        manifest_edit=lambda manifest: manifest["layers"].append(manifest["layers"][0])), "manifest-paths")
    wrong = {"listed": {TARBALL: lambda _: OTHER}}
    yield case("sidecar-wrong", "The .sha256 file of the tarball states another digest", GOOD.but(**wrong),
               "sidecar-digest")
    yield case("sidecar-of-manifest-wrong", "The .sha256 file of the manifest states another digest",
               GOOD.but(listed={MANIFEST: lambda _: OTHER}), "sidecar-digest")
    yield case("sidecar-wrong-in-directory", "The .sha256 file of the tarball states another digest than bundle.json "
               "and TUF, in a directory", GOOD.but(**wrong), "documents-agree", form="thin", subject=TARBALL)
    yield case("sidecar-wrong-alone", "The .sha256 file of the tarball states another digest, and nothing else any, in "
               "a directory", GOOD.but(sign_meta=None, tuf=None, left_out=(META,), **wrong), "documents-agree",
               form="thin", trust=TRUST, subject=TARBALL)
    yield case("stale", "19 days old, with a maximum of 7", GOOD, "age", options=("--max-age", "7d"))


def envelopes() -> Iterator[Case]:
    """The DSSE envelopes are wrong. No TUF root is given, except where the title says so."""
    signature, impostor = "dsse-signature", {"signers": (IMPOSTOR,)}
    alone = {"trust": TRUST}
    yield case("wrong-key-given", "The key given is a stranger's", GOOD, signature, trust=key("stranger"))
    yield case("manifest-signed-by-stranger", "The manifest is signed by a stranger under the trusted key id",
               GOOD.but(sign_manifest=SIGN_MANIFEST.but(**impostor)), signature, **alone)
    yield case("manifest-signed-by-stranger-despite-tuf", "The manifest is signed by a stranger, and TUF is good",
               GOOD.but(sign_manifest=SIGN_MANIFEST.but(**impostor)), signature)
    yield case("bundle-signed-by-stranger", "bundle.json is signed by a stranger under the trusted key id",
               GOOD.but(sign_meta=SIGN_META.but(**impostor)), signature, **alone)
    yield case("base64url-payload-signature", "The base64url payloads were signed instead of the PAE", by_base64url(),
               signature, **alone)
    older = b'{"version": "1.0.0", "created": "2026-10-01T00:00:00Z", "layers": [], "indexes": []}\n'
    yield case("manifest-envelope-of-older", "The envelope of the manifest is that of an older one",
               GOOD.but(sign_manifest=lambda _: SIGN_MANIFEST(older)), "dsse-payload", "entry-unlisted", **alone)
    yield case("bundle-envelope-of-older", "The envelope of bundle.json is that of an older one",
               GOOD.but(sign_meta=lambda _: SIGN_META(b'{"version": "1.0.0"}\n')), "dsse-payload", **alone)
    yield case("payload-type-other", "The envelope of the manifest has the payload type of bundle.json",
               GOOD.but(sign_manifest=SIGN_META), "dsse-payload-type", **alone)
    yield case("envelope-not-json", "The envelope of the manifest is not JSON",
               GOOD.but(sign_manifest=lambda _: b"signed, honestly\n"), "dsse-envelope", **alone)


def repositories() -> Iterator[Case]:
    """The TUF metadata is wrong; both envelopes are good."""
    def wrong(name: str, title: str, tuf: Repository, failing: str, **rest: Any) -> Case:
        """The bundle with this metadata."""
        return case(f"tuf-{name}", title, GOOD.but(tuf=tuf), failing, **rest)

    for role in ("targets", "snapshot", "timestamp"):
        yield wrong(f"{role}-by-stranger", f"{role}.json is signed by a stranger under the trusted key id",
                    TUF.but(signers={role: (IMPOSTOR,)}), f"tuf-{role}")
        yield wrong(f"{role}-expired", f"{role}.json expired the day before",
                    TUF.but(edits={role: setting("expires", to="2026-11-19T00:00:00Z")}), f"tuf-{role}")
    expired = TUF.but(edits={"root": setting("expires", to="2026-11-19T00:00:00Z")})
    yield wrong("root-expired", "root.json expired the day before", expired, "tuf-root",
                beside={"root.json": expired.root()})
    yield wrong("root-other", "The operator trusts another root, of the same version", TUF, "tuf-root",
                beside={"root.json": STRANGERS.root()})
    yield wrong("all-by-stranger", "A stranger made all metadata, root.json too, and the operator trusts another root",
                STRANGERS, "tuf-root")
    yield wrong("root-rotated-by-stranger", "Version 2 of the root is signed by its own key only", TUF.but(
        owner=SECOND, edits={"root": setting("version", to=2)}), "tuf-root")
    yield wrong("timestamp-missing", "There is no timestamp.json", TUF.but(left_out=("timestamp",)), "tuf-timestamp")
    yield wrong("snapshot-missing", "There is no snapshot.json", TUF.but(left_out=("snapshot",)), "tuf-snapshot")
    yield wrong("targets-missing", "There is no targets.json", TUF.but(left_out=("targets",)), "tuf-targets")
    yield wrong("targets-altered", "targets.json is not what snapshot.json says", TUF.but(
        shipped={"targets": lambda data: data.replace(b"\n", b"\r\n")}), "tuf-targets")
    yield wrong("target-digest-wrong", "targets.json states another digest of the tarball", TUF.but(
        edits={"targets": setting("targets", TARBALL, "hashes", "sha256", to=OTHER)}), "tuf-target")
    yield wrong("target-length-wrong", "targets.json states one byte for the manifest", TUF.but(
        edits={"targets": setting("targets", MANIFEST, "length", to=1)}), "tuf-target")
    yield wrong("target-unlisted", "targets.json does not name the tarball", TUF.but(
        edits={"targets": lambda value: value["targets"].pop(TARBALL)}), "tuf-target")
    yield case("tuf-target-digest-wrong-in-directory", "targets.json states another digest of the tarball, in a "
               "directory", GOOD.but(tuf=TUF.but(edits={"targets": setting(
                   "targets", TARBALL, "hashes", "sha256", to=OTHER)})), "tuf-target", form="thin")
    files = GOOD.files()
    newer = TUF.but(edits={"timestamp": setting("version", to=2)}).documents(
        {name: files[name] for name in (TARBALL, MANIFEST, META)})
    yield case("tuf-rollback", "An earlier run has seen a newer timestamp.json", GOOD, "tuf-timestamp",
               trust=(*TRUST, "--datastore", "{case}/datastore"),
               beside={f"datastore/{name}": data for name, data in newer.items()})


def cases() -> Iterator[Case]:
    """All of them."""
    for family in (good, tarballs, documents, envelopes, repositories):
        yield from family()
