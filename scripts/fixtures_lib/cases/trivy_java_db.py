"""trivy:java-db: flat archives of trivy-java.db and metadata.json, and the index alone."""

from collections.abc import Callable, Iterator

from ..case import NOT_VERIFIED, TRUST, Case, key, verify
from ..compress import gzip_fixed
from ..devportal import replacing
from ..mirror import blob
from ..signing import ECDSA_P256
from ..trivy import (EXPORT, FLAT, FLAT_JAVA, FUTURE, JAVA_SCHEMA, NEVER, OLD_NEXT, OLD_UPDATED, PAGE_SIZE, UPDATED,
                     Flat, compact, java_db, metadata)

KIND = "trivy:java-db"
FRESH = ("--require", "integrity,complete,signature,fresh")
OVERDUE = FLAT_JAVA.of(about=metadata(1, OLD_UPDATED, OLD_NEXT))
PINNED = {"trivy-java.db": "pinned", EXPORT: "pinned"}
ECOSYSTEM = {"ecosystem/maven.json": compact({"ecosystem": "maven", "namespaces": ["org.example"]})}


def case(name: str, title: str, bundle: Flat, *failing: str, options: tuple[str, ...] = (),
         trust: tuple[str, ...] = TRUST, **rest) -> Case:
    """One bundle and what must come out."""
    rest = {"kind": KIND} | rest
    return Case("trivy-java-db", name, title, verify(bundle.name, *options, trust=trust), bundle.build(),
                failing=failing, **rest)


def alone(name: str, title: str, file: str, data: bytes, *failing: str, **rest) -> Case:
    """One file that is the input, and its signature beside it."""
    return Case("trivy-java-db", name, title, verify(file), Flat(name=file, signature=f"{file}.sig").around(data),
                failing=failing, kind=KIND, **rest)


def good() -> Iterator[Case]:
    """Bundles that verify, and those that prove nothing."""
    yield case("good", "As the Export Center writes it: a gzip tar, signed in a folder beside it", FLAT_JAVA,
               standings=PINNED)
    yield case("good-ecdsa-p256", "Signed with ECDSA P-256", FLAT_JAVA.but(sign=blob(ECDSA_P256)),
               trust=key("ecdsa-p256"))
    yield case("good-never-updated", "The dates were never set, as in an index that was published without any",
               FLAT_JAVA.of(about=metadata(1, NEVER, NEVER)))
    yield case("good-ecosystem", "Files of an ecosystem lie beside the index", FLAT_JAVA.of(extra=ECOSYSTEM),
               standings=PINNED | {path: "pinned" for path in ECOSYSTEM})
    yield case("good-javadb-tar-gz", "Trivy's own javadb.tar.gz",
               FLAT_JAVA.but(name="javadb.tar.gz", signature="javadb.tar.gz.sig"))
    yield case("good-scanner", "A scanner that reads this schema is named", FLAT_JAVA,
               options=("--scanner", "trivy@0.37.0"))
    yield case("good-overdue", "NextUpdate has passed, and nobody asked how old it may be", OVERDUE)
    yield alone("good-index-alone", "The index alone, signed by its name", "trivy-java.db", java_db())
    yield alone("good-index-alone-gzip", "The index alone in a gzip stream, signed by its name", "trivy-java.db.gz",
                gzip_fixed(java_db()))
    yield case("unproven-unsigned", "There is no signature", FLAT_JAVA.but(sign=None), outcome=NOT_VERIFIED)
    yield case("wrong-key-given", "The key given is a stranger's", FLAT_JAVA, "blob-signature", trust=key("stranger"))
    yield case("signature-of-another-file", "The signature is that of the database of vulnerabilities", FLAT_JAVA.but(
        sign=lambda _: FLAT.build()[FLAT.signature]), "blob-signature", subject=FLAT_JAVA.signature)


def at(start: int, new: bytes) -> bytes:
    """The index with other bytes at one place."""
    data = java_db()
    return data[:start] + new + data[start + len(new):]


INDEXES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "view": ("A view lies beside the tables", lambda: java_db("CREATE VIEW newest AS SELECT * FROM indices")),
    "trigger": ("A trigger empties a table when the other is written to", lambda: java_db(
        "CREATE TRIGGER empty AFTER INSERT ON indices BEGIN DELETE FROM artifacts; END")),
    "table-missing": ("There is no table indices", lambda: java_db(
        schema=(JAVA_SCHEMA[0], JAVA_SCHEMA[2]), rows=False)),
    "table-other-use": ("The tables are those of something else", lambda: java_db(
        schema=("CREATE TABLE notes(id INTEGER PRIMARY KEY, text TEXT)",), rows=False)),
    "column-missing": ("The table indices has no column sha1", lambda: java_db(schema=(
        JAVA_SCHEMA[0], "CREATE TABLE indices(artifact_id INTEGER, version TEXT, archive_type TEXT)"), rows=False)),
    "index-cut": ("The last page of trivy-java.db is missing", lambda: java_db()[:-PAGE_SIZE]),
    "page-kind": ("A page of a table has a kind that there is none of", lambda: at(2 * PAGE_SIZE, b"\x07")),
    "page-crowded": ("A page of a table states more cells than fit", lambda: at(PAGE_SIZE + 3, b"\xff\xff")),
    "header-page-size": ("The header states pages of three bytes", lambda: at(16, b"\0\x03")),
    "header-wal": ("The header says that a log of writes belongs to it, which is not there", lambda: at(18, b"\2\2")),
    "text": ("trivy-java.db is four bytes of text", lambda: b"fake"),
}
METADATA: dict[str, tuple[str, bytes]] = {
    "metadata-version-2": ("Version is that of a database of vulnerabilities", metadata(2)),
    "metadata-from-the-future": ("UpdatedAt is six hours ahead", metadata(1, FUTURE, "2026-11-23T06:00:00Z")),
    "metadata-next-before-updated": ("NextUpdate comes before UpdatedAt", metadata(1, UPDATED, "2026-11-19T06:00:00Z")),
    "metadata-key-twice": ("There are two Versions", replacing(b'{"V', b'{"Version":2,"V')(metadata(1))),
}


def bad() -> Iterator[Case]:
    """The signature is good; the index or its metadata is not."""
    for name, (title, make) in INDEXES.items():
        yield case(name, title, FLAT_JAVA.of(data=make()), "trivy-database")
    for name, (title, about) in METADATA.items():
        yield case(name, title, FLAT_JAVA.of(about=about), "trivy-metadata")
    yield alone("index-alone-cut", "The index alone, without its last page", "trivy-java.db", INDEXES["index-cut"][1](),
                "trivy-database")
    yield case("stale", "Six hours old, with a maximum of one", FLAT_JAVA, "age", options=("--max-age", "1h"))
    yield case("overdue", "NextUpdate has passed, and freshness is required", OVERDUE, "age", options=FRESH)
    yield case("scanner-too-old", "The scanner that is named reads no index of Java archives", FLAT_JAVA,
               "trivy-schema", options=("--scanner", "trivy@0.36.1"))


def cases() -> Iterator[Case]:
    """All of them."""
    for family in (good, bad):
        yield from family()
