"""Archives that are signed as a whole: `cosign sign-blob` over the file as it lies there."""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import replace

from .. import tar
from ..case import HMAC_TRUST, NOT_VERIFIED, TRUST, USAGE, Case, key, verify
from ..compress import zstd_stored
from ..devportal import BUNDLE as PORTAL
from ..devportal import KIND as PORTAL_KIND
from ..devportal import SIGN, altered, flipped, plus, same
from ..devportal import Devportal
from ..mirror import blob
from ..plain import BUNDLE, Plain
from ..signing import (ECDSA_P256, ECDSA_P384, ED25519, ED25519_SECOND, RSA_1024, RSA_3072, RSA_3072_PKCS1, STRANGER, SHARED_SECRET,
                       Ecdsa, Signer, der_signature, private_part)
from ..tar import Entry

PLAIN = Plain()
BARE = PLAIN.but(lists={})
P256 = key("ecdsa-p256")
README = "doc/README.md"
PINNED = {"bin/tool": "pinned", README: "pinned"}
Files = dict[str, bytes]


def signed(bundle: Plain, signer: Signer, name: str | None = None) -> Files:
    """The archive and a signature over it."""
    files = bundle.build()
    return files | {name or f"{bundle.name}.sig": blob(signer)(files[bundle.name])}


def case(name: str, title: str, files: Files, *failing: str, options: tuple[str, ...] = (),
         trust: tuple[str, ...] = P256, file: str = BUNDLE, **rest) -> Case:
    """One archive, and what must come out; the key given is that of the signature."""
    return Case("plain", f"{name}", title, verify(file, *options, trust=trust), files, failing=failing, **rest)


def good() -> Iterator[Case]:
    """A trusted key signed the archive."""
    keys = {
        "ecdsa-p256": (ECDSA_P256, "ecdsa-p256"), "ecdsa-p384": (ECDSA_P384, "ecdsa-p384"), "rsa": (RSA_3072, "rsa-3072"),
        "rsa-pkcs1": (RSA_3072_PKCS1, "rsa-3072"), "ed25519": (ED25519, "ed25519"),
    }
    for name, (signer, file) in keys.items():
        yield case(f"good-whole-{name}", f"The archive is signed as a whole, with {name}", signed(BARE, signer),
                   trust=key(file), standings=PINNED)
    for name, signer, file in (("ecdsa-p256", ECDSA_P256, "ecdsa-p256"), ("ed25519", ED25519, "ed25519"), ("rsa", RSA_3072, "rsa-3072")):
        yield case(f"good-whole-binary-{name}", f"The signature, made with {name}, is in binary",
                   BARE.build() | {f"{BUNDLE}.sig": signer.sign(BARE.build()[BUNDLE])}, trust=key(file), standings=PINNED)
    yield case("good-whole-list", "The archive is signed as a whole, and its list agrees", signed(PLAIN, ECDSA_P256),
               standings=PINNED | {"SHA256SUMS": "pinned"})
    for name, wrap in {"release.tar.zst": zstd_stored, "release.tar": same}.items():
        yield case(f"good-whole-{name.split('.')[-1]}", f"{name} is signed as a whole",
                   signed(BARE.but(wrap=wrap, name=name), ED25519), trust=TRUST, file=name, standings=PINNED)
    rest = plus(Entry(b"empty/", mode=0o755, type=tar.DIRECTORY), Entry(b"doc/latest.md", type=tar.SYMLINK, link=b"changes.md"),
                Entry(b"doc/copy.md", type=tar.HARDLINK, link=b"doc/changes.md"))
    yield case("good-whole-links", "An empty folder and links are in the archive that is signed as a whole",
               signed(BARE.but(entries=rest), ECDSA_P256),
               standings=PINNED | {"empty": "pinned", "doc/latest.md": "pinned", "doc/copy.md": "pinned"})
    yield case("good-whole-other-name", "The signature has another name and is named on the command line",
               signed(BARE, ECDSA_P256, "cosign.sig"), options=("--sidecar", "{case}/cosign.sig"), standings=PINNED)
    yield case("good-whole-other-keys-too", "Keys of other types and a shared secret are trusted besides",
               signed(BARE, ECDSA_P384), trust=(*TRUST, *P256, *key("rsa-3072"), *key("ecdsa-p384"), *HMAC_TRUST))
    both = signed(BARE, ED25519) | signed(BARE, ED25519_SECOND, "second.sig")
    second = ("--sidecar", "{case}/second.sig", "--threshold", "2")
    yield case("good-whole-threshold", "Two signatures over the archive, two keys required", both, options=second,
               trust=(*TRUST, *key("ed25519-second")), standings=PINNED)
    folder = {f"trivy/{path}": data for path, data in
              signed(BARE.but(name="db.bundle"), ECDSA_P256, "signatures/trivy-db.sig").items()}
    yield case("good-whole-trivy-folder", "The signature of db.bundle lies in the folder signatures beside it", folder,
               file="trivy/db.bundle", standings=PINNED)


