"""The example keys and deterministic signatures made with them.

Ed25519 is deterministic by itself and left to openssl; ECDSA takes its nonces from RFC 6979; the RSA-PSS salt is
derived from the message. None of this is fit for keys that matter.
"""

import base64
import functools
import hashlib
import hmac
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

KEYS = Path(__file__).resolve().parents[2] / "keys-example"


class Signer(Protocol):
    """Whatever can sign a message and has a key id to put beside the signature."""

    keyid: str

    def sign(self, message: bytes) -> bytes:
        """The signature over the message."""


# --- reading keys -------------------------------------------------------------------------------------------------

def pem_der(name: str) -> bytes:
    """The DER inside a PEM file of keys-example/."""
    lines = (KEYS / name).read_text().splitlines()
    return base64.b64decode("".join(line for line in lines if not line.startswith("-----")))


def der_children(data: bytes) -> list[tuple[int, bytes]]:
    """The elements of a DER value, one level deep, as (tag, content)."""
    children = []
    while data:
        tag, length, at = data[0], data[1], 2
        if length & 0x80:
            at += length & 0x7F
            length = int.from_bytes(data[2:at], "big")
        children.append((tag, data[at:at + length]))
        data = data[at + length:]
    return children


def private_part(name: str) -> list[tuple[int, bytes]]:
    """The elements of the SEC 1 or PKCS#1 private key inside a PKCS#8 file."""
    [(_, pkcs8)] = der_children(pem_der(name))
    [(_, inner)] = der_children(der_children(pkcs8)[2][1])
    return der_children(inner)


# --- Ed25519 and HMAC ---------------------------------------------------------------------------------------------

@functools.cache
def openssl_sign(key: Path, message: bytes) -> bytes:
    """An Ed25519 signature; openssl wants the message as a file."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(message)
        file.flush()
        command = ["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", str(key), "-in", file.name]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout


@dataclass(frozen=True)
class Ed25519:
    """An Ed25519 key of keys-example/."""

    name: str
    keyid: str

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes R || S."""
        return openssl_sign(KEYS / f"{self.name}.key.pem", message)


@dataclass(frozen=True)
class Hmac:
    """HMAC-SHA256 with a shared secret."""

    secret: bytes
    keyid: str

    def sign(self, message: bytes) -> bytes:
        """The 32 bytes of the code."""
        return hmac.digest(self.secret, message, "sha256")


# --- ECDSA --------------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Curve:
    """A prime curve with a = -3: its prime, order, base point and the hash that goes with it."""

    p: int
    n: int
    g: tuple[int, int]
    hash: str

    @property
    def size(self) -> int:
        """Bytes of a scalar."""
        return (self.n.bit_length() + 7) // 8


P256 = Curve(
    p=2**256 - 2**224 + 2**192 + 2**96 - 1,
    n=0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    g=(0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
       0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5),
    hash="sha256",
)
P384 = Curve(
    p=2**384 - 2**128 - 2**96 + 2**32 - 1,
    n=0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
    g=(0xAA87CA22BE8B05378EB1C71EF320AD746E1D3B628BA79B9859F741E082542A385502F25DBF55296C3A545E3872760AB7,
       0x3617DE4A96262C6F5D9E98BF9292DC29F8F41DBD289A147CE9DA3113B5F0B8C00A60B1CE1D7E819D7A431D7C90EA0E5F),
    hash="sha384",
)


def add(curve: Curve, a: tuple[int, int] | None, b: tuple[int, int] | None) -> tuple[int, int] | None:
    """The sum of two points; None is the point at infinity."""
    if a is None or b is None:
        return a or b
    if a[0] == b[0] and (a[1] + b[1]) % curve.p == 0:
        return None
    if a == b:
        slope = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, curve.p)
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, curve.p)
    x = (slope * slope - a[0] - b[0]) % curve.p
    return x, (slope * (a[0] - x) - a[1]) % curve.p


@functools.cache
def multiply(curve: Curve, scalar: int) -> tuple[int, int]:
    """The scalar times the base point."""
    total, addend = None, curve.g
    while scalar:
        if scalar & 1:
            total = add(curve, total, addend)
        addend = add(curve, addend, addend)
        scalar >>= 1
    return total


def nonce(curve: Curve, private: int, digest: bytes) -> int:
    """RFC 6979, section 3.2, for hashes as long as the order."""
    mac = functools.partial(hmac.digest, digest=curve.hash)
    seed = private.to_bytes(curve.size, "big") + (int.from_bytes(digest, "big") % curve.n).to_bytes(curve.size, "big")
    key, value = bytes(len(digest)), b"\x01" * len(digest)
    for separator in (b"\x00", b"\x01"):
        key = mac(key, value + separator + seed)
        value = mac(key, value)
    while True:
        value = mac(key, value)
        if 0 < (k := int.from_bytes(value, "big")) < curve.n:
            return k
        key = mac(key, value + b"\x00")
        value = mac(key, value)


