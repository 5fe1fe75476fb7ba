"""The age format (age-encryption.org/v1) for X25519 recipients, with ephemeral keys taken from the message."""

import base64
import functools
import hashlib
import hmac

from .aead import chacha_seal
from .signing import KEYS

PRIME = 2**255 - 19
BASE_POINT = (9).to_bytes(32, "little")
BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def recipient(name: str = "age") -> str:
    """The recipient `age1…` of an identity in keys-example/."""
    return bech32_encode("age", x25519(identity(name), BASE_POINT))


def identity(name: str) -> bytes:
    """The secret scalar in an identity file of keys-example/."""
    [line] = [line for line in (KEYS / f"{name}.identity.txt").read_text().splitlines() if line[:1] not in ("", "#")]
    return bech32_decode(line.lower())


def wrap(recipients: list[str], plain: bytes) -> bytes:
    """An age file over a few bytes (one chunk of the payload)."""
    seed = hashlib.sha256(b"randomness of the example age files" + plain).digest()
    file_key, payload_nonce = seed[:16], seed[16:]
    stanzas = b"".join(stanza(text, file_key) for text in recipients)
    header = b"age-encryption.org/v1\n" + stanzas + b"---"
    mac = hmac.digest(hkdf(file_key, b"", b"header"), header, "sha256")
    payload = chacha_seal(hkdf(file_key, payload_nonce, b"payload"), bytes(11) + b"\x01", plain)
    return header + b" " + unpadded(mac) + b"\n" + payload_nonce + payload


def stanza(text: str, file_key: bytes) -> bytes:
    """One recipient stanza: `-> X25519 <ephemeral share>` and the wrapped file key."""
    public = bech32_decode(text)
    secret = hashlib.sha256(b"ephemeral key of the example age files" + public + file_key).digest()
    share = x25519(secret, BASE_POINT)
    key = hkdf(x25519(secret, public), share + public, b"age-encryption.org/v1/X25519")
    return b"-> X25519 " + unpadded(share) + b"\n" + unpadded(chacha_seal(key, bytes(12), file_key)) + b"\n"


def unpadded(data: bytes) -> bytes:
    """base64 as age writes it."""
    return base64.b64encode(data).rstrip(b"=")


def hkdf(secret: bytes, salt: bytes, info: bytes) -> bytes:
    """HKDF-SHA256, one block of output."""
    return hmac.digest(hmac.digest(salt or bytes(32), secret, "sha256"), info + b"\x01", "sha256")


@functools.cache
def x25519(scalar: bytes, point: bytes) -> bytes:
    """RFC 7748, section 5: the Montgomery ladder."""
    k = int.from_bytes(scalar, "little") & ~7 & (1 << 255) - 1 | 1 << 254
    u = int.from_bytes(point, "little") & (1 << 255) - 1
    x2, z2, x3, z3 = 1, 0, u, 1
    for bit in range(254, -1, -1):
        one = k >> bit & 1
        if one:
            x2, z2, x3, z3 = x3, z3, x2, z2
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        da, cb, aa, bb = d * a, c * b, a * a, b * b
        x3, z3 = (da + cb) ** 2 % PRIME, u * (da - cb) ** 2 % PRIME
        x2, z2 = aa * bb % PRIME, (aa - bb) * (aa + 121665 * (aa - bb)) % PRIME
        if one:
            x2, z2, x3, z3 = x3, z3, x2, z2
    return (x2 * pow(z2, -1, PRIME) % PRIME).to_bytes(32, "little")


# --- Bech32 (BIP 173) ---------------------------------------------------------------------------------------------

def bech32_encode(prefix: str, data: bytes) -> str:
    """Prefix, separator, data in groups of five bits, checksum."""
    number = int.from_bytes(data, "big") << (-8 * len(data) % 5)
    count = (8 * len(data) + 4) // 5
    values = [number >> 5 * at & 31 for at in range(count - 1, -1, -1)]
    check = checksum(expanded(prefix) + values + [0] * 6) ^ 1
    values += [check >> 5 * at & 31 for at in range(5, -1, -1)]
    return f"{prefix}1" + "".join(BECH32[value] for value in values)


def bech32_decode(text: str) -> bytes:
    """The data of a lower-case text whose checksum is right."""
    prefix, _, tail = text.rpartition("1")
    values = [BECH32.index(letter) for letter in tail]
    assert checksum(expanded(prefix) + values) == 1, f"the checksum of {prefix}1… is wrong"
    count = 5 * (len(values) - 6) // 8
    number = 0
    for value in values[:-6]:
        number = number << 5 | value
    return (number >> 5 * (len(values) - 6) % 8).to_bytes(count, "big")


def expanded(prefix: str) -> list[int]:
    """The prefix as the checksum takes it in."""
    return [ord(letter) >> 5 for letter in prefix] + [0] + [ord(letter) & 31 for letter in prefix]


def checksum(values: list[int]) -> int:
    """The polynomial of BIP 173."""
    total = 1
    for value in values:
        top, total = total >> 25, (total & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            total ^= generator if top >> bit & 1 else 0
    return total


def self_check() -> None:
    """RFC 7748, section 5.2, and the recipient that the age program printed for the example identity."""
    shared = x25519(bytes.fromhex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"),
                    bytes.fromhex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c"))
    assert shared.hex() == "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552", "X25519 is wrong"
    assert recipient() == (KEYS / "age.recipient.txt").read_text().strip(), "the example recipient is another"