def unproven() -> Iterator[Case]:
    """Nothing is wrong, and nobody vouches."""
    files = signed(BARE, ECDSA_P256)
    yield case("unproven-whole-no-key", "The archive is signed as a whole, and no key is given", files, trust=(),
               outcome=NOT_VERIFIED)
    yield case("unproven-whole-no-sidecars", "The archive is signed as a whole, and the signature is not to be looked for",
               files, options=("--no-sidecars",), outcome=NOT_VERIFIED)
    yield case("unproven-whole-shared-secret", "A shared secret signs no file as a whole", signed(BARE, SHARED_SECRET),
               trust=HMAC_TRUST, outcome=NOT_VERIFIED)
    tree = {f"release/{path}": data for path, data in BARE.files.items()}
    yield case("unproven-whole-directory", "A folder has no bytes that could be signed as a whole",
               tree | {"release.sig": files[f"{BUNDLE}.sig"]}, file="release", outcome=NOT_VERIFIED)
    foreign = {"openpgp": (b"-----BEGIN PGP SIGNATURE-----\n\niHUEABYKAB0=\n-----END PGP SIGNATURE-----\n", "is one of OpenPGP in armour"),
               "openpgp-binary": (bytes([0x88, 70, 4]) + bytes(69), "is one of OpenPGP in binary"),
               "minisign": (b"untrusted comment: signature\nRWQf6LRCGA9i\n", "is one of minisign"),
               "jws": (b"eyJhbGciOiJFUzI1NiJ9..AAAA\n", "is a JWS"), "garbage": (b"\0\1\2", "is binary data")}
    for form, (text, title) in foreign.items():
        yield case(f"unproven-whole-{form}", f"The signature {title}, which is not read",
                   BARE.build() | {f"{BUNDLE}.sig": text}, outcome=NOT_VERIFIED)
    neighbour = BARE.build() | {"signatures/trivy-db.sig": blob(ECDSA_P256)(b"db.bundle")}
    yield case("unproven-whole-neighbour", "The folder signatures holds the signature of another file", neighbour,
               outcome=NOT_VERIFIED)


