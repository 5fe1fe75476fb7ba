"""mirror:airgap: OCI artefacts with their SBOMs."""

from collections.abc import Iterator, Mapping
from typing import Any

from ..case import INTACT, NOT_VERIFIED, TRUST, Case, key, verify
from ..devportal import altered, in_byte_order, plus, replacing, setting, sha256, without
from ..dsse import Envelope
from ..manifested import BUNDLE_TYPE, MANIFEST_TYPE, Manifested, line, listed
from ..signing import ED25519
from ..tar import Entry

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
CYCLONEDX = "application/vnd.cyclonedx+json"


def artefact(name: str) -> bytes:
    """An OCI manifest without layers."""
    return line({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "annotations": {"name": name}, "layers": []})


def sbom(name: str) -> bytes:
    """An SBOM that says very little."""
    return line({"bomFormat": "CycloneDX", "specVersion": "1.6", "metadata": {"component": {"name": name}}})


FEEDER = artefact("feeder")
FILES = {
    "advisories/nvd.ndjson": b'{"id":"EXAMPLE-2026-0001"}\n',
    "images/feeder/manifest.json": FEEDER,
    "images/gateway.json": artefact("gateway"),
    "layers/gateway-1": b"no layer at all\n",
    "sboms/gateway.cdx.json": sbom("gateway"),
    f"sboms/sha256-{sha256(FEEDER)}.json": sbom("feeder"),
}
LACKING = "images/gateway.json"
SBOM = "sboms/gateway.cdx.json"
ENTRY = "advisories/nvd.ndjson"


def media_type(path: str) -> str:
    """What the manifest says that a file is."""
    folder = path.split("/")[0]
    return {"images": OCI_MANIFEST, "layers": OCI_LAYER, "sboms": CYCLONEDX}.get(folder, "application/x-ndjson")


def manifest(files: Mapping[str, bytes]) -> dict[str, Any]:
    """manifest.json."""
    return {
        "bundleId": "mirror-2026-11-01",
        "manifestVersion": 1,
        "mirrorGeneration": 42,
        "createdAt": "2026-11-01T00:00:00Z",
        "producer": "example-mirror",
        "hashes": [f"sha256:{sha256(files[path])}" for path in in_byte_order(files)][:1],
        "files": [item | {"mediaType": media_type(item["path"])} for item in listed(files)],
    }


GOOD = Manifested(manifest, FILES)
SIGN = Envelope(BUNDLE_TYPE, (ED25519,))


def root(files: Mapping[str, bytes]) -> str:
    """One digest over all: the digests in path order, joined by line feeds."""
    return sha256("\n".join(sha256(files[path]) for path in in_byte_order(files)).encode())


def metadata(**meta: bytes | str) -> bytes:
    """TUF metadata that states the digests of files; nobody signed it."""
    stated = {f"{name}.json": {"version": 42, "hashes": {"sha256": data if isinstance(data, str) else sha256(data)}}
              for name, data in meta.items()}
    return line({"signatures": [], "signed": {"_type": "snapshot", "version": 42, "meta": stated}})


SNAPSHOT = metadata(manifest=GOOD.manifest_bytes())
LADEN = SNAPSHOT.replace(b'{"signatures"', b'{"install":"take this from elsewhere","signatures"')
WAIVED = ("--allow-extra", "timestamp.json", "--allow-extra", "snapshot.json")
TUF = {"snapshot.json": SNAPSHOT, "timestamp.json": metadata(snapshot=SNAPSHOT)}


def case(name: str, title: str, bundle: Manifested, *failing: str, options: tuple[str, ...] = (),
         trust: tuple[str, ...] = TRUST, **rest) -> Case:
    """One bundle and what must come out."""
    return Case("mirror-airgap", name, title, verify(bundle.name, *options, trust=trust), bundle.build(),
                failing=failing, kind="mirror:airgap", **rest)


def good() -> Iterator[Case]:
    """Nothing is wrong."""
    pinned = {ENTRY: "pinned", SBOM: "pinned", "manifest.json": "pinned", "manifest.dsse.json": "evidence"}
    yield case("good", "Artefacts with SBOMs; the envelope lies in the archive", GOOD, standings=pinned)
    yield case("good-envelope-beside", "The envelope lies beside the archive", GOOD.but(inside=False))
    yield case("good-one-directory-down", "Everything lies in one directory", GOOD.but(top="mirror-42/"),
               standings={f"mirror-42/{ENTRY}": "pinned"})
    yield case("good-manifest-type", "The payload type is the other one of the published documents",
               GOOD.but(sign=SIGN.but(payload_type=MANIFEST_TYPE)))
    yield case("good-payload-type-named", "The payload type is one that the operator names",
               GOOD.but(sign=SIGN.but(payload_type="text/plain")), options=("--payload-type", "text/plain"))
    yield case("good-root", "hashes holds one digest over all files",
               GOOD.but(edit=setting("hashes", to=[root(FILES)])))
    yield case("good-hash-unknown", "hashes holds a digest of nothing that is known: told, not judged",
               GOOD.but(edit=setting("hashes", to=["0" * 64])))
    yield case("good-envelope-hash", "The manifest states a digest of its own envelope, which nothing can fit",
               GOOD.but(edit=setting("dsseEnvelopeHash", to="0" * 64)))
    yield case("good-unsorted", "files is not sorted by path: a hint, no failure",
               GOOD.but(edit=lambda value: value["files"].reverse()))
    yield case("good-metadata-waived", "timestamp.json and snapshot.json state digests that hold, nobody signed them, and "
               "they are waived", GOOD.but(extra=TUF), options=WAIVED)
    yield case("good-metadata-listed", "timestamp.json is one of the files",
               GOOD.but(files=FILES | {"timestamp.json": b"2026-11-01\n"}), standings={"timestamp.json": "pinned"})


