"""bbolt databases. Pages go out as soon as they are full, so that any number of keys needs little memory.

Pages 0 and 1 describe the database and page 2 lists the free ones; what follows are the pages of the buckets, the root
last. A bucket is a mapping, or an iterable of (key, value) in the order of the keys where there are too many to hold; a
value is bytes or another bucket.
"""

import io
import struct
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any, BinaryIO

from .devportal import Bytes

MAGIC, VERSION = 0xED0CDAED, 2
BRANCH, LEAF, META, FREELIST = 0x01, 0x02, 0x04, 0x10  # flags of pages
BUCKET = 1                                             # flag of an element
HEADER = struct.Struct("<QHHI")                        # number, flags, elements, overflow
FIELDS = struct.Struct("<4I5Q")                        # magic to transaction, as they are in a description
ROOT = struct.Struct("<QQ")                            # what a bucket's value begins with: root page, counter
FIRST = 4                                              # pages before those of the buckets: page 3 is free
TRANSACTION = 7

Element = tuple[int, bytes, bytes]  # flags or page below, key, value
Bucket = Mapping[Any, Any] | Iterable[tuple[bytes, Any]]


def database(tree: Bucket, page_size: int = 1024) -> bytes:
    """The whole file."""
    out = io.BytesIO()
    write(out, tree, page_size)
    return out.getvalue()


def write(out: BinaryIO, tree: Bucket, page_size: int = 4096) -> int:
    """Write a database to an empty file that can be sought in; how many pages it has."""
    out.write(bytes(FIRST * page_size))
    writer = Writer(out, page_size)
    root = writer.tree(tree).close()
    out.seek(0)
    for page in (0, 1):
        out.write(meta(page, page_size, root, writer.pages).ljust(page_size, b"\0"))
    out.write(HEADER.pack(2, FREELIST, 1, 0) + struct.pack("<Q", 3))
    out.seek(0, io.SEEK_END)
    return writer.pages


def meta(page: int, page_size: int, root: int, pages: int) -> bytes:
    """Header and description: that of page 1 is the later one."""
    fields = FIELDS.pack(MAGIC, VERSION, page_size, 0, root, 0, 2, pages, TRANSACTION - 1 + page)
    return HEADER.pack(page, META, 0, 0) + fields + struct.pack("<Q", fnv1a(fields))


def fnv1a(data: bytes) -> int:
    """FNV-1a with 64 bits."""
    hash_ = 0xCBF29CE484222325
    for byte in data:
        hash_ = (hash_ ^ byte) * 0x100000001B3 & (1 << 64) - 1
    return hash_


def encode(number: int, flags: int, elements: list[Element], overflow: int = 0) -> bytes:
    """A branch or leaf: header, table of elements, keys and values in the same order."""
    table, at = [], 16 * len(elements)
    if flags == BRANCH:
        for below, key, _ in elements:
            table += (at, len(key), below & 0xFFFFFFFF, below >> 32)
            at += len(key) - 16
    else:
        for kind, key, value in elements:
            table += (kind, at, len(key), len(value))
            at += len(key) + len(value) - 16
    head = HEADER.pack(number, flags, len(elements), overflow) + struct.pack(f"<{len(table)}I", *table)
    return head + b"".join(chain.from_iterable((key, value) for _, key, value in elements))


