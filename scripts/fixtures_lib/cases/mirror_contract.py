"""mirror:contract: exports that a MirrorBundle names by digest."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..case import INTACT, NOT_VERIFIED, TRUST, Case, key, verify
from ..devportal import altered, at, flipped, plus, replacing, setting, sha256, without
from ..dsse import Envelope
from ..manifested import BUNDLE_TYPE, MANIFEST_TYPE, Manifested, line
from ..signing import ED25519
from ..tar import Entry

FILES = {
    "exports/csaf-advisories.ndjson": b'{"document":{"tracking":{"id":"EXAMPLE-2026-0001"}}}\n',
    "exports/openvex-consensus.json": line({"@context": "https://openvex.dev/ns/v0.2.0", "statements": []}),
}
FORMATS = {"csaf-advisories": "csaf", "openvex-consensus": "openvex"}
ENTRY = "exports/openvex-consensus.json"
ELSEWHERE = {
    "key": "spdx-inventory",
    "format": "spdx",
    "exportId": "3d2f1e8a-6a0e-4c0f-9a57-2b4c5d6e7f80",
    "createdAt": "2026-11-01T00:00:00Z",
    "artifactDigest": "sha256:" + sha256(b"an export that lies in another bundle\n"),
}


def contract(files: Mapping[str, bytes]) -> dict[str, Any]:
    """The document."""
    return {
        "schemaVersion": 1,
        "generatedAt": "2026-11-01T00:00:00Z",
        "domainId": "vex-advisories",
        "displayName": "Advisories for plants",
        "exports": [export(number, path, files[path]) for number, path in enumerate(sorted(files))],
    }


def export(number: int, path: str, data: bytes) -> dict[str, Any]:
    """One element of `exports`."""
    name = path.split("/")[-1].split(".")[0]
    return {
        "key": name,
        "format": FORMATS.get(name, "json"),
        "exportId": f"8f14e45f-ceea-467f-a5d3-0000000000{number:02}",
        "createdAt": "2026-11-01T00:00:00Z",
        "artifactDigest": "sha256:" + sha256(data),
        "artifactSizeBytes": len(data),
        "sourceProviders": ["example"],
    }


SIGN = Envelope(BUNDLE_TYPE, (ED25519,))
GOOD = Manifested(contract, FILES, manifest="mirror-bundle.json", envelope="mirror-bundle.dsse.json")


def case(name: str, title: str, bundle: Manifested, *failing: str, options: tuple[str, ...] = (),
         trust: tuple[str, ...] = TRUST, **rest) -> Case:
    """One bundle and what must come out."""
    return Case("mirror-contract", name, title, verify(bundle.name, *options, trust=trust), bundle.build(),
                failing=failing, kind="mirror:contract", **rest)


def renamed(path: str, to: str) -> Any:
    """The same entry under another name."""
    return at(path, lambda entry: replace(entry, name=to.encode()))


def good() -> Iterator[Case]:
    """Nothing is wrong."""
    pinned = {ENTRY: "pinned", "mirror-bundle.json": "pinned", "mirror-bundle.dsse.json": "evidence"}
    yield case("good", "Two exports with their artefacts; the envelope lies in the archive", GOOD, standings=pinned)
    yield case("good-envelope-long-name", "The envelope has the whole name of the document before its suffix",
               GOOD.but(envelope="mirror-bundle.json.dsse.json"))
    for name in ("bundle", "manifest"):
        yield case(f"good-{name}-json", f"The document is called {name}.json",
                   GOOD.but(manifest=f"{name}.json", envelope=f"{name}.dsse.json"),
                   standings={f"{name}.json": "pinned"})
    yield case("good-envelope-beside", "The envelope lies beside the archive and bears its name",
               GOOD.but(envelope="mirror.tar.gz.dsse.json", inside=False))
    yield case("good-manifest-type", "The payload type is the other one of the published documents",
               GOOD.but(sign=SIGN.but(payload_type=MANIFEST_TYPE)))
    yield case("good-found-by-digest", "An artefact has a name that the document does not know",
               GOOD.but(entries=renamed(ENTRY, "blobs/1")), standings={"blobs/1": "pinned"})
    yield case("good-claims-of-export", "An export states an attestation and a signature of its own, which are told only",
               GOOD.but(edit=lambda value: value["exports"][0].update(
                   attestation={"predicateType": "https://stella.ops/attestation/vex-export/v1"},
                   signature={"keyId": "nobody"})))


def unproven() -> Iterator[Case]:
    """Nothing is wrong, and nobody vouches."""
    yield case("unproven-external", "A third export is not carried: left out by the sender, or on the way",
               GOOD.but(edit=lambda value: value["exports"].append(ELSEWHERE)), outcome=NOT_VERIFIED,
               standings={ENTRY: "pinned"})
    yield case("unproven-artefact-dropped", "An artefact is not in the archive", GOOD.but(entries=without(ENTRY)),
               outcome=NOT_VERIFIED)
    yield case("unproven-no-key", "No key is given", GOOD, trust=(), outcome=NOT_VERIFIED)
    yield case("unproven-unsigned", "There is no envelope", GOOD.but(sign=None), outcome=NOT_VERIFIED)
    yield case("intact-unsigned", "There is no envelope, and none is required", GOOD.but(sign=None), trust=(),
               options=("--require", "integrity,complete"), outcome=INTACT)


def bad() -> Iterator[Case]:
    """One defect each."""
    yield case("wrong-key-given", "The key given is a stranger's", GOOD, "dsse-signature", trust=key("stranger"))
    yield case("payload-type-other", "The payload type is none of a mirror",
               GOOD.but(sign=SIGN.but(payload_type="application/json")), "dsse-payload-type")
    yield case("document-altered", "The document names another time than what was signed",
               GOOD.but(shipped=replacing(b'"generatedAt": "2026-11-01', b'"generatedAt": "2026-11-02')),
               "dsse-payload")
    yield case("artefact-altered", "One bit of an artefact is flipped; it is found by its key",
               GOOD.but(entries=altered(ENTRY)), "entry-digest", subject=ENTRY, standings={ENTRY: "contradicted"})
    yield case("artefact-altered-and-renamed", "An artefact has other bytes and another name: a file that nobody names",
               GOOD.but(entries=at(ENTRY, lambda entry: replace(entry, name=b"other", data=flipped(entry.data)))),
               "entry-unlisted", subject="other")
    first, second = sorted(FILES)
    yield case("artefacts-exchanged", "Each of two artefacts lies under the key of the other", GOOD.but(
        entries=lambda entries: [replace(entry, data=FILES[{first: second, second: first}[entry.name.decode()]])
                                 if entry.name.decode() in FILES else entry for entry in entries]), "entry-digest",
        standings={first: "contradicted", second: "contradicted"})
    yield case("artefact-twice", "An artefact lies there a second time, under a name of somebody's choice",
               GOOD.but(entries=plus(Entry(b"run-me.json", FILES[ENTRY]))), "entry-unlisted", subject="run-me.json")
    yield case("artefact-size-misstated", "artifactSizeBytes is too large",
               GOOD.but(edit=setting("exports", 1, "artifactSizeBytes", to=4096)), "entry-size", subject=ENTRY)
    yield case("entry-unlisted", "A file is no artefact", GOOD.but(entries=plus(Entry(b"exports/other.json", b"{}"))),
               "entry-unlisted", subject="exports/other.json")
    schema = {
        "version-zero": ("schemaVersion is 0", setting("schemaVersion", to=0)),
        "format": ("An export has a format that is not documented", setting("exports", 0, "format", to="pdf")),
        "export-id": ("An exportId is no UUID", setting("exports", 0, "exportId", to="1")),
        "digest": ("A digest has no algorithm", setting("exports", 0, "artifactDigest", to=sha256(FILES[min(FILES)]))),
        "key-twice": ("Two exports have one key", setting("exports", 0, "key", to="openvex-consensus")),
        "generated-at": ("generatedAt is no time", setting("generatedAt", to="now")),
    }
    for name, (title, edit) in schema.items():
        yield case(f"schema-{name}", title, GOOD.but(edit=edit), "document-schema",
                   subject="mirror-bundle.json")
    yield case("json-key-twice", "The document has two lists of exports",
               GOOD.but(signed=lambda data: data.replace(b"{", b'{"exports": [],', 1)), "document-json")
    yield case("stale", "19 days old, with a maximum of 7", GOOD, "age", options=("--max-age", "7d"))


def cases() -> Iterator[Case]:
    """All of them."""
    for family in (good, unproven, bad):
        yield from family()
