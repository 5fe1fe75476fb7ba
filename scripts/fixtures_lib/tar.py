"""Tar archives, byte by byte: also those that no decent writer would produce."""

from dataclasses import dataclass, field

BLOCK = 512
END = bytes(2 * BLOCK)
MTIME = 1735689600  # 2025-01-01T00:00:00Z

FILE, HARDLINK, SYMLINK, CHAR, BLOCK_DEVICE, DIRECTORY, FIFO = (b"%d" % n for n in range(7))
PAX, PAX_GLOBAL, GNU_LONG_NAME, GNU_LONG_LINK, GNU_SPARSE = b"x", b"g", b"L", b"K", b"S"

USTAR_MAGIC = b"ustar\x0000"
GNU_MAGIC = b"ustar  \x00"

FIELDS = {  # name: (offset, length)
    "name": (0, 100), "mode": (100, 8), "uid": (108, 8), "gid": (116, 8), "size": (124, 12), "mtime": (136, 12),
    "checksum": (148, 8), "type": (156, 1), "link": (157, 100), "magic": (257, 8), "uname": (265, 32),
    "gname": (297, 32), "prefix": (345, 155),
}


@dataclass(frozen=True)
class Entry:
    """One member: its header, its data, and the extension headers in front of it.

    `raw` replaces header fields by the bytes given, before the checksum is computed (a raw `checksum` stays wrong).
    """

    name: bytes
    data: bytes = b""
    mode: int = 0o644
    type: bytes = FILE
    link: bytes = b""
    before: bytes = b""
    raw: dict[str, bytes] = field(default_factory=dict)

    def encode(self) -> bytes:
        """The extension headers, the header and the padded data."""
        return self.before + self.header() + padded(self.data)

    def header(self) -> bytes:
        """The 512 bytes in front of the data."""
        prefix, name = split_name(self.name)
        fields = {
            "name": name, "mode": octal(self.mode, 8), "uid": octal(0, 8), "gid": octal(0, 8),
            "size": octal(len(self.data), 12), "mtime": octal(MTIME, 12), "checksum": b" " * 8, "type": self.type,
            "link": self.link, "magic": USTAR_MAGIC, "prefix": prefix,
        }
        block = pack(fields | self.raw | {"checksum": b" " * 8})
        checksum = self.raw.get("checksum", b"%06o\x00 " % sum(block))
        return block[:148] + checksum + block[156:]


def split_name(name: bytes) -> tuple[bytes, bytes]:
    """The ustar prefix and name; a name too long for both is cut, for a long-name extension to replace it."""
    if len(name) <= 100:
        return b"", name
    cut = name.rfind(b"/", 0, 156)
    if cut > 0 and len(name) - cut - 1 <= 100:
        return name[:cut], name[cut + 1:]
    return b"", name[:100]


def pack(fields: dict[str, bytes]) -> bytes:
    """Lay the fields out in one block."""
    block = bytearray(BLOCK)
    for name, value in fields.items():
        offset, length = FIELDS[name]
        assert len(value) <= length, name
        block[offset:offset + len(value)] = value
    return bytes(block)


def octal(value: int, length: int) -> bytes:
    """A number field: zero-padded octal digits and a NUL."""
    return b"%0*o\x00" % (length - 1, value)


def base256(value: int, length: int = 12) -> bytes:
    """A number field in the GNU binary form; negative numbers are sign-extended."""
    return (value % (1 << 8 * length) | 1 << (8 * length - 1)).to_bytes(length, "big")


def padded(data: bytes) -> bytes:
    """Data filled up with zeros to whole blocks."""
    return data + bytes(-len(data) % BLOCK)


def extension(type_: bytes, body: bytes) -> bytes:
    """A PAX or GNU extension header with its body."""
    names = {PAX: b"PaxHeaders/entry", PAX_GLOBAL: b"GlobalHead/pax", GNU_LONG_NAME: b"././@LongLink",
             GNU_LONG_LINK: b"././@LongLink"}
    magic = GNU_MAGIC if type_ in (GNU_LONG_NAME, GNU_LONG_LINK) else USTAR_MAGIC
    return Entry(names[type_], body, type=type_, raw={"magic": magic}).encode()


def pax(*records: tuple[bytes, bytes]) -> bytes:
    """A PAX header with well-formed records."""
    return extension(PAX, b"".join(pax_record(key, value) for key, value in records))


def pax_record(key: bytes, value: bytes) -> bytes:
    """`<length> key=value`, where the length counts its own digits."""
    rest = b" " + key + b"=" + value + b"\n"
    length = len(rest)
    while length != len(b"%d" % length) + len(rest):
        length = len(b"%d" % length) + len(rest)
    return b"%d" % length + rest


def gnu_long_name(name: bytes) -> bytes:
    """A GNU `L` header for a name of any length."""
    return extension(GNU_LONG_NAME, name + b"\x00")


def gnu_long_link(target: bytes) -> bytes:
    """A GNU `K` header for a link target of any length."""
    return extension(GNU_LONG_LINK, target + b"\x00")


def archive(entries: list[Entry], end: bytes = END) -> bytes:
    """The whole archive."""
    return b"".join(entry.encode() for entry in entries) + end