def bad() -> Iterator[Case]:
    """The signature is not good, or what it is over is not."""
    row, name = "blob-signature", f"{BUNDLE}.sig"
    yield case("whole-wrong-key", "The key given is a stranger's", signed(BARE, ECDSA_P256), row, trust=key("stranger"),
               subject=name, standings={"bin/tool": "unlisted"})
    for kind, signer, trust in (("ecdsa-p256", ECDSA_P256, P256), ("ecdsa-p384", ECDSA_P384, key("ecdsa-p384")),
                                ("rsa", RSA_3072, key("rsa-3072")), ("ed25519", ED25519, TRUST)):
        changed = signed(BARE, signer) | BARE.but(entries=altered(README)).build()
        yield case(f"whole-altered-{kind}", f"The archive was changed after it was signed with {kind}", changed, row,
                   trust=trust, subject=name, standings={README: "unlisted"})
    yield case("whole-of-another", "The signature is that of another file",
               BARE.build() | {name: blob(ECDSA_P256)(b"another release\n")}, row, subject=name)
    yield case("whole-signed-by-stranger", "A stranger signed the archive", signed(BARE, STRANGER), row, trust=TRUST)
    yield case("whole-flipped", "One bit of the signature is flipped",
               BARE.build() | {name: blob_of(flipped(ED25519.sign(BARE.build()[BUNDLE])))}, row, trust=TRUST)
    order = 2**252 + 27742317777372353535851937790883648493
    raw = ED25519.sign(BARE.build()[BUNDLE])
    yield case("whole-malleable", "S of the Ed25519 signature is not reduced", BARE.build() | {
        name: blob_of(raw[:32] + (int.from_bytes(raw[32:], "little") + order).to_bytes(32, "little"))}, row, trust=TRUST)
    yield case("whole-binary-of-another", "The signature is in binary, and that of another file",
               BARE.build() | {name: ECDSA_P256.sign(b"x")}, row, subject=name)
    yield case("whole-binary-trailing", "The signature is in binary, and a byte follows it",
               BARE.build() | {name: ECDSA_P256.sign(BARE.build()[BUNDLE]) + b"\0"}, row, subject=name)
    yield case("whole-not-base64", "The signature is a text of another kind", BARE.build() | {name: b"signed\n"}, row, subject=name)
    yield case("whole-empty", "The signature is an empty file", BARE.build() | {name: b""}, row, subject=name)
    yield case("whole-all-zero", "r and s of the signature are zero",
               BARE.build() | {name: blob_of(bytes.fromhex("3006020100020100"))}, row, subject=name)
    yield case("whole-threshold", "Two keys are required, and one signed", signed(BARE, ED25519), row,
               options=("--threshold", "2"), trust=(*TRUST, *key("ed25519-second")))
    same_key = signed(BARE, ED25519) | signed(BARE, ED25519, "second.sig")
    yield case("whole-threshold-one-key", "Two keys are required, and one signed twice", same_key, row,
               options=("--sidecar", "{case}/second.sig", "--threshold", "2"), trust=(*TRUST, *key("ed25519-second")))
    yield case("whole-one-of-two-bad", "One of two signatures over the archive is a stranger's",
               signed(BARE, ECDSA_P256) | signed(BARE, STRANGER, "second.sig"), row,
               options=("--sidecar", "{case}/second.sig"), subject="second.sig", standings={README: "unlisted"})
    yield case("whole-list-contradicts", "The archive is signed as a whole, and its list contradicts it",
               signed(PLAIN.but(entries=altered(README)), ECDSA_P256), "entry-digest", subject=README,
               standings={README: "contradicted", "bin/tool": "pinned", "SHA256SUMS": "contradicted"})
    twice = plus(Entry(b"bin/tool", b"#!/bin/sh\necho another\n", 0o755))
    yield case("whole-duplicate", "The archive is signed as a whole, and has two entries with one path",
               signed(BARE.but(entries=twice), ECDSA_P256), "entry-duplicate", subject="bin/tool")
    yield case("whole-trailing", "The archive is signed as a whole, and bytes follow its end",
               signed(BARE.but(wrap=lambda data: data + b"hidden".ljust(512, b"\0"), name="release.tar"), ECDSA_P256),
               "container-trailing", file="release.tar")


def rsa_sha1(message: bytes) -> bytes:
    """EMSA-PKCS1-v1_5 with SHA-1, by the key of 3072 bits."""
    _, n, _, d = (int.from_bytes(content, "big") for _, content in private_part("rsa-3072.key.pem")[:4])
    length = (n.bit_length() + 7) // 8
    info = bytes.fromhex("3021300906052b0e03021a05000414") + hashlib.sha1(message).digest()
    block = b"\x00\x01" + b"\xff" * (length - len(info) - 3) + b"\x00" + info
    return pow(int.from_bytes(block, "big"), d, n).to_bytes(length, "big")


