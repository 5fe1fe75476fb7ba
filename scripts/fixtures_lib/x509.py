"""Certificates as Sigstore's authority issues them, byte by byte: an authority, a leaf with a name, and the stamp of a log of
certificates in it (RFC 5280, RFC 6962)."""

import hashlib
from dataclasses import dataclass

from .signing import ECDSA_P256, ECDSA_P384, Ecdsa, pem_der

SHA384_ECDSA = "06082a8648ce3d040303"
SCT_LIST = "060a2b06010401d679020402"
OIDC_ISSUER = "060a2b0601040183bf300108"


def tlv(tag: int, *parts: bytes) -> bytes:
    """One DER element."""
    body = b"".join(parts)
    size = len(body)
    if size < 128:
        return bytes([tag, size]) + body
    count = (size.bit_length() + 7) // 8
    return bytes([tag, 0x80 | count]) + size.to_bytes(count, "big") + body


def sequence(*parts: bytes) -> bytes:
    """SEQUENCE."""
    return tlv(0x30, *parts)


def name(text: str) -> bytes:
    """A distinguished name of one common name."""
    return sequence(tlv(0x31, sequence(bytes.fromhex("0603550403"), tlv(0x0C, text.encode()))))


def extension(oid: str, value: bytes, critical: bool = False) -> bytes:
    """One extension; the value is wrapped."""
    return sequence(bytes.fromhex(oid), b"\x01\x01\xff" if critical else b"", tlv(0x04, value))


def spki(signer: Ecdsa) -> bytes:
    """The public key in DER."""
    return pem_der(f"{signer.name}.pub.pem")


def tbs(serial: int, issuer: str, subject: bytes, term: tuple[str, str], key: Ecdsa, extensions: list[bytes]) -> bytes:
    """What is signed of a certificate, by the authority with P-384."""
    validity = sequence(*(tlv(0x17, time.encode()) for time in term))
    return sequence(tlv(0xA0, b"\x02\x01\x02"), tlv(0x02, bytes([serial])), sequence(bytes.fromhex(SHA384_ECDSA)), name(issuer),
                    validity, subject, spki(key), tlv(0xA3, sequence(*extensions)))


@dataclass(frozen=True)
class Authority:
    """An authority for certificates, and the log that stamps them. Both keys are examples."""

    signer: Ecdsa = ECDSA_P384
    log: Ecdsa = ECDSA_P256
    title: str = "portcullis example authority"

    def sign(self, body: bytes) -> bytes:
        """The certificate."""
        return sequence(body, sequence(bytes.fromhex(SHA384_ECDSA)), tlv(0x03, b"\x00", self.signer.sign(body)))

    def root(self) -> bytes:
        """Its own certificate."""
        extensions = [extension("0603551d0f", bytes.fromhex("03020106"), True),
                      extension("0603551d13", sequence(b"\x01\x01\xff"), True)]
        return self.sign(tbs(1, self.title, name(self.title), ("230101000000Z", "330101000000Z"), self.signer, extensions))

    @property
    def log_id(self) -> bytes:
        """SHA-256 of the key of the log of certificates."""
        return hashlib.sha256(spki(self.log)).digest()

    def stamp(self, body: bytes, seconds: int) -> bytes:
        """The list of one stamp over a certificate that has none (RFC 6962, section 3.2)."""
        time = (seconds * 1000).to_bytes(8, "big")
        entry = hashlib.sha256(spki(self.signer)).digest() + len(body).to_bytes(3, "big") + body
        signature = self.log.sign(b"\x00\x00" + time + b"\x00\x01" + entry + b"\x00\x00")
        stamp = b"\x00" + self.log_id + time + b"\x00\x00" + b"\x04\x03" + len(signature).to_bytes(2, "big") + signature
        inner = len(stamp).to_bytes(2, "big") + stamp
        return tlv(0x04, len(inner).to_bytes(2, "big") + inner)

    def leaf(self, key: Ecdsa, identity: str, issuer: str, seconds: int, term: tuple[str, str], stamped: bool = True) -> bytes:
        """A certificate for one signature."""
        extensions = [extension("0603551d0f", bytes.fromhex("03020780"), True),
                      extension("0603551d25", sequence(bytes.fromhex("06082b06010505070303"))),
                      extension("0603551d11", sequence(tlv(0x81, identity.encode())), True),
                      extension(OIDC_ISSUER, tlv(0x0C, issuer.encode()))]
        body = tbs(2, self.title, sequence(), term, key, extensions)
        if stamped:
            extensions.append(extension(SCT_LIST, self.stamp(body, seconds)))
        return self.sign(tbs(2, self.title, sequence(), term, key, extensions))
