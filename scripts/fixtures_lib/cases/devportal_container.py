"""devportal bundles whose archive is malformed, ambiguous, unsafe or too much."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from .. import tar
from ..case import Case, verify
from ..compress import gzip_fixed, gzip_stored, raw_blocks, rle_blocks, zstd_frame, zstd_stored
from ..devportal import BUNDLE, FILES, KIND, Devportal, at, flipped, plus
from ..tar import Entry, archive
from .devportal_good import GOOD as FULL
from .devportal_good import TAR, ZSTD

INDEX = "portal/index.html"
FEW = {path: FILES[path] for path in (INDEX, "specs/gateway.yaml")}
GOOD = FULL.but(files=FEW)
EXTRA = b"Nobody listed this.\n"
MEBIBYTE = 1 << 20


def bad(name: str, title: str, bundle: Devportal, *failing: str, options: tuple[str, ...] = (), **rest) -> Case:
    """A bundle whose archive must be refused."""
    return Case("devportal", name, title, verify(bundle.name, *options), bundle.build(), failing=failing, **rest)


def wrapped(name: str, title: str, wrap: Callable[[bytes], bytes], failing: str, file: str = BUNDLE) -> Case:
    """A good tar, packed badly."""
    return bad(name, title, GOOD.but(wrap=wrap, name=file), failing)


def tarred(name: str, title: str, change: Callable[[bytes], bytes], failing: str) -> Case:
    """A good tar with its bytes changed, uncompressed."""
    return wrapped(name, title, change, failing, TAR)


def unreadable() -> Iterator[Case]:
    """Not an archive, or not what its magic says."""
    yield wrapped("empty-file", "The file is empty", lambda _: b"", "container-format")
    yield wrapped("plain-text", "The file is a line of text", lambda _: b"See the other drive.\n", "container-format")
    yield wrapped("gzip-of-text", "The gzip stream holds a line of text",
                  lambda _: gzip_stored(b"See the other drive.\n"), "container-format")
    yield wrapped("gzip-of-nothing", "The gzip stream is empty", lambda _: gzip_stored(b""), "container-format")
    yield wrapped("gzip-bad-checksum", "The CRC of the gzip stream is wrong",
                  lambda data: gzip_fixed(data, crc=0x12345678), "container-format")
    yield wrapped("gzip-bad-size", "The size at the end of the gzip stream is wrong",
                  lambda data: gzip_fixed(data, size=len(data) + 1), "container-format")
    yield wrapped("gzip-reserved-block", "A deflate block has the reserved type",
                  lambda data: gzip_stored(data)[:10] + b"\x07" + gzip_stored(data)[11:], "container-format")
    yield wrapped("zstd-bad-checksum", "The checksum of the zstd frame is wrong",
                  lambda data: zstd_frame(raw_blocks(data), checksum=0x12345678), "container-format", ZSTD)
    yield wrapped("zstd-reserved-block", "A zstd block has the reserved type",
                  lambda data: zstd_frame([(3, 0, b""), *raw_blocks(data)]), "container-format", ZSTD)


def cut() -> Iterator[Case]:
    """The data ends too early."""
    yield tarred("truncated-in-data", "The tar ends in the middle of a file", cut_in_index, "container-truncated")
    yield tarred("truncated-in-header", "The tar ends in the middle of a header",
                 lambda data: data[:offset_of_index(data) + 100], "container-truncated")
    yield wrapped("gzip-truncated", "The gzip stream ends in the middle",
                  lambda data: first_half(gzip_fixed(data)), "container-truncated")
    yield wrapped("gzip-without-trailer", "The gzip stream lacks the last four bytes of its trailer",
                  lambda data: gzip_fixed(data)[:-4], "container-truncated")
    yield wrapped("gzip-of-truncated-tar", "The gzip stream is whole, the tar in it is not",
                  lambda data: gzip_fixed(cut_in_index(data)), "container-truncated")
    yield wrapped("zstd-truncated", "The zstd frame ends in the middle",
                  lambda data: first_half(zstd_stored(data)), "container-truncated", ZSTD)
    yield tarred("end-missing", "The end marker is missing", lambda data: data[:-1024], "tar-end")
    yield tarred("end-halved", "The end marker is one zero block, not two", lambda data: data[:-512], "tar-end")
    hidden = archive([Entry(b"portal/hidden.html", EXTRA)])
    yield tarred("end-halved-then-entries", "Entries follow one zero block, where some readers stop and some do not",
                 lambda data: data[:-512] + hidden, "tar-end")


def first_half(data: bytes) -> bytes:
    """What was copied before the drive was pulled out."""
    return data[:len(data) // 2]


def offset_of_index(data: bytes) -> int:
    """Where the header of portal/index.html begins."""
    return data.index(INDEX.encode() + bytes(80))


def cut_in_index(data: bytes) -> bytes:
    """The tar up to 20 bytes into portal/index.html."""
    return data[:offset_of_index(data) + 532]


def trailing() -> Iterator[Case]:
    """Bytes that no reader of the archive would see, or that only some would."""
    second = archive([Entry(b"portal/second.html", EXTRA)])
    yield tarred("trailing-bytes-after-tar", "Text follows the end marker", lambda data: data + tar.padded(EXTRA),
                 "container-trailing")
    yield tarred("trailing-second-tar", "A second archive follows the end marker", lambda data: data + second,
                 "container-trailing")
    yield wrapped("trailing-bytes-after-gzip", "Text follows the gzip stream",
                  lambda data: gzip_fixed(data) + EXTRA, "container-trailing")
    yield wrapped("trailing-second-gzip-member", "A second gzip member holds a second archive",
                  lambda data: gzip_fixed(data) + gzip_fixed(second), "container-trailing")
    yield wrapped("trailing-bytes-after-zstd", "Text follows the zstd frame",
                  lambda data: zstd_stored(data) + EXTRA, "container-trailing", ZSTD)
    yield wrapped("trailing-second-zstd-frame", "A second zstd frame holds a second archive",
                  lambda data: zstd_stored(data) + zstd_stored(second), "container-trailing", ZSTD)


def headers() -> Iterator[Case]:
    """A header that says nonsense."""
    fields = {
        "header-checksum": ("The checksum of a header is wrong", {"checksum": b"000001\0 "}),
        "header-size-not-octal": ("The size field is not octal", {"size": b"00000000x42\0"}),
        "header-size-negative": ("The size is a negative binary number", {"size": tar.base256(-1)}),
        "header-size-overflow": ("The size is a binary number over 64 bits", {"size": tar.base256(1 << 80)}),
        "header-mode-not-octal": ("The mode field is not octal", {"mode": b"rw-r--r\0"}),
    }
    for name, (title, raw) in fields.items():
        yield bad(name, title, GOOD.but(entries=at(INDEX, lambda entry, raw=raw: replace(entry, raw=raw))),
                  "tar-header")


def extensions() -> Iterator[Case]:
    """Extension headers on which two readers would disagree. They stand in front of portal/index.html."""
    name = INDEX.encode()
    path = tar.pax((b"path", name))
    before = {
        "pax-length-too-long": ("The length of a PAX record reaches beyond the header",
                                tar.extension(tar.PAX, b"99 path=" + name + b"\n")),
        "pax-length-too-short": ("The length of a PAX record ends within its value",
                                 tar.extension(tar.PAX, b"12 path=" + name + b"\n")),
        "pax-length-no-number": ("The length of a PAX record is no number",
                                 tar.extension(tar.PAX, b"xx path=" + name + b"\n")),
        "pax-no-equals": ("A PAX record has no equals sign", tar.extension(tar.PAX, b"12 pathname\n")),
        "pax-size-no-number": ("The PAX size is no number", tar.pax((b"size", b"many"))),
        "pax-linkpath-with-nul": ("The PAX linkpath holds a NUL", tar.pax((b"linkpath", name + b"\0.txt"))),
        "pax-path-stated-twice": ("A PAX header states two paths",
                                  tar.pax((b"path", b"portal/first.html"), (b"path", name))),
        "pax-twice": ("Two PAX headers stand in front of one entry", path + path),
        "gnu-name-twice": ("Two GNU long names stand in front of one entry", tar.gnu_long_name(name) * 2),
        "gnu-link-twice": ("Two GNU long links stand in front of one entry", tar.gnu_long_link(name) * 2),
        "gnu-name-then-pax-path": ("A GNU long name and a PAX path stand in front of one entry",
                                   tar.gnu_long_name(b"portal/gnu.html") + path),
        "pax-size-then-gnu-name": ("A PAX size in front of a GNU long name, to which some readers apply it",
                                   tar.pax((b"size", b"%d" % len(FILES[INDEX]))) + tar.gnu_long_name(name)),
        "pax-path-then-gnu-name": ("A PAX path and a GNU long name stand in front of one entry",
                                   path + tar.gnu_long_name(b"portal/gnu.html")),
    }
    for case, (title, extension) in before.items():
        yield bad(case, title, GOOD.but(entries=preceded_by(extension)), "tar-extension")
    for case, extension in (("pax-orphaned", path), ("gnu-name-orphaned", tar.gnu_long_name(name))):
        yield bad(case, "The end marker follows an extension header",
                  GOOD.but(tar=lambda entries, last=extension: archive(entries, last + tar.END)), "tar-extension")


def preceded_by(extension: bytes) -> Callable[[list[Entry]], list[Entry]]:
    """Put extension headers in front of portal/index.html."""
    return at(INDEX, lambda entry: replace(entry, before=extension))


def sizes() -> Iterator[Case]:
    """The PAX size and the size in the header disagree; the PAX size gives what the manifest lists."""
    hidden = archive([Entry(b"portal/hidden.html", EXTRA)])
    files = FEW | {"sdks/python/package.tar": hidden}
    yield bad("pax-size-hides-tar", "The header says 0 bytes, so that some readers see the entries of a nested tar",
              GOOD.but(files=files, entries=sized("sdks/python/package.tar", 0)), "tar-size",
              subject="sdks/python/package.tar")
    yield bad("pax-size-one-more", "The header states one byte less than the PAX size",
              GOOD.but(entries=sized(INDEX, len(FILES[INDEX]) - 1)), "tar-size", subject=INDEX)
    directory = Entry(b"portal/", mode=0o755, type=tar.DIRECTORY, raw={"size": tar.octal(512, 12)})
    yield bad("directory-with-size", "A directory states 512 bytes of data, which some readers would skip",
              GOOD.but(entries=plus(directory)), "tar-size")


def sized(path: str, size: int) -> Callable[[list[Entry]], list[Entry]]:
    """State another size in the header than in a PAX record."""
    return at(path, lambda entry: replace(entry, before=tar.pax((b"size", b"%d" % len(entry.data))),
                                          raw={"size": tar.octal(size, 12)}))


def paths() -> Iterator[Case]:
    """An extra file with a name that leaves the tree, or would somewhere."""
    long = b"portal/" + b"long/" * 1000 + b"name.html"
    names = {
        "absolute": ("An extra file has an absolute name", Entry(b"/etc/cron.d/portal", EXTRA)),
        "parent": ("An extra file begins with ..", Entry(b"../portal.html", EXTRA)),
        "parent-inside": ("An extra file has .. in the middle", Entry(b"portal/../../portal.html", EXTRA)),
        "backslash": ("An extra file has a backslash", Entry(b"portal\\..\\..\\portal.html", EXTRA)),
        "drive-letter": ("An extra file has a drive letter", Entry(b"C:portal.html", EXTRA)),
        "empty": ("An extra file has no name", Entry(b"", EXTRA)),
        "nul": ("An extra file has a NUL in its name, at which some readers end it",
                Entry(b"portal/nul.html", EXTRA, before=tar.pax((b"path", INDEX.encode() + b"\0.txt")))),
        "too-long": ("An extra file has a name of over 4096 bytes",
                     Entry(long, EXTRA, before=tar.gnu_long_name(long))),
    }
    for name, (title, entry) in names.items():
        yield bad(f"path-{name}", title, GOOD.but(entries=plus(entry)), "entry-path", "entry-unlisted")
    yield bad("path-root", "An extra file has the name of the root", GOOD.but(entries=plus(Entry(b".", EXTRA))),
              "entry-path", subject=".")


def types() -> Iterator[Case]:
    """Extra entries that are no files."""
    device = {"devmajor": b"0000001\0", "devminor": b"0000003\0"}
    kinds = {
        "character-device": ("entry-type", Entry(b"portal/null", type=tar.CHAR)),
        "block-device": ("entry-type", Entry(b"portal/disk", type=tar.BLOCK_DEVICE)),
        "fifo": ("entry-type", Entry(b"portal/pipe", type=tar.FIFO)),
        "sparse": ("entry-type", Entry(b"portal/sparse", type=tar.GNU_SPARSE, raw={"magic": tar.GNU_MAGIC})),
        "unknown": ("entry-type", Entry(b"portal/what", type=b"Z")),
        "symlink": ("entry-link", Entry(b"portal/home.html", type=tar.SYMLINK, link=b"index.html")),
        "symlink-out": ("entry-link", Entry(b"portal/home.html", type=tar.SYMLINK, link=b"/etc/passwd")),
        "hardlink": ("entry-link", Entry(b"portal/home.html", type=tar.HARDLINK, link=INDEX.encode())),
    }
    for name, (failing, entry) in kinds.items():
        yield bad(f"type-{name}", f"An extra entry is a {name.split('-out')[0].replace('-', ' ')}",
                  GOOD.but(entries=plus(entry)), failing, "entry-unlisted")


def modes() -> Iterator[Case]:
    """Listed files with a bit that no bundle needs."""
    for name, mode in (("setuid", 0o4755), ("setgid", 0o2755), ("sticky", 0o1644)):
        yield bad(f"mode-{name}", f"A listed file is {name}",
                  GOOD.but(entries=at(INDEX, lambda entry, mode=mode: replace(entry, mode=mode))), "entry-mode",
                  subject=INDEX)


def duplicates() -> Iterator[Case]:
    """Two entries for one path."""
    twin = Entry(INDEX.encode(), FILES[INDEX])
    evil = replace(twin, data=flipped(twin.data))
    yield bad("duplicate-equal", "A listed file is there twice, with equal bytes", GOOD.but(entries=plus(twin)),
              "entry-duplicate", subject=INDEX)
    yield bad("duplicate-second-differs", "A listed file is there twice; only the first is what was signed",
              GOOD.but(entries=plus(evil)), "entry-digest", "entry-duplicate", subject=INDEX)
    yield bad("duplicate-first-differs", "A listed file is there twice; only the second is what was signed",
              GOOD.but(entries=lambda entries: [evil, *entries]), "entry-digest", "entry-duplicate", subject=INDEX)
    yield bad("duplicate-dot-slash", "A listed file is there twice, once with ./ in front of its name",
              GOOD.but(entries=plus(replace(twin, name=b"./" + twin.name))), "entry-duplicate", subject=INDEX)


def limits() -> Iterator[Case]:
    """Too much of something."""
    zeros = FEW | {"portal/zeros.bin": bytes(MEBIBYTE)}
    yield bad("limit-bytes", "More bytes than --max-bytes allows", GOOD, "limit-bytes",
              options=("--max-bytes", "1000"))
    yield bad("limit-entries", "More entries than --max-entries allows", GOOD, "limit-entries",
              options=("--max-entries", "5"))
    yield bad("limit-ratio-gzip", "A gzip stream that grows more than --max-ratio allows",
              GOOD.but(files=zeros), "limit-ratio", options=("--max-ratio", "20"))
    yield wrapped("limit-ratio-zstd", "4 KiB of zstd become 100 MiB",
                  lambda _: inflated(Entry(b"portal/zeros.bin"), b"\0", 100 * MEBIBYTE), "limit-ratio", ZSTD)
    yield bad("limit-document", "manifest.json has 129 MiB of spaces, and the ratio is no obstacle", GOOD.but(
        wrap=lambda _: inflated(Entry(b"manifest.json"), b" ", 129 * MEBIBYTE), name=ZSTD), "limit-document",
        options=("--max-ratio", "100000"))
    yield bad("limit-depth", "A gzip tar with --max-depth 1", GOOD, "limit-depth", options=("--max-depth", "1"))
    yield wrapped("limit-depth-layers", "Six layers of gzip around the tar", six_times_gzip, "limit-depth")
    yield wrapped("limit-window", "The zstd frame asks for a window of 2 GiB",
                  lambda data: zstd_frame(raw_blocks(data), window_log=31), "limit-window", ZSTD)


def six_times_gzip(data: bytes) -> bytes:
    """Layer around layer; only the innermost one shrinks."""
    data = gzip_fixed(data)
    for _ in range(5):
        data = gzip_stored(data)
    return data


def inflated(entry: Entry, byte: bytes, count: int) -> bytes:
    """A zstd tar of one entry with `count` equal bytes, a multiple of the block size."""
    header = replace(entry, raw={"size": tar.octal(count, 12)}).header()
    return zstd_frame([*raw_blocks(header), *rle_blocks(byte, count), *raw_blocks(tar.END)])


def portable_names() -> Iterator[Case]:
    """Listed names that other systems cannot keep apart, or cannot have."""
    require = ("--require", "integrity,complete,signature,portable-names")
    names = {
        "case": ("Two listed names differ in case only", ["portal/INDEX.html"]),
        "normalisation": ("Two listed names differ in Unicode normalisation only",
                          ["portal/caf\u00e9.html", "portal/cafe\u0301.html"]),
        "reserved": ("A listed name is reserved on Windows", ["portal/con.html"]),
        "trailing-dot": ("A listed name ends with a dot", ["portal/page."]),
    }
    for name, (title, extra) in names.items():
        files = FEW | {path: b"<title>%d</title>\n" % number for number, path in enumerate(extra)}
        yield bad(f"portable-names-{name}", f"{title}, and portable names are required", GOOD.but(files=files),
                  "portable-names", options=require, kind=KIND)


def cases() -> Iterator[Case]:
    """All of them."""
    for family in (unreadable, cut, trailing, headers, extensions, sizes, paths, types, modes, duplicates, limits,
                   portable_names):
        yield from family()