def unproven() -> Iterator[Case]:
    """Nothing is wrong, and nobody vouches."""
    yield case("unproven-no-key", "No key is given", GOOD, trust=(), outcome=NOT_VERIFIED)
    yield case("unproven-unsigned", "There is no envelope", GOOD.but(sign=None), outcome=NOT_VERIFIED)
    yield case("intact-unsigned", "There is no envelope, and none is required", GOOD.but(sign=None), trust=(),
               options=("--require", "integrity,complete"), outcome=INTACT)
    yield case("intact-metadata", "Nothing is signed; timestamp.json and snapshot.json state digests that hold",
               GOOD.but(sign=None, extra=TUF), trust=(), options=("--require", "integrity,complete"), outcome=INTACT,
               standings={"snapshot.json": "evidence", "timestamp.json": "evidence"})


def bad() -> Iterator[Case]:
    """One defect each."""
    yield case("wrong-key-given", "The key given is a stranger's", GOOD, "dsse-signature", trust=key("stranger"),
               subject="manifest.dsse.json")
    yield case("payload-type-other", "The payload type is that of a devportal manifest",
               GOOD.but(sign=SIGN.but(payload_type="application/vnd.stella.devportal.manifest+json")),
               "dsse-payload-type")
    yield case("manifest-altered", "manifest.json states another generation than what was signed",
               GOOD.but(shipped=replacing(b'"mirrorGeneration": 42', b'"mirrorGeneration": 43')), "dsse-payload")
    yield case("metadata-unsigned", "timestamp.json states one right digest, and beside it what nobody signed",
               GOOD.but(extra={"timestamp.json": LADEN}), "entry-unlisted", subject="timestamp.json",
               standings={"timestamp.json": "unlisted"})
    yield case("artefact-without-sbom", "The SBOM of an artefact is not part of the mirror",
               GOOD.but(files={path: data for path, data in FILES.items() if path != SBOM}), "artifact-sbom",
               subject=LACKING)
    yield case("sbom-of-another", "An artefact has only the SBOM of another with a longer name",
               GOOD.but(files={path.replace("gateway.cdx", "gateway-admin.cdx"): data for path, data in FILES.items()}),
               "artifact-sbom", subject=LACKING)
    yield case("entry-altered", "One bit of a file is flipped", GOOD.but(entries=altered(ENTRY)), "entry-digest",
               subject=ENTRY, standings={ENTRY: "contradicted"})
    yield case("entry-missing", "A file is not in the archive", GOOD.but(entries=without(ENTRY)), "entry-missing",
               subject=ENTRY)
    yield case("entry-unlisted", "A file is in no list", GOOD.but(entries=plus(Entry(b"layers/other", b"x"))),
               "entry-unlisted", subject="layers/other")
    yield case("entry-size-misstated", "The manifest states a size that is too large",
               GOOD.but(edit=setting("files", 0, "size", to=4096)), "entry-size", subject=ENTRY)
    yield case("metadata-contradicts", "timestamp.json states another digest of snapshot.json",
               GOOD.but(extra=TUF | {"timestamp.json": metadata(manifest=GOOD.manifest_bytes(), snapshot="0" * 64)}),
               "entry-digest", "entry-unlisted",
               subject="snapshot.json", standings={"snapshot.json": "contradicted"})
    yield case("metadata-says-nothing", "snapshot.json states no digest: a file that nobody vouches for",
               GOOD.but(extra={"snapshot.json": metadata()}), "entry-unlisted", subject="snapshot.json")
    yield case("path-parent", "The manifest names a file outside the tree", GOOD.but(edit=lambda value:
               value["files"].append({"path": "../evil", "sha256": "0" * 64, "size": 0})), "manifest-paths")
    yield case("path-twice", "The manifest names a file twice",
               GOOD.but(edit=lambda value: value["files"].append(value["files"][-1])), "manifest-paths")
    yield case("schema-generation", "mirrorGeneration is negative", GOOD.but(edit=setting("mirrorGeneration", to=-1)),
               "document-schema", subject="manifest.json")
    yield case("schema-two-digests", "A file has two digests", GOOD.but(edit=setting("files", 0, "digest", to="0" * 64)),
               "document-schema")
    yield case("schema-created-at", "createdAt is no time", GOOD.but(edit=setting("createdAt", to="yesterday")),
               "document-schema")
    yield case("json-key-twice", "manifest.json states two generations",
               GOOD.but(signed=lambda data: data.replace(b"{", b'{"mirrorGeneration": 41,', 1)), "document-json")
    yield case("stale", "19 days old, with a maximum of 7", GOOD, "age", options=("--max-age", "7d"))


def cases() -> Iterator[Case]:
    """All of them."""
    for family in (good, unproven, bad):
        yield from family()
