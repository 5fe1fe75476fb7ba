"""gzip and zstd streams written by hand, so that no compressor's version shows in the bytes."""

import re
import struct
import zlib

from .tar import MTIME

MASK = (1 << 64) - 1


# --- gzip ---------------------------------------------------------------------------------------------------------

LENGTH_CODES = [  # symbol, shortest length, extra bits
    *((257 + n, 3 + n, 0) for n in range(8)),
    *((265 + n, 11 + 2 * n, 1) for n in range(4)),
    *((269 + n, 19 + 4 * n, 2) for n in range(4)),
    *((273 + n, 35 + 8 * n, 3) for n in range(4)),
    *((277 + n, 67 + 16 * n, 4) for n in range(4)),
    *((281 + n, 131 + 32 * n, 5) for n in range(4)),
    (285, 258, 0),
]


def gzip_stored(data: bytes, *, crc: int | None = None, size: int | None = None) -> bytes:
    """One gzip member of stored blocks; `crc` and `size` override the trailer."""
    return gzip_member(deflate_stored(data), data, crc, size)


def gzip_fixed(data: bytes, *, crc: int | None = None, size: int | None = None) -> bytes:
    """One gzip member of one fixed-Huffman block, in which runs of one byte shrink; else as `gzip_stored`."""
    return gzip_member(deflate_fixed(data), data, crc, size)


def gzip_member(deflated: bytes, data: bytes, crc: int | None = None, size: int | None = None) -> bytes:
    """Header (no name, the fixtures' time, unknown system), body, trailer."""
    header = b"\x1f\x8b\x08\x00" + struct.pack("<I", MTIME) + b"\x00\xff"
    crc = zlib.crc32(data) if crc is None else crc
    size = len(data) if size is None else size
    return header + deflated + struct.pack("<II", crc, size)


def deflate_stored(data: bytes) -> bytes:
    """Stored blocks of at most 65535 bytes."""
    chunks = [data[at:at + 65535] for at in range(0, len(data), 65535)] or [b""]
    blocks = (struct.pack("<BHH", chunk is chunks[-1], len(chunk), len(chunk) ^ 0xFFFF) + chunk for chunk in chunks)
    return b"".join(blocks)


def deflate_fixed(data: bytes) -> bytes:
    """One final block with the fixed codes; a run of three or more bytes becomes matches at distance 1."""
    bits = ["1", "10"]  # final; block type 01, least significant bit first
    at = 0
    while at < len(data):
        bits.append(fixed_literal(data[at]))
        at += 1
        while (length := run_length(data, at)) >= 3:
            bits.append(fixed_match(length))
            at += length
    bits.append("0000000")
    return pack_bits("".join(bits))


def run_length(data: bytes, at: int) -> int:
    """How many bytes from here on equal the one before, 258 at most."""
    window = data[at:at + 258]
    return len(window) - len(window.lstrip(data[at - 1:at]))


def fixed_match(length: int) -> str:
    """The fixed code of a length with its extra bits, and of distance 1."""
    symbol, base, extra = next(code for code in reversed(LENGTH_CODES) if code[1] <= length)
    code = f"{symbol - 256:07b}" if symbol < 280 else f"{0xC0 + symbol - 280:08b}"
    more = f"{length - base:0{extra}b}"[::-1] if extra else ""
    return code + more + "00000"


def fixed_literal(byte: int) -> str:
    """The fixed Huffman code of a literal byte, most significant bit first."""
    return f"{0x30 + byte:08b}" if byte < 144 else f"{0x190 + byte - 144:09b}"


def pack_bits(bits: str) -> bytes:
    """Bits in stream order to bytes, the first bit lowest."""
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[at:at + 8][::-1], 2) for at in range(0, len(bits), 8))


# --- zstd ---------------------------------------------------------------------------------------------------------

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
BLOCK_MAX = 128 * 1024
Block = tuple[int, int, bytes]  # type, size as stated, body


def zstd_stored(data: bytes) -> bytes:
    """One frame of raw blocks with its checksum."""
    return zstd_frame(raw_blocks(data), checksum=xxh64(data))


