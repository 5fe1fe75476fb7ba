"""mirror:policy: policies with a date of expiry."""

from collections.abc import Iterator, Mapping
from typing import Any

from ..case import INTACT, NOT_VERIFIED, TRUST, Case, key, verify
from ..devportal import altered, plus, replacing, setting, without
from ..dsse import Envelope
from ..manifested import BUNDLE_TYPE, MANIFEST_TYPE, Manifested, listed
from ..signing import ED25519
from ..tar import Entry

FILES = {
    "data/exceptions.json": b'{"exceptions":[]}\n',
    "policies/baseline.rego": b"package baseline\n\nallow := false\n",
    "policies/strict.rego": b"package strict\n\nallow := false\n",
}
ENTRY = "policies/baseline.rego"
FRESH = ("--require", "integrity,complete,signature,fresh")


def manifest(files: Mapping[str, bytes]) -> dict[str, Any]:
    """MANIFEST.json."""
    return {
        "bundleId": "policy-mirror-2026-11-01",
        "schemaVersion": "policy-mirror-v1",
        "createdAt": "2026-11-01T00:00:00Z",
        "publisher": "example-policies",
        "contents": listed(files),
        "validUntil": "2026-12-01T00:00:00Z",
        "timeAnchor": {"anchorTime": "2026-11-01T00:00:00Z", "source": "rfc3161"},
    }


SIGN = Envelope(MANIFEST_TYPE, (ED25519,))
GOOD = Manifested(manifest, FILES, manifest="MANIFEST.json", envelope="MANIFEST.dsse.json", sign=SIGN,
                  name="policy-mirror.tar.gz")
EXPIRED = GOOD.but(edit=setting("validUntil", to="2026-11-19T23:59:59Z"))
EARLY = GOOD.but(edit=setting("createdAt", to="2026-11-20T00:05:01Z"))


def case(name: str, title: str, bundle: Manifested, *failing: str, options: tuple[str, ...] = (),
         trust: tuple[str, ...] = TRUST, **rest) -> Case:
    """One bundle and what must come out."""
    return Case("mirror-policy", name, title, verify(bundle.name, *options, trust=trust), bundle.build(),
                failing=failing, kind="mirror:policy", **rest)


def good() -> Iterator[Case]:
    """Nothing is wrong, or nobody asked."""
    pinned = {ENTRY: "pinned", "MANIFEST.json": "pinned", "MANIFEST.dsse.json": "evidence"}
    yield case("good", "Policies with a signed manifest", GOOD, standings=pinned)
    yield case("good-bundle-type", "The payload type is the other one of the published documents",
               GOOD.but(sign=SIGN.but(payload_type=BUNDLE_TYPE)))
    yield case("good-envelope-beside", "The envelope lies beside the archive and bears its name",
               GOOD.but(envelope="policy-mirror.tar.gz.dsse.json", inside=False))
    yield case("good-envelope-named", "The envelope lies beside the archive and is named",
               GOOD.but(inside=False), options=("--sidecar", "{case}/MANIFEST.dsse.json"))
    yield case("good-marker-in-type", "The marker stands in another member, the version is a number",
               GOOD.but(edit=lambda value: value.update(schemaVersion=1, type="policy-mirror-v1")))
    yield case("good-own-claims", "The manifest has a signature, a log entry and a digest of its own: told, not checked",
               GOOD.but(edit=lambda value: value.update(
                   signature={"algorithm": "Ed25519", "value": "AA=="}, manifestSha256="0" * 64,
                   transparencyLog={"url": "https://log.example", "index": 1})))
    yield case("good-fresh", "Freshness is required, and the mirror has not expired", GOOD, options=FRESH)
    yield case("good-max-age", "Younger than the maximum and not expired", GOOD, options=("--max-age", "20d"))
    yield case("good-drift", "Made five minutes in the future: clocks may differ by so much",
               GOOD.but(edit=setting("createdAt", to="2026-11-20T00:05:00Z")), options=FRESH)
    yield case("good-expired-not-asked", "The mirror has expired, and nobody required freshness: told, not judged",
               EXPIRED)


def unproven() -> Iterator[Case]:
    """Nothing is wrong, and nobody vouches."""
    yield case("unproven-no-key", "No key is given", GOOD, trust=(), outcome=NOT_VERIFIED)
    yield case("unproven-own-signature", "There is no envelope, only a signature inside the manifest",
               GOOD.but(sign=None, edit=setting("signature", to="AA==")), outcome=NOT_VERIFIED)
    yield case("intact-unsigned", "There is no envelope, and none is required", GOOD.but(sign=None), trust=(),
               options=("--require", "integrity,complete"), outcome=INTACT)


def bad() -> Iterator[Case]:
    """One defect each."""
    yield case("expired", "The mirror has expired, and freshness is required", EXPIRED, "age", options=FRESH,
               subject="MANIFEST.json")
    yield case("expired-max-age", "The mirror has expired, although it is younger than the maximum", EXPIRED, "age",
               options=("--max-age", "30d"))
    yield case("stale", "19 days old, with a maximum of 7", GOOD, "age", options=("--max-age", "7d"))
    yield case("future", "Made more than five minutes in the future", EARLY, "age", options=FRESH)
    yield case("wrong-key-given", "The key given is a stranger's", GOOD, "dsse-signature", trust=key("stranger"))
    yield case("payload-type-other", "The payload type is none of a mirror",
               GOOD.but(sign=SIGN.but(payload_type="application/json")), "dsse-payload-type")
    yield case("manifest-altered", "MANIFEST.json is valid longer than what was signed",
               GOOD.but(shipped=replacing(b"2026-12-01", b"2036-12-01")), "dsse-payload")
    yield case("entry-altered", "One bit of a policy is flipped", GOOD.but(entries=altered(ENTRY)), "entry-digest",
               subject=ENTRY, standings={ENTRY: "contradicted"})
    yield case("entry-missing", "A policy is not in the archive", GOOD.but(entries=without(ENTRY)), "entry-missing",
               subject=ENTRY)
    yield case("entry-unlisted", "A policy is in no list",
               GOOD.but(entries=plus(Entry(b"policies/allow.rego", b"package allow\n"))), "entry-unlisted",
               subject="policies/allow.rego")
    yield case("entry-size-misstated", "The manifest states a size that is too large",
               GOOD.but(edit=setting("contents", 1, "size", to=4096)), "entry-size", subject=ENTRY)
    yield case("path-absolute", "The manifest names an absolute path", GOOD.but(edit=lambda value:
               value["contents"].append({"path": "/etc/policy", "sha256": "0" * 64})), "manifest-paths")
    yield case("schema-expires-before", "validUntil lies before createdAt",
               GOOD.but(edit=setting("validUntil", to="2026-10-01T00:00:00Z")), "document-schema")
    yield case("schema-no-publisher", "There is no publisher", GOOD.but(edit=lambda value: value.pop("publisher")),
               "document-schema", subject="MANIFEST.json")
    yield case("json-key-twice", "MANIFEST.json states two times of expiry",
               GOOD.but(signed=lambda data: data.replace(b"{", b'{"validUntil": "2036-12-01T00:00:00Z",', 1)),
               "document-json")


def cases() -> Iterator[Case]:
    """All of them."""
    for family in (good, unproven, bad):
        yield from family()
