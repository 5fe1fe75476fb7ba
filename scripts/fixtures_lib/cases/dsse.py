"""Single DSSE envelopes for `dsse verify`."""

from collections.abc import Callable, Iterator

from ..case import AT, EXAMPLE_KEYS, HMAC_TRUST, TRUST, USAGE, Case, key
from ..devportal import flipped
from ..dsse import Envelope, base64_url, dump, raw_payload
from ..signing import (ECDSA_P256, ECDSA_P384, ED25519, ED25519_SECOND, RSA_3072, RSA_3072_PKCS1, SHARED_SECRET,
                       STRANGER, Ed25519)
from .devportal_good import BOTH
from .devportal_signature import bytes_as, malleable

TYPE = "application/vnd.example.statement+json"
PAYLOAD = b'{"statement": "example"}'
SIGN = Envelope(TYPE, (ED25519,))
FILE = "envelope.dsse.json"
TWO = ("--threshold", "2")


def case(name: str, title: str, envelope: Callable[[bytes], bytes], *failing: str, options: tuple[str, ...] = (),
         trust: tuple[str, ...] = TRUST, payload: bytes = PAYLOAD, **rest) -> Case:
    """One envelope and what must come out."""
    args = ("dsse", "verify", f"{{case}}/{FILE}", *trust, *EXAMPLE_KEYS, "--at", AT, *options)
    return Case("dsse", name, title, args, {FILE: envelope(payload)}, failing=failing, **rest)


def anonymous(signature):
    """The signature without a key id."""
    return type(signature)(signature.bytes, None)


def changed(**fields) -> Callable[[bytes], bytes]:
    """The good envelope with fields replaced after signing."""
    return lambda payload: dump(SIGN.value(payload) | fields)


def good() -> Iterator[Case]:
    """Envelopes that verify."""
    for signer in (ECDSA_P256, ECDSA_P384, RSA_3072):
        yield case(f"good-{signer.name}", f"Signed with {signer.name}", SIGN.but(signers=(signer,)),
                   trust=key(signer.name))
    yield case("good-rsa-pkcs1-v15", "The RSA signature is PKCS#1 v1.5", SIGN.but(signers=(RSA_3072_PKCS1,)),
               trust=key("rsa-3072"))
    yield case("good-ed25519", "Signed with ed25519", SIGN)
    yield case("good-hmac", "Authenticated with a shared secret", SIGN.but(signers=(SHARED_SECRET,)),
               trust=HMAC_TRUST)
    yield case("good-no-keyid", "The signature has no key id", SIGN.but(tamper=anonymous))
    yield case("good-misleading-keyid", "The key id is that of another key: a hint, no more",
               SIGN.but(signers=(Ed25519("ed25519", "example-stranger"),)))
    yield case("good-base64url", "base64url without padding", SIGN.but(encode=base64_url))
    yield case("good-empty-payload", "The payload is empty", SIGN, payload=b"")
    yield case("good-binary-payload", "The payload is no text", SIGN, payload=bytes(range(256)))
    yield case("good-payload-type", "The payload type is the one required", SIGN, options=("--payload-type", TYPE))
    yield case("good-payload-type-utf8", "The payload type is longer in bytes than in characters",
               SIGN.but(payload_type="text/cafe\u0301"))
    yield case("good-two-of-two", "Two keys where two are required", SIGN.but(signers=(ED25519, ED25519_SECOND)),
               options=TWO, trust=BOTH)
    yield case("good-four-of-jwks", "Four kinds of key, all in one JWK set", SIGN.but(
        signers=(RSA_3072, ECDSA_P384, ECDSA_P256, ED25519)), options=("--threshold", "4"),
        trust=("--key", "{keys}/trusted.jwks.json"))
    yield case("good-raw-payload-waived", "The bare payload is signed, accepted by --legacy-signing",
               SIGN.but(signing_input=raw_payload), options=("--legacy-signing", "raw-payload"))


def untrusted() -> Iterator[Case]:
    """Fewer distinct trusted keys than required."""
    bad = {
        "signed-by-stranger": ("The signature is a stranger's", SIGN.but(signers=(STRANGER,))),
        "stranger-with-trusted-keyid": ("A stranger's signature bears the key id of the trusted key",
                                        SIGN.but(signers=(Ed25519("stranger", ED25519.keyid),))),
        "payload-altered": ("The payload is not what was signed", changed(payload="e30=")),
        "payload-type-altered": ("The payload type is not what was signed", changed(payloadType="text/plain")),
        "raw-payload": ("The bare payload was signed instead of the PAE", SIGN.but(signing_input=raw_payload)),
        "signature-bit-flipped": ("One bit of the signature is flipped", SIGN.but(tamper=bytes_as(flipped))),
        "signature-malleable": ("S of the Ed25519 signature is not reduced", SIGN.but(tamper=bytes_as(malleable))),
        "pae-length-in-characters": ("The PAE counts characters, not bytes", SIGN.but(
            payload_type="text/cafe\u0301", signing_input=pae_in_characters)),
    }
    for name, (title, envelope) in bad.items():
        yield case(name, title, envelope, "dsse-signature")
    yield case("wrong-key-given", "The key given is a stranger's", SIGN, "dsse-signature", trust=key("stranger"))
    yield case("key-of-other-type", "The key given is of another type", SIGN, "dsse-signature",
               trust=key("ecdsa-p256"))
    yield case("same-key-twice", "Two signatures by one key where two keys are required",
               SIGN.but(signers=(ED25519, ED25519)), "dsse-signature", options=TWO, trust=BOTH)
    yield case("one-of-two", "One good and one bad signature where two are required",
               SIGN.but(signers=(ED25519, STRANGER)), "dsse-signature", options=TWO, trust=BOTH)


def pae_in_characters(payload_type: str, payload: bytes) -> bytes:
    """A wrong encoding, that of an implementation that counts characters."""
    return b"DSSEv1 %d %s %d %s" % (len(payload_type), payload_type.encode(), len(payload), payload)


def malformed() -> Iterator[Case]:
    """Envelopes that cannot be read."""
    bad = {
        "not-json": ("The file is not JSON", lambda _: b"-----BEGIN SIGNATURE-----\n"),
        "empty": ("The file is empty", lambda _: b""),
        "array": ("The file is a JSON array", lambda payload: b"[" + SIGN(payload) + b"]"),
        "no-signatures": ("The list of signatures is empty", changed(signatures=[])),
        "payload-not-base64": ("The payload is not base64", changed(payload="***")),
        "payload-missing": ("There is no payload", changed(payload=None)),
        "key-twice": ("There are two payloads",
                      lambda payload: SIGN(payload).replace(b"{", b'{\n  "payload": "e30=",', 1)),
        "trailing-data": ("A second envelope follows", lambda payload: SIGN(payload) * 2),
    }
    for name, (title, envelope) in bad.items():
        yield case(name, title, envelope, "dsse-envelope")


def policy() -> Iterator[Case]:
    """What the command line asks for."""
    yield case("payload-type-other", "The payload type is not the one required", SIGN, "dsse-payload-type",
               options=("--payload-type", "application/json"))
    yield case("usage-weak-key", "The key is RSA with 1024 bits", SIGN, trust=key("rsa-1024"), outcome=USAGE)
    yield case("usage-threshold-zero", "A threshold of zero", SIGN, options=("--threshold", "0"), outcome=USAGE)


def cases() -> Iterator[Case]:
    """All of them."""
    for family in (good, untrusted, malformed, policy):
        yield from family()