def zstd_frame(blocks: list[Block], *, window_log: int = 17, checksum: int | None = None) -> bytes:
    """A frame without content size; `checksum` is the XXH64 of the content, of which 32 bits are stored."""
    header = bytes([0 if checksum is None else 4, (window_log - 10) << 3])
    body = b"".join(zstd_block(block, last=block is blocks[-1]) for block in blocks)
    trailer = b"" if checksum is None else struct.pack("<I", checksum & 0xFFFFFFFF)
    return ZSTD_MAGIC + header + body + trailer


def zstd_block(block: Block, last: bool) -> bytes:
    """The three header bytes (last, type, size) and the body."""
    type_, size, body = block
    return (last | type_ << 1 | size << 3).to_bytes(3, "little") + body


def raw_blocks(data: bytes) -> list[Block]:
    """Data as it is, in blocks of at most 128 KiB."""
    chunks = [data[at:at + BLOCK_MAX] for at in range(0, len(data), BLOCK_MAX)] or [b""]
    return [(0, len(chunk), chunk) for chunk in chunks]


def zstd_sparse(data: bytes) -> bytes:
    """One frame with its checksum, in which runs of zeros shrink to four bytes: for the padding of a tar."""
    blocks = []
    at = 0
    for run in re.finditer(rb"\x00{16,}", data):
        blocks += (raw_blocks(data[at:run.start()]) if at < run.start() else [])
        blocks += rle_blocks(b"\x00", run.end() - run.start())
        at = run.end()
    return zstd_frame(blocks + (raw_blocks(data[at:]) if at < len(data) else []), checksum=xxh64(data))


def rle_blocks(byte: bytes, count: int) -> list[Block]:
    """`count` equal bytes, four bytes of output for each 128 KiB."""
    sizes = [min(BLOCK_MAX, count - at) for at in range(0, count, BLOCK_MAX)]
    return [(1, size, byte) for size in sizes]


def zstd_skippable(data: bytes) -> bytes:
    """A frame that every decoder steps over."""
    return b"\x50\x2a\x4d\x18" + struct.pack("<I", len(data)) + data


P1, P2, P3, P4, P5 = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63,
                      0x27D4EB2F165667C5)


def xxh64(data: bytes) -> int:
    """XXH64 with seed 0, as zstd uses it for its content checksum."""
    at = 0
    if len(data) >= 32:
        lanes = [(P1 + P2) & MASK, P2, 0, -P1 & MASK]
        while at + 32 <= len(data):
            words = struct.unpack_from("<4Q", data, at)
            lanes = [xxh_round(lane, word) for lane, word in zip(lanes, words)]
            at += 32
        hash_ = sum(rotate(lane, turn) for lane, turn in zip(lanes, (1, 7, 12, 18))) & MASK
        for lane in lanes:
            hash_ = ((hash_ ^ xxh_round(0, lane)) * P1 + P4) & MASK
    else:
        hash_ = P5
    return xxh_finish((hash_ + len(data)) & MASK, data[at:])


def xxh_finish(hash_: int, rest: bytes) -> int:
    """Mix in the last, incomplete stripe and avalanche."""
    while len(rest) >= 8:
        word, rest = int.from_bytes(rest[:8], "little"), rest[8:]
        hash_ = (rotate(hash_ ^ xxh_round(0, word), 27) * P1 + P4) & MASK
    if len(rest) >= 4:
        word, rest = int.from_bytes(rest[:4], "little"), rest[4:]
        hash_ = (rotate(hash_ ^ (word * P1 & MASK), 23) * P2 + P3) & MASK
    for byte in rest:
        hash_ = rotate(hash_ ^ (byte * P5 & MASK), 11) * P1 & MASK
    hash_ = (hash_ ^ hash_ >> 33) * P2 & MASK
    hash_ = (hash_ ^ hash_ >> 29) * P3 & MASK
    return hash_ ^ hash_ >> 32


def xxh_round(lane: int, word: int) -> int:
    """One step of a lane."""
    return rotate((lane + word * P2) & MASK, 31) * P1 & MASK


def rotate(value: int, turn: int) -> int:
    """Rotate 64 bits to the left."""
    return (value << turn | value >> (64 - turn)) & MASK