@dataclass(frozen=True)
class Ecdsa:
    """An ECDSA key of keys-example/; signatures are DER, as everywhere outside JOSE."""

    name: str
    keyid: str
    curve: Curve

    def numbers(self, message: bytes) -> tuple[int, int]:
        """The signature as (r, s)."""
        private = int.from_bytes(private_part(f"{self.name}.key.pem")[1][1], "big")
        digest = hashlib.new(self.curve.hash, message).digest()
        k = nonce(self.curve, private, digest)
        r = multiply(self.curve, k)[0] % self.curve.n
        s = pow(k, -1, self.curve.n) * (int.from_bytes(digest, "big") + r * private) % self.curve.n
        return r, s

    def sign(self, message: bytes) -> bytes:
        """The signature in DER."""
        return der_signature(*self.numbers(message))


def der_signature(r: int, s: int) -> bytes:
    """SEQUENCE { r INTEGER, s INTEGER }."""
    body = b"".join(b"\x02" + bytes([len(n)]) + n for n in (der_unsigned(r), der_unsigned(s)))
    return b"\x30" + bytes([len(body)]) + body


def der_unsigned(number: int) -> bytes:
    """A non-negative INTEGER's content, with a zero in front where the top bit is set."""
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


# --- RSA ----------------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Rsa:
    """An RSA key of keys-example/ with SHA-256: PSS with the salt length given, or PKCS#1 v1.5 with None."""

    name: str
    keyid: str
    salt_length: int | None = field(default=32)

    def sign(self, message: bytes) -> bytes:
        """The signature, as long as the modulus."""
        _, n, _, d = (int.from_bytes(content, "big") for _, content in private_part(f"{self.name}.key.pem")[:4])
        length = (n.bit_length() + 7) // 8
        if self.salt_length is None:
            block = pkcs1_v15(message, length)
        else:
            block = pss(message, length, self.salt_length)
        return pow(int.from_bytes(block, "big"), d, n).to_bytes(length, "big")


def pkcs1_v15(message: bytes, length: int) -> bytes:
    """EMSA-PKCS1-v1_5 with SHA-256."""
    info = bytes.fromhex("3031300d060960864801650304020105000420") + hashlib.sha256(message).digest()
    return b"\x00\x01" + b"\xff" * (length - len(info) - 3) + b"\x00" + info


def pss(message: bytes, length: int, salt_length: int) -> bytes:
    """EMSA-PSS with SHA-256, MGF1 and a salt taken from the message; the modulus fills its bytes."""
    salt = hashlib.sha256(b"salt of the example signatures" + message).digest()[:salt_length]
    digest = hashlib.sha256(bytes(8) + hashlib.sha256(message).digest() + salt).digest()
    block = bytes(length - salt_length - len(digest) - 2) + b"\x01" + salt
    masked = bytes(a ^ b for a, b in zip(block, mgf1(digest, len(block))))
    return bytes([masked[0] & 0x7F]) + masked[1:] + digest + b"\xbc"


def mgf1(seed: bytes, length: int) -> bytes:
    """The mask generation function of PKCS#1 with SHA-256."""
    blocks = (hashlib.sha256(seed + counter.to_bytes(4, "big")).digest() for counter in range(length // 32 + 1))
    return b"".join(blocks)[:length]


# --- the keys by name ---------------------------------------------------------------------------------------------

ED25519 = Ed25519("ed25519", "example-ed25519")
ED25519_SECOND = Ed25519("ed25519-second", "example-ed25519-second")
STRANGER = Ed25519("stranger", "example-stranger")
ECDSA_P256 = Ecdsa("ecdsa-p256", "example-ecdsa-p256", P256)
ECDSA_P384 = Ecdsa("ecdsa-p384", "example-ecdsa-p384", P384)
RSA_3072 = Rsa("rsa-3072", "example-rsa-3072")
RSA_3072_PKCS1 = Rsa("rsa-3072", "example-rsa-3072", salt_length=None)
RSA_3072_SHORT_SALT = Rsa("rsa-3072", "example-rsa-3072", salt_length=20)
RSA_1024 = Rsa("rsa-1024", "example-rsa-1024")
SHARED_SECRET = Hmac((KEYS / "hmac.key").read_bytes(), "example-hmac")