class Writer:
    """Hands out page numbers and appends pages."""

    def __init__(self, out: BinaryIO, page_size: int) -> None:
        self.out, self.page_size, self.pages = out, page_size, FIRST

    def append(self, flags: int, elements: list[Element], size: int) -> int:
        """Write a page and what it continues on; its number."""
        number, count = self.pages, -(-size // self.page_size)
        self.out.write(encode(number, flags, elements, count - 1).ljust(count * self.page_size, b"\0"))
        self.pages += count
        return number

    def tree(self, bucket: Bucket) -> "Tree":
        """Everything of a bucket but its last pages."""
        if isinstance(bucket, Mapping):
            named = ((key if isinstance(key, bytes) else key.encode(), value) for key, value in bucket.items())
            bucket = sorted(named, key=lambda pair: pair[0])
        tree = Tree(self)
        for key, value in bucket:
            if isinstance(value, bytes):
                tree.add(0, (0, key, value))
            else:
                inner = self.tree(value)
                tree.buckets = True
                tree.add(0, (BUCKET, key, inner.inline() or ROOT.pack(inner.close(), 0)))
        return tree


class Tree:
    """The pages of one bucket that are not full yet: a leaf, and a branch for each level above."""

    def __init__(self, writer: Writer) -> None:
        self.writer, self.buckets = writer, False
        self.levels: list[list[Element]] = [[]]
        self.sizes = [16]

    def add(self, level: int, element: Element) -> None:
        """Append an element; a page that has no room for it is finished first, if it has two at least."""
        if level == len(self.levels):
            self.levels.append([])
            self.sizes.append(16)
        size = 16 + len(element[1]) + len(element[2])
        if self.sizes[level] + size > self.writer.page_size and len(self.levels[level]) >= 2:
            self.finish(level)
        self.levels[level].append(element)
        self.sizes[level] += size

    def finish(self, level: int) -> None:
        """Write a page and name it on the level above."""
        elements, size = self.levels[level], self.sizes[level]
        self.levels[level], self.sizes[level] = [], 16
        number = self.writer.append(BRANCH if level else LEAF, elements, size)
        self.add(level + 1, (number, elements[0][1], b""))

    def inline(self) -> bytes | None:
        """The value of a bucket that is small enough to lie in it."""
        if self.buckets or len(self.levels) > 1 or self.sizes[0] > self.writer.page_size // 4:
            return None
        return ROOT.pack(0, 0) + encode(0, LEAF, self.levels[0])

    def close(self) -> int:
        """Write what is left; the number of the root page."""
        level = 0
        while level < len(self.levels) - 1:
            self.finish(level)
            level += 1
        return self.writer.append(BRANCH if level else LEAF, self.levels[level], self.sizes[level])


# --- spoiling what was written ------------------------------------------------------------------------------------

def page_size_of(data: bytes) -> int:
    """Bytes of a page."""
    return FIELDS.unpack_from(data, 16)[2]


def pages(data: bytes, flags: int) -> list[int]:
    """The pages with these flags and two elements at least, in the order of the file."""
    size = page_size_of(data)
    headers = (HEADER.unpack_from(data, at) for at in range(FIRST * size, len(data), size))
    return [number for at, (number, kind, count, _) in enumerate(headers, FIRST)
            if number == at and kind == flags and count >= 2]


def patched(number: int, at: int, new: bytes, data: bytes) -> bytes:
    """Other bytes at one place of a page."""
    start = number * page_size_of(data) + at
    return data[:start] + new + data[start + len(new):]


def cycle(data: bytes) -> bytes:
    """The last element of the first branch leads to that branch again."""
    branch = pages(data, BRANCH)[0]
    count = HEADER.unpack_from(data, branch * page_size_of(data))[2]
    return patched(branch, 16 + 16 * (count - 1) + 8, struct.pack("<Q", branch), data)


def shared(data: bytes) -> bytes:
    """The first two elements of the first branch lead to one page."""
    branch = pages(data, BRANCH)[0]
    first = data[branch * page_size_of(data) + 24:][:8]
    return patched(branch, 40, first, data)


def crowded(data: bytes) -> bytes:
    """The first leaf states more elements than fit."""
    return patched(pages(data, LEAF)[0], 10, b"\xfe\xff", data)


def freed(data: bytes) -> bytes:
    """The list of free pages names a leaf that is in use."""
    return patched(2, 16, struct.pack("<Q", pages(data, LEAF)[0]), data)


def without_metas(data: bytes) -> bytes:
    """Neither description has the right checksum."""
    for number in (0, 1):
        data = patched(number, 16 + 56, b"\0" * 8, data)
    return data


def cut(pages_left_out: int) -> Bytes:
    """The file without its last pages."""
    return lambda data: data[:-pages_left_out * page_size_of(data)]
