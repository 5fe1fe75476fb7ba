"""AES-256-GCM and ChaCha20-Poly1305, after NIST SP 800-38D and RFC 8439: slow, for data of a few bytes.

Neither Python nor the openssl command seals with them. `self_check` compares both with published vectors.
"""

import functools
import struct

MASK = 0xFFFFFFFF


# --- AES ----------------------------------------------------------------------------------------------------------

def times_x(byte: int) -> int:
    """Multiplication by x in the field of AES."""
    return (byte << 1 ^ (0x11B if byte & 0x80 else 0)) & 0xFF


@functools.cache
def s_box() -> bytes:
    """The S-box: the inverse in the field, then the affine map; inverses come from the powers of x + 1."""
    powers = [1]
    while len(powers) < 255:
        powers.append(powers[-1] ^ times_x(powers[-1]))
    inverse = {power: powers[-at % 255] for at, power in enumerate(powers)} | {0: 0}
    def affine(byte: int) -> int:
        """The byte, with four rotations of it, and a constant."""
        turned = (byte << turn | byte >> (8 - turn) for turn in range(5))
        return functools.reduce(int.__xor__, turned, 0x63) & 0xFF
    return bytes(affine(inverse[byte]) for byte in range(256))


def round_keys(key: bytes) -> list[bytes]:
    """The fifteen round keys of AES-256."""
    words = [key[at:at + 4] for at in range(0, 32, 4)]
    constant = 1
    while len(words) < 60:
        word = words[-1]
        if len(words) % 8 == 0:
            word = (word[1:] + word[:1]).translate(s_box())
            word = bytes([word[0] ^ constant]) + word[1:]
            constant = times_x(constant)
        elif len(words) % 8 == 4:
            word = word.translate(s_box())
        words.append(xor(word, words[-8]))
    return [b"".join(words[at:at + 4]) for at in range(0, 60, 4)]


def aes_block(keys: list[bytes], block: bytes) -> bytes:
    """One block, encrypted."""
    state = xor(block, keys[0])
    for number, key in enumerate(keys[1:], 1):
        state = state.translate(s_box())
        state = bytes(state[(at + 4 * (at % 4)) % 16] for at in range(16))  # shift the rows
        if number < 14:
            state = b"".join(mix_column(state[at:at + 4]) for at in range(0, 16, 4))
        state = xor(state, key)
    return state


def mix_column(column: bytes) -> bytes:
    """Four bytes times the matrix of AES."""
    total = functools.reduce(int.__xor__, column)
    return bytes(byte ^ total ^ times_x(byte ^ column[(at + 1) % 4]) for at, byte in enumerate(column))


def xor(a: bytes, b: bytes) -> bytes:
    """Byte by byte, as far as the shorter goes."""
    return bytes(x ^ y for x, y in zip(a, b))


# --- AES-256-GCM --------------------------------------------------------------------------------------------------

@functools.cache
def gcm_seal(key: bytes, nonce: bytes, plain: bytes, aad: bytes) -> bytes:
    """The ciphertext and the tag of 16 bytes; the nonce has 12."""
    keys = round_keys(key)
    stream = b"".join(aes_block(keys, nonce + struct.pack(">I", counter))
                      for counter in range(2, 3 + len(plain) // 16))
    cipher = xor(plain, stream)
    lengths = struct.pack(">QQ", 8 * len(aad), 8 * len(cipher))
    digest = ghash(aes_block(keys, bytes(16)), filled(aad) + filled(cipher) + lengths)
    return cipher + xor(digest, aes_block(keys, nonce + b"\x00\x00\x00\x01"))


def filled(data: bytes) -> bytes:
    """Zeros up to a whole block of 16 bytes."""
    return data + bytes(-len(data) % 16)


def ghash(key: bytes, data: bytes) -> bytes:
    """GHASH over whole blocks."""
    factor, total = int.from_bytes(key, "big"), 0
    for at in range(0, len(data), 16):
        total = gcm_times(total ^ int.from_bytes(data[at:at + 16], "big"), factor)
    return total.to_bytes(16, "big")


def gcm_times(a: int, b: int) -> int:
    """The product in the field of GCM, whose bits stand in reverse."""
    product = 0
    for bit in range(127, -1, -1):
        if a >> bit & 1:
            product ^= b
        b = b >> 1 ^ (0xE1 << 120 if b & 1 else 0)
    return product


# --- ChaCha20-Poly1305 --------------------------------------------------------------------------------------------

def chacha_block(key: bytes, counter: int, nonce: bytes) -> bytes:
    """64 bytes of the stream."""
    start = struct.unpack("<16I", b"expand 32-byte k" + key + struct.pack("<I", counter) + nonce)
    words = list(start)
    for _ in range(10):
        for column in range(4):
            quarter_round(words, *(4 * row + column for row in range(4)))
        for column in range(4):
            quarter_round(words, *(4 * row + (column + row) % 4 for row in range(4)))
    return struct.pack("<16I", *((a + b) & MASK for a, b in zip(words, start)))


def quarter_round(words: list[int], a: int, b: int, c: int, d: int) -> None:
    """The quarter round of RFC 8439, section 2.1."""
    for into, by, mixed, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        words[into] = words[into] + words[by] & MASK
        word = words[mixed] ^ words[into]
        words[mixed] = (word << turn | word >> (32 - turn)) & MASK


def poly1305(key: bytes, message: bytes) -> bytes:
    """The tag of RFC 8439, section 2.5."""
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    total = 0
    for at in range(0, len(message), 16):
        total = (total + int.from_bytes(message[at:at + 16] + b"\x01", "little")) * r % (2**130 - 5)
    return (total + int.from_bytes(key[16:], "little") & 2**128 - 1).to_bytes(16, "little")


def chacha_seal(key: bytes, nonce: bytes, plain: bytes, aad: bytes = b"") -> bytes:
    """The ciphertext and the tag of 16 bytes; the nonce has 12."""
    stream = b"".join(chacha_block(key, counter, nonce) for counter in range(1, 2 + len(plain) // 64))
    cipher = xor(plain, stream)
    lengths = struct.pack("<QQ", len(aad), len(cipher))
    return cipher + poly1305(chacha_block(key, 0, nonce)[:32], filled(aad) + filled(cipher) + lengths)


# --- published vectors --------------------------------------------------------------------------------------------

def self_check() -> None:
    """The GCM specification's test case 16 (AES-256 with AAD) and RFC 8439, section 2.8.2."""
    sealed = gcm_seal(
        bytes.fromhex("feffe9928665731c6d6a8f9467308308" * 2), bytes.fromhex("cafebabefacedbaddecaf888"),
        bytes.fromhex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                      "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"),
        bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2"))
    assert sealed[-16:].hex() == "76fc6ece0f4e1768cddf8853bb2d551b", "AES-256-GCM is wrong"
    assert sealed.startswith(bytes.fromhex("522dc1f099567d07f47f37a32a84427d")), "AES-256-GCM is wrong"
    sealed = chacha_seal(
        bytes(range(0x80, 0xA0)), bytes.fromhex("070000004041424344454647"),
        b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen "
        b"would be it.", bytes.fromhex("50515253c0c1c2c3c4c5c6c7"))
    assert sealed[-16:].hex() == "1ae10b594f09e26a7e902ecbd0600691", "ChaCha20-Poly1305 is wrong"
    assert sealed.startswith(bytes.fromhex("d31a8d34648e60db7b86afbc53ef7ec2")), "ChaCha20-Poly1305 is wrong"
