"""Evidence Locker bundles, sealed and portable."""

from collections.abc import Callable, Iterator
from typing import Any

from ..case import NOT_VERIFIED, TRUST, Case, key, verify
from ..devportal import plus, replacing, same, setting, sha256, without
from ..evidence import ARTEFACTS, SIGN, Evidence, rfc6962_root
from ..signing import ECDSA_P256, STRANGER
from ..tar import Entry

SEALED = Evidence()
PORTABLE = Evidence(portable=True)
STANDINGS = {"manifest.json": "pinned", "signature.json": "evidence", "bundle.json": "evidence",
             "checksums.txt": "evidence"}
OTHER = "0" * 64


def case(name: str, title: str, bundle: Evidence, *failing: str, options: tuple[str, ...] = (),
         trust: tuple[str, ...] = TRUST, **rest) -> Case:
    """One bundle and what must come out."""
    folder = "evidence-portable" if bundle.portable else "evidence"
    return Case(folder, name, title, verify(bundle.name, *options, trust=trust), bundle.build(), failing=failing,
                **rest)


def good() -> Iterator[Case]:
    """Bundles that verify, and those that prove nothing."""
    yield case("good-schema-a", "Schema A; manifest.json is the signed payload, byte for byte", SEALED,
               standings=STANDINGS | {"instructions.txt": "set-aside"})
    yield case("good-schema-b", "Schema B, with dashed ids and bundleArchive", SEALED.but(schema="B"))
    yield case("good-manifest-pretty", "manifest.json is the signed payload, written anew with white space",
               SEALED.but(compact=True))
    yield case("good-no-sidecar", "There is no bundle.tgz.sha256", SEALED.but(sidecar=False))
    yield case("good-root-rfc6962", "The root is that of an RFC 6962 tree", SEALED.but(root=rfc6962_root))
    yield case("good-root-unknown", "No known recipe gives the root, but all documents agree on it",
               SEALED.but(root=lambda _: "ab" * 32))
    yield case("good-ecdsa-p256", "Signed with ECDSA P-256", SEALED.but(
        sign=SIGN.but(signers=(ECDSA_P256,)), signature_edit=setting("algorithm", to="ES256")),
        trust=key("ecdsa-p256"))
    yield case("good", "A portable bundle with its sidecar", PORTABLE, standings=STANDINGS | {
        "instructions-portable.txt": "set-aside", "verify-offline.sh": "set-aside"})
    yield case("good-manifest-pretty", "manifest.json is the signed payload, written anew with white space",
               PORTABLE.but(compact=True))
    yield case("unproven-no-key", "No key is given", SEALED, trust=(), outcome=NOT_VERIFIED)
    yield case("unproven-no-key", "No key is given", PORTABLE, trust=(), outcome=NOT_VERIFIED)


def signatures() -> Iterator[Case]:
    """signature.json is wrong."""
    subject = {"subject": "signature.json"}
    yield case("wrong-key-given", "The key given is a stranger's", SEALED, "dsse-signature", trust=key("stranger"),
               **subject)
    yield case("wrong-key-given", "The key given is a stranger's", PORTABLE, "dsse-signature",
               trust=key("stranger"), **subject)
    yield case("stranger-with-trusted-keyid", "A stranger's signature bears the key id of the trusted key",
               SEALED.but(sign=SIGN.but(signers=(STRANGER,)), signature_edit=setting("keyId", to="example-ed25519")),
               "dsse-signature", **subject)
    yield case("payload-type-other", "The payload type is that of a devportal manifest", SEALED.but(
        sign=SIGN.but(payload_type="application/vnd.stella.devportal.manifest+json")), "dsse-payload-type",
        **subject)
    yield case("payload-not-base64", "The payload is not base64", SEALED.but(
        signature_edit=setting("payload", to="***")), "dsse-envelope", **subject)
    yield case("manifest-altered", "manifest.json states other metadata than what was signed", SEALED.but(
        shipped=replacing(b"nightly-1", b"nightly-2")), "dsse-payload")
    yield case("manifest-altered", "manifest.json states other metadata than what was signed", PORTABLE.but(
        shipped=replacing(b"nightly-1", b"nightly-2")), "dsse-payload")


