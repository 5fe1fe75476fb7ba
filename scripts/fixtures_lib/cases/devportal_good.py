"""devportal bundles that verify, and those that prove nothing."""

from collections.abc import Iterator
from dataclasses import replace

from ..case import HMAC_TRUST, NOT_VERIFIED, TRUST, Case, key, verify
from ..compress import gzip_stored, raw_blocks, zstd_frame, zstd_skippable, zstd_stored
from ..devportal import BUNDLE_ID, ENVELOPE, FILES, KIND, SIGN, Devportal, plus, same, sha256
from ..dsse import Envelope, base64_url, base64url_payload, dump, raw_payload
from ..signing import (ECDSA_P256, ECDSA_P384, ED25519, ED25519_SECOND, KEYS, RSA_3072, RSA_3072_PKCS1, SHARED_SECRET,
                       STRANGER)
from ..tar import DIRECTORY, Entry

GOOD = Devportal()
TAR, ZSTD = "devportal-offline-bundle.tar", "devportal-offline-bundle.tar.zst"
STANDINGS = {
    "manifest.json": "pinned", "checksums.txt": "evidence", "verify-offline.sh": "set-aside",
    "instructions-portable.txt": "set-aside", "portal/index.html": "pinned", "sdks/python/README.md": "pinned",
}
BOTH = (*key("ed25519"), *key("ed25519-second"))


def good(name: str, title: str, bundle: Devportal, *options: str, trust: tuple[str, ...] = TRUST, **rest) -> Case:
    """A bundle that verifies."""
    rest = {"kind": KIND} | rest
    return Case("devportal", name, title, verify(bundle.name, *options, trust=trust), bundle.build(), **rest)


def unproven(name: str, title: str, bundle: Devportal, *options: str, trust: tuple[str, ...] = TRUST, **rest) -> Case:
    """A bundle with nothing wrong in it, and something required that was not established."""
    return good(name, title, bundle, *options, trust=trust, outcome=NOT_VERIFIED, **rest)


def signature_document(sign: Envelope, algorithm: str, **changes: str):
    """The document around the envelope: identity, root hash, time, algorithm."""
    def document(manifest: bytes) -> bytes:
        """The document for this manifest."""
        head = {"bundleId": BUNDLE_ID, "rootHash": sha256(manifest), "signedAtUtc": "2026-11-01T00:05:00Z",
                "algorithm": algorithm}
        return dump(head | changes | {"envelope": sign.nested_value(manifest)})
    return document


HMAC_DOCUMENT = signature_document(SIGN.but(signers=(SHARED_SECRET,)), "HMAC-SHA256")


def gzip_members(tar: bytes) -> bytes:
    """Three gzip members, cut where no tar block ends."""
    return b"".join(gzip_stored(part) for part in (tar[:700], tar[700:5001], tar[5001:]))


def zstd_frames(tar: bytes) -> bytes:
    """A skippable frame, a frame with a checksum, another skippable frame, a frame without checksum."""
    return (zstd_skippable(b"made for tests") + zstd_stored(tar[:3333]) + zstd_skippable(b"")
            + zstd_frame(raw_blocks(tar[3333:])))


def with_directories(entries: list[Entry]) -> list[Entry]:
    """The archive with an entry for each directory, as GNU tar writes it."""
    paths = sorted({entry.name.rsplit(b"/", 1)[0] + b"/" for entry in entries if b"/" in entry.name})
    return [*(Entry(path, mode=0o755, type=DIRECTORY) for path in paths), *entries]


def dotted(entries: list[Entry]) -> list[Entry]:
    """The archive as `tar -C DIR -c .` writes it."""
    return [Entry(b"./", mode=0o755, type=DIRECTORY), *(replace(entry, name=b"./" + entry.name) for entry in entries)]


def containers() -> Iterator[Case]:
    """One bundle, many ways to pack it."""
    yield good("good-envelope-beside", "A gzip tar with a bare envelope beside it", GOOD, standings=STANDINGS)
    yield good("good-envelope-inside", "The envelope lies in the archive", GOOD.but(inside=True),
               standings=STANDINGS | {ENVELOPE: "evidence"})
    yield good("good-tar", "An uncompressed tar", GOOD.but(wrap=same, name=TAR))
    yield good("good-zstd-frames", "A zstd tar in two frames with skippable frames between them",
               GOOD.but(wrap=zstd_frames, name=ZSTD))
    yield good("good-gzip-members", "A gzip tar in three members", GOOD.but(wrap=gzip_members))
    yield good("good-gzip-stored", "A gzip tar of stored blocks", GOOD.but(wrap=gzip_stored))
    yield good("good-gzip-zeros", "A gzip tar with a long run of zeros",
               GOOD.but(files=FILES | {"portal/zeros.bin": bytes(256 * 1024)}))
    yield good("good-misleading-name", "A zstd tar named .tgz: bytes decide, not names", GOOD.but(wrap=zstd_stored))
    yield good("good-directory-entries", "The archive also has entries for its directories",
               GOOD.but(entries=with_directories))
    yield good("good-dot-slash-names", "The names in the archive begin with ./", GOOD.but(entries=dotted))
    yield directory("good-directory", "A directory with the envelope beside it", GOOD)
    yield directory("good-directory-envelope-inside", "A directory with the envelope in it", GOOD.but(inside=True))
    yield good("good-list-crlf", "The lines of checksums.txt end in CR LF",
               GOOD.but(listed=lambda data: data.replace(b"\n", b"\r\n")))
    yield good("good-colliding-names", "Two names that differ in case only: a warning by default",
               GOOD.but(files=FILES | {"portal/INDEX.html": b"<title>Other</title>\n"}))