def weak() -> Iterator[Case]:
    """Signatures and keys of forms that anybody can make, or that are no longer safe."""
    row, name, archive = "blob-signature", f"{BUNDLE}.sig", BARE.build()[BUNDLE]
    beside = lambda signature: BARE.build() | {name: blob_of(signature)}  # noqa: E731
    yield case("whole-sha1-rsa", "The signature is over the SHA-1, in RSA with PKCS#1 v1.5", beside(
        rsa_sha1(archive)), row, trust=key("rsa-3072"), subject=name)
    numbers = ECDSA_P256.numbers(archive)
    sha1 = Ecdsa(ECDSA_P256.name, ECDSA_P256.keyid, replace(ECDSA_P256.curve, hash="sha1"))
    yield case("whole-sha1-ecdsa", "The signature is over the SHA-1, in ECDSA", beside(sha1.sign(archive)), row, subject=name)
    yield case("whole-p1363", "r and s of the signature stand side by side, which nobody allowed", beside(
        b"".join(number.to_bytes(32, "big") for number in numbers)), row, subject=name)
    high = der_signature(numbers[0], ECDSA_P256.curve.n - numbers[1])
    yield case("good-whole-high-s", "s of the ECDSA signature is the other one of two that FIPS 186-5 allows", beside(high),
               standings=PINNED)
    neutral = bytes([1]) + bytes(63)
    yield case("whole-small-order", "R of the Ed25519 signature is the neutral point, and S is zero", beside(neutral), row,
               trust=TRUST, subject=name)
    point = "MCowBQYDK2VwAyEA" + base64.b64encode(bytes([1]) + bytes(31)).decode()
    pem = f"-----BEGIN PUBLIC KEY-----\n{point}\n-----END PUBLIC KEY-----\n".encode()
    yield case("usage-whole-small-order", "The key is a point of small order, by which anybody could sign", beside(neutral) | {
        "weak.pub.pem": pem}, trust=("--key", "{case}/weak.pub.pem"), outcome=USAGE)
    yield case("usage-whole-rsa-1024", "The key is RSA of 1024 bits", beside(RSA_1024.sign(archive)), trust=key("rsa-1024"),
               outcome=USAGE)


def blob_of(signature: bytes) -> bytes:
    """A file with this signature."""
    return base64.b64encode(signature) + b"\n"


def portal() -> Iterator[Case]:
    """A devportal bundle that has both: one good signature does not make up for a bad one."""
    def both(bundle: Devportal) -> Files:
        files = bundle.build()
        return files | {f"{PORTAL}.sig": blob(ED25519)(files[PORTAL])}
    yield Case("devportal", "good-whole", "The manifest is signed, and so is the archive as a whole", verify(PORTAL),
               both(Devportal()), kind=PORTAL_KIND, standings={"manifest.json": "pinned", "verify-offline.sh": "pinned"})
    yield Case("devportal", "good-whole-only", "Nobody signed the manifest, and the archive is signed as a whole",
               verify(PORTAL), both(Devportal(sign=None)), kind=PORTAL_KIND, standings={"portal/index.html": "pinned"})
    yield Case("devportal", "whole-envelope-bad", "The archive is signed as a whole, and the manifest by a stranger",
               verify(PORTAL), both(Devportal(sign=SIGN.but(signers=(STRANGER,)))), failing=("dsse-signature",),
               kind=PORTAL_KIND)
    yield Case("devportal", "whole-bad", "The manifest is signed, and the archive as a whole by a stranger",
               verify(PORTAL), (files := Devportal().build()) | {f"{PORTAL}.sig": blob(STRANGER)(files[PORTAL])},
               failing=("blob-signature",), kind=PORTAL_KIND)


def cases() -> Iterator[Case]:
    """All of them."""
    for family in (good, unproven, bad, weak, portal):
        yield from family()