def documents() -> Iterator[Case]:
    """The documents contradict each other, or are not what they should be."""
    digest = sha256(ARTEFACTS["vex/openvex.json"][1]).encode()
    line = digest + b"  vex/openvex.json\n"
    root = ("evidence-root",)
    yield case("root-of-list", "The root in checksums.txt is another", SEALED.but(
        listed=lambda data: b"root " + OTHER.encode() + data[69:]), *root)
    yield case("root-of-summary", "hashSummary.merkleRoot is another", SEALED.but(
        edit=setting("hashSummary", "merkleRoot", to=OTHER)), *root)
    yield case("root-of-record", "rootHash in bundle.json is another", SEALED.but(
        record_edit=setting("rootHash", to=OTHER)), *root)
    yield case("root-of-record", "rootHash in bundle.json is another", PORTABLE.but(
        record_edit=setting("rootHash", to=OTHER)), *root)
    yield case("identity-bundle-id", "bundleId in bundle.json is another", SEALED.but(
        record_edit=setting("bundleId", to="00000000000040008000000000000000")), "evidence-identity")
    yield case("identity-kind", "The kind in bundle.json is another", SEALED.but(
        record_edit=setting("kind", to="export")), "evidence-identity")
    yield case("identity-bundle-id", "bundleId in bundle.json is another", PORTABLE.but(
        record_edit=setting("bundleId", to="00000000000040008000000000000000")), "evidence-identity")
    yield case("list-line-altered", "A line of checksums.txt states another digest", SEALED.but(
        listed=replacing(digest, OTHER.encode())), "documents-agree", subject="vex/openvex.json")
    yield case("list-line-missing", "checksums.txt lacks an entry", SEALED.but(listed=replacing(line, b"")),
               "documents-agree", subject="vex/openvex.json")
    yield case("list-malformed-line", "The last line of checksums.txt is no checksum line", SEALED.but(
        listed=lambda data: data + b"all of the above is true\n"), "checksum-list", subject="checksums.txt")
    yield case("entries-path-twice", "The manifest lists one path with two digests", SEALED.but(edit=path_twice),
               "documents-agree", subject="vex/openvex.json")
    yield case("list-byte-order-mark", "checksums.txt begins with a byte order mark", SEALED.but(
        listed=lambda data: b"\xef\xbb\xbf" + data), "checksum-list", subject="checksums.txt")
    yield case("record-trailing-data", "A second document follows bundle.json", SEALED.but(
        recorded=lambda data: data + b"{}"), "document-json", subject="bundle.json")
    yield case("record-key-twice", "bundle.json states two root hashes", SEALED.but(
        recorded=lambda data: data.replace(b"{", b'{\n  "rootHash": "",', 1)), "document-json",
        subject="bundle.json")


def path_twice(manifest: dict[str, Any]) -> None:
    """The last entry once more, with another digest."""
    manifest["entries"].append(manifest["entries"][-1] | {"sha256": OTHER})


def schema() -> Iterator[Case]:
    """manifest.json is signed, and not what the kind wants."""
    edits: dict[str, tuple[str, Callable[[dict[str, Any]], Any]]] = {
        "tenant-id": ("tenantId is a path", setting("tenantId", to="../../tenant")),
        "kind-unknown": ("kind is 9", setting("kind", to=9)),
        "created-at-no-time": ("createdAt is not a time", setting("createdAt", to="yesterday")),
        "entries-empty": ("entries is empty", setting("entries", to=[])),
        "path-parent": ("canonicalPath leaves the tree",
                        setting("entries", -1, "canonicalPath", to="../vex/openvex.json")),
        "extra-property": ("there is a property that schema A does not have", setting("note", to="trust me")),
    }
    for name, (what, edit) in edits.items():
        # bundle.json and checksums.txt repeat what is wrong where they can, so that nothing contradicts.
        listed = {"entries-empty": only_root, "path-parent": outside_too}.get(name, same)
        yield case(f"schema-{name}", f"In manifest.json {what}", SEALED.but(edit=edit, listed=listed),
                   "document-schema", subject="manifest.json")


def only_root(data: bytes) -> bytes:
    """checksums.txt without entries."""
    return data[:70]


def outside_too(data: bytes) -> bytes:
    """checksums.txt with the same path outside the tree."""
    return data.replace(b"  vex/", b"  ../vex/")


def outside() -> Iterator[Case]:
    """Sidecar, archive and age."""
    wrong = {"sidecar_digest": lambda _: OTHER}
    yield case("sidecar-wrong", "bundle.tgz.sha256 states another digest", SEALED.but(**wrong), "sidecar-digest")
    yield case("sidecar-wrong", "The .sha256 file states another digest", PORTABLE.but(**wrong), "sidecar-digest")
    extra = plus(Entry(b"sbom/cyclonedx.xml", b"<bom/>\n"))
    yield case("entry-unlisted", "A file is in no list", SEALED.but(entries=extra), "entry-unlisted",
               subject="sbom/cyclonedx.xml")
    yield case("entry-unlisted", "A file is in no list", PORTABLE.but(entries=extra), "entry-unlisted",
               subject="sbom/cyclonedx.xml")
    absent = SEALED.but(entries=without("bundle.json"))
    yield case("record-absent", "There is no bundle.json; the kind is named, for nobody could recognise it", absent,
               "document-present", options=("--kind", "evidence:sealed"), subject="bundle.json")
    yield case("stale", "19 days old, with a maximum of 7", SEALED, "age", options=("--max-age", "7d"))
    yield case("stale", "19 days old, with a maximum of 7", PORTABLE, "age", options=("--max-age", "7d"))


def cases() -> Iterator[Case]:
    """All of them."""
    for family in (good, signatures, documents, schema, outside):
        yield from family()