def directory(name: str, title: str, bundle: Devportal) -> Case:
    """A bundle that lies unpacked in `tree/`."""
    files = {f"tree/{path}": data for path, data in bundle.tree().items()} | bundle.beside()
    return Case("devportal", name, title, verify("tree"), files, kind=KIND)


def signatures() -> Iterator[Case]:
    """One bundle, many ways to sign it."""
    yield good("good-hmac-document", "A nested signature document with HMAC-SHA256", GOOD.but(sign=HMAC_DOCUMENT),
               trust=HMAC_TRUST)
    yield good("good-ed25519-document", "A nested signature document with Ed25519",
               GOOD.but(sign=signature_document(SIGN, "Ed25519")))
    yield good("good-ecdsa-p256", "Signed with ECDSA P-256", GOOD.but(sign=SIGN.but(signers=(ECDSA_P256,))),
               trust=key("ecdsa-p256"))
    yield good("good-ecdsa-p384", "Signed with ECDSA P-384 and SHA-384", GOOD.but(sign=SIGN.but(signers=(ECDSA_P384,))),
               trust=key("ecdsa-p384"))
    yield good("good-rsa-pss", "Signed with RSA-PSS, SHA-256, a salt of 32 bytes",
               GOOD.but(sign=SIGN.but(signers=(RSA_3072,))), trust=key("rsa-3072"))
    yield good("good-rsa-pkcs1-v15", "Signed with RSA PKCS#1 v1.5, SHA-256",
               GOOD.but(sign=SIGN.but(signers=(RSA_3072_PKCS1,))), trust=key("rsa-3072"))
    yield good("good-two-of-two", "Two signatures by two trusted keys and a threshold of two",
               GOOD.but(sign=SIGN.but(signers=(ED25519, ED25519_SECOND))), "--threshold", "2", trust=BOTH)
    yield good("good-stranger-first", "A stranger's signature stands before the trusted one",
               GOOD.but(sign=SIGN.but(signers=(STRANGER, ED25519))))
    yield good("good-base64url-payload", "The envelope is in base64url without padding",
               GOOD.but(sign=SIGN.but(encode=base64_url)))
    yield good("good-jwk", "The trusted key is a JWK", GOOD, trust=("--key", "{keys}/ed25519.jwk.json"))
    yield good("good-jwks", "The trusted keys are a JWK set", GOOD, trust=("--key", "{keys}/trusted.jwks.json"))
    yield good("good-raw-payload-waived", "A signature over the bare payload, accepted by --legacy-signing",
               GOOD.but(sign=SIGN.but(signing_input=raw_payload)), "--legacy-signing", "raw-payload")
    yield good("good-base64url-signing-waived", "A signature over the base64url payload, accepted by --legacy-signing",
               GOOD.but(sign=SIGN.but(signing_input=base64url_payload)), "--legacy-signing", "base64url-payload")
    yield good("good-payload-type-waived", "Another payload type, named by --payload-type",
               GOOD.but(sign=SIGN.but(payload_type="application/json")), "--payload-type", "application/json")
    yield good("good-sidecar-named", "The envelope is found by --sidecar under another name",
               RenamedEnvelope(), "--no-sidecars", "--sidecar", "{case}/signed.json")


class RenamedEnvelope(Devportal):
    """A bundle whose envelope has a name of its own."""

    def beside(self) -> dict[str, bytes]:
        """The envelope as signed.json."""
        return {"signed.json": self.sign(self.manifest())}


def properties() -> Iterator[Case]:
    """Further requirements that are met, and waivers."""
    yield good("good-fresh", "19 days old, with a maximum of 30", GOOD, "--max-age", "30d")
    yield good("good-public-key-required", "A public key is required and given", GOOD,
               "--require", "integrity,complete,signature,public-key")
    yield good("good-extra-allowed", "A file that no list names, waived by --allow-extra",
               GOOD.but(entries=plus(Entry(b"notes/readme.txt", b"handwritten\n"))), "--allow-extra", "notes/*")


def not_proven() -> Iterator[Case]:
    """Nothing wrong, nothing proven."""
    yield unproven("unproven-no-key", "No key is given", GOOD, trust=(), standings={"portal/index.html": "listed"})
    yield unproven("unproven-no-signature", "A key is given, but there is no signature document", GOOD.but(sign=None))
    yield unproven("unproven-no-sidecars", "The envelope lies beside the bundle, but --no-sidecars is typed", GOOD,
                   "--no-sidecars")
    yield unproven("unproven-public-key-with-hmac", "A public key is required, the signature is an HMAC",
                   GOOD.but(sign=HMAC_DOCUMENT), "--require", "integrity,complete,signature,public-key",
                   trust=HMAC_TRUST)
    yield unproven("unproven-tuf", "TUF is required, and this kind has none", GOOD,
                   "--require", "integrity,complete,signature,tuf")
    yield unproven("unproven-bundled-key", "The key that made the signature lies in the bundle; nobody typed it",
                   bundled_key(), trust=())
    yield good("good-intact", "No key, and --require leaves the signature out", GOOD,
               "--require", "integrity,complete", trust=(), outcome=("intact", 0))


def bundled_key() -> Devportal:
    """A bundle that brings the key to trust it with, as a listed file."""
    return GOOD.but(files=FILES | {"portal/trusted.pub.pem": (KEYS / "ed25519.pub.pem").read_bytes()})


def cases() -> Iterator[Case]:
    """All of them."""
    yield from containers()
    yield from signatures()
    yield from properties()
    yield from not_proven()
