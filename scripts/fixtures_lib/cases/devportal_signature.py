"""devportal bundles whose signature is wrong, and command lines that cannot be run."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from ..case import ENVIRONMENT, HMAC_TRUST, TRUST, USAGE, Case, key, verify
from ..devportal import BUNDLE, ENVELOPE, KIND, SIGN, Devportal, flipped, replacing, setting, sha256
from ..dsse import Signature, base64url_payload, dump, raw_payload
from ..signing import (ECDSA_P256, ED25519, ED25519_SECOND, KEYS, RSA_3072_SHORT_SALT,
                       SHARED_SECRET, STRANGER, Ed25519, Hmac)
from .devportal_good import BOTH, GOOD, HMAC_DOCUMENT, signature_document

UNTRUSTED = ("dsse-signature",)
Sign = Callable[[bytes], bytes]


def bad(name: str, title: str, sign: Sign, *failing: str, options: tuple[str, ...] = (),
        trust: tuple[str, ...] = TRUST, bundle: Devportal = GOOD, **rest) -> Case:
    """A bundle with this signature document."""
    rest = {"kind": KIND, "subject": ENVELOPE} | rest
    return Case("devportal", name, title, verify(BUNDLE, *options, trust=trust), bundle.but(sign=sign).build(),
                failing=failing, **rest)


def bytes_as(change: Callable[[bytes], bytes]) -> Callable[[Signature], Signature]:
    """Change the bytes of a signature."""
    return lambda signature: replace(signature, bytes=change(signature.bytes))


def envelope_with(**changes) -> Sign:
    """The good envelope with some fields replaced afterwards."""
    return lambda manifest: dump(SIGN.value(manifest) | changes)


def malleable(signature: bytes) -> bytes:
    """The same Ed25519 signature with the group order added to S."""
    order = 2**252 + 27742317777372353535851937790883648493
    s = int.from_bytes(signature[32:], "little") + order
    return signature[:32] + s.to_bytes(32, "little")


def untrusted() -> Iterator[Case]:
    """Fewer distinct trusted keys than the threshold asks for."""
    yield bad("wrong-key-given", "The key given is a stranger's", SIGN, *UNTRUSTED, trust=key("stranger"))
    yield bad("signed-by-stranger", "The signature is a stranger's", SIGN.but(signers=(STRANGER,)), *UNTRUSTED)
    yield bad("stranger-with-trusted-keyid", "A stranger's signature bears the key id of the trusted key",
              SIGN.but(signers=(Ed25519("stranger", ED25519.keyid),)), *UNTRUSTED)
    yield bad("signature-bit-flipped", "One bit of the signature is flipped", SIGN.but(tamper=bytes_as(flipped)),
              *UNTRUSTED)
    yield bad("signature-truncated", "The signature lacks its last byte",
              SIGN.but(tamper=bytes_as(lambda signature: signature[:-1])), *UNTRUSTED)
    yield bad("signature-malleable", "S of the Ed25519 signature is not reduced", SIGN.but(tamper=bytes_as(malleable)),
              *UNTRUSTED)
    yield bad("raw-payload-signature", "The bare payload was signed instead of the PAE",
              SIGN.but(signing_input=raw_payload), *UNTRUSTED)
    yield bad("base64url-payload-signature", "The base64url payload was signed instead of the PAE",
              SIGN.but(signing_input=base64url_payload), *UNTRUSTED)
    yield bad("ecdsa-trailing-byte", "A byte follows the DER of the ECDSA signature",
              SIGN.but(signers=(ECDSA_P256,), tamper=bytes_as(lambda signature: signature + b"\0")), *UNTRUSTED,
              trust=key("ecdsa-p256"))
    yield bad("ecdsa-all-zero", "r and s of the ECDSA signature are zero",
              SIGN.but(signers=(ECDSA_P256,), tamper=bytes_as(lambda _: bytes.fromhex("3006020100020100"))),
              *UNTRUSTED, trust=key("ecdsa-p256"))
    yield bad("rsa-pss-short-salt", "The RSA-PSS salt has 20 bytes, not 32",
              SIGN.but(signers=(RSA_3072_SHORT_SALT,)), *UNTRUSTED, trust=key("rsa-3072"))


def confused() -> Iterator[Case]:
    """The attacker would like to choose the algorithm."""
    pem = Hmac((KEYS / "ed25519.pub.pem").read_bytes(), ED25519.keyid)
    yield bad("hmac-with-public-key", "An HMAC keyed with the PEM file of the trusted public key",
              signature_document(SIGN.but(signers=(pem,)), "HMAC-SHA256"), *UNTRUSTED)
    yield bad("hmac-wrong-secret", "An HMAC with another secret",
              signature_document(SIGN.but(signers=(Hmac(b"another secret", SHARED_SECRET.keyid),)), "HMAC-SHA256"),
              *UNTRUSTED, trust=HMAC_TRUST)
    yield bad("hmac-key-for-ed25519", "Only a shared secret is given, the signature is Ed25519", SIGN, *UNTRUSTED,
              trust=HMAC_TRUST)
    yield bad("algorithm-none", "The document says that the algorithm is none, with four bytes for a signature",
              signature_document(SIGN.but(tamper=bytes_as(lambda _: b"none")), "none"), *UNTRUSTED)


def thresholds() -> Iterator[Case]:
    """Signatures are counted by key, not by line."""
    two = ("--threshold", "2")
    yield bad("one-of-two", "One signature where two are required", SIGN, *UNTRUSTED, options=two, trust=BOTH)
    yield bad("same-key-twice", "Two signatures by one key where two keys are required",
              SIGN.but(signers=(ED25519, ED25519)), *UNTRUSTED, options=two, trust=BOTH)
    yield bad("same-key-two-keyids", "Two signatures by one key under two key ids",
              SIGN.but(signers=(ED25519, Ed25519("ed25519", ED25519_SECOND.keyid))), *UNTRUSTED, options=two,
              trust=BOTH)
    yield bad("same-key-given-twice", "One key given as PEM and as JWK counts once",
              SIGN.but(signers=(ED25519, ED25519)), *UNTRUSTED, options=two,
              trust=(*TRUST, "--key", "{keys}/ed25519.jwk.json"))


def envelopes() -> Iterator[Case]:
    """The envelope itself cannot be read, or says another type."""
    yield bad("envelope-not-json", "The envelope is not JSON", lambda _: b"-----BEGIN SIGNATURE-----\n",
              "dsse-envelope")
    yield bad("envelope-no-signatures", "The list of signatures is empty", envelope_with(signatures=[]),
              "dsse-envelope")
    yield bad("envelope-signatures-missing", "There is no list of signatures", without_signatures, "dsse-envelope")
    yield bad("envelope-payload-not-base64", "The payload is not base64", envelope_with(payload="***"),
              "dsse-envelope")
    yield bad("envelope-payload-twice", "The envelope has two payloads", payload_twice, "dsse-envelope")
    yield bad("envelope-trailing-data", "A second envelope follows the first", lambda m: SIGN(m) + b"\n" + SIGN(m),
              "dsse-envelope")
    yield bad("payload-type-other", "The payload type is not that of a devportal manifest",
              SIGN.but(payload_type="application/json"), "dsse-payload-type")
    yield bad("payload-type-of-evidence", "The payload type is that of an evidence manifest",
              SIGN.but(payload_type="application/vnd.stella.evidence.manifest+json"), "dsse-payload-type")


def without_signatures(manifest: bytes) -> bytes:
    """The good envelope without its signatures."""
    value = SIGN.value(manifest)
    del value["signatures"]
    return dump(value)


def payload_twice(manifest: bytes) -> bytes:
    """The good envelope with a second `payload` in front of the first."""
    return SIGN(manifest).replace(b"{", b'{\n  "payload": "e30=",', 1)


def bindings() -> Iterator[Case]:
    """A good signature over something else."""
    older = GOOD.but(edit=setting("metadata", "releaseVersion", to="2025.10.0")).manifest()
    yield bad("envelope-of-older-release", "The envelope is that of an older release", lambda _: SIGN(older),
              "dsse-payload")
    yield bad("manifest-bit-flipped", "One bit of manifest.json is flipped", SIGN, "dsse-payload", "manifest-root",
              bundle=GOOD.but(shipped=replacing(b'"2025.11.0"', b'"2025.11.1"')), subject="manifest.json")
    yield bad("manifest-one-space-more", "manifest.json has one space more than what was signed", SIGN,
              "dsse-payload", "manifest-root", bundle=GOOD.but(shipped=lambda manifest: manifest + b" "),
              subject="manifest.json")
    yield bad("manifest-forged-throughout", "manifest.json and the root line were changed alike", SIGN,
              "dsse-payload", bundle=forged())
    yield bad("document-bundle-id", "The signature document is for another bundleId",
              signature_document(SIGN, "Ed25519", bundleId="00000000-0000-4000-8000-000000000000"),
              "signature-document")
    yield bad("document-root-hash", "The rootHash of the signature document is not that of manifest.json",
              signature_document(SIGN, "Ed25519", rootHash="0" * 64), "signature-document")


def forged() -> Devportal:
    """The manifest claims another release, and checksums.txt bears its root."""
    change = replacing(b'"2025.11.0"', b'"2025.12.0"')
    old = GOOD.manifest()
    return GOOD.but(shipped=change, listed=replacing(sha256(old).encode(), sha256(change(old)).encode()))


def freshness() -> Iterator[Case]:
    """Good, but old."""
    yield bad("stale", "19 days old, with a maximum of 7", SIGN, "age", options=("--max-age", "7d"), subject=None)


def unusable() -> Iterator[Case]:
    """Command lines that give no answer."""
    def refused(name: str, title: str, *options: str, trust: tuple[str, ...] = TRUST, file: str = BUNDLE,
                outcome: tuple[str, int] = USAGE) -> Case:
        """A good bundle with a command line that gives no answer."""
        args = verify(file, *options, trust=trust)
        return Case("devportal", name, title, args, small.build(), outcome=outcome)

    small = GOOD.but(files={"portal/index.html": b"<title>Developer portal</title>\n"})
    bare = ("verify", f"{{case}}/{BUNDLE}")
    yield refused("usage-no-such-key", "The key file does not exist", trust=key("no-such-key"))
    yield refused("usage-weak-key", "The key is RSA with 1024 bits", trust=key("rsa-1024"))
    yield refused("usage-key-is-no-key", "The key file is no key", trust=("--key", "{keys}/README.md"))
    yield refused("usage-threshold-zero", "A threshold of zero", "--threshold", "0")
    yield refused("usage-unknown-kind", "A kind that does not exist", "--kind", "no-such-kind")
    yield refused("usage-unknown-requirement", "A property that does not exist", "--require", "integrity,luck")
    yield refused("environment-no-such-input", "The input does not exist", file="no-such-bundle.tgz",
                  outcome=ENVIRONMENT)
    yield Case("devportal", "usage-example-key", "An example key without --allow-example-keys", (*bare, *TRUST),
               small.build(), outcome=USAGE)
    yield Case("devportal", "usage-example-secret", "The example secret without --allow-example-keys",
               (*bare, *HMAC_TRUST), small.but(sign=HMAC_DOCUMENT).build(), outcome=USAGE)
    yield Case("devportal", "usage-bad-time", "--at is not a time",
               (*bare, *TRUST, "--allow-example-keys", "--at", "yesterday"), small.build(), outcome=USAGE)


def cases() -> Iterator[Case]:
    """All of them."""
    yield from untrusted()
    yield from confused()
    yield from thresholds()
    yield from envelopes()
    yield from bindings()
    yield from freshness()
    yield from unusable()
