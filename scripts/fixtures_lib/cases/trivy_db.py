"""trivy:db: flat archives of trivy.db and metadata.json, directories, and the database alone."""

from collections.abc import Iterator

from .. import bolt
from ..case import INTACT, NOT_VERIFIED, TRUST, Case, key, verify
from ..compress import gzip_fixed
from ..devportal import flipped, plus, replacing, same, sha256
from ..mirror import blob
from ..signing import ECDSA_P256, ED25519, RSA_3072_PKCS1
from ..tar import SYMLINK, Entry
from ..trivy import (DATABASES, DB, EXPORT, FLAT, FLAT_JAVA, METADATA, OLD_NEXT, OLD_UPDATED, Flat, compact, cve,
                     metadata, older, trivy_db)

KIND = "trivy:db"
FOLDER = "trivy"
REQUIRE = ("--require", "integrity,complete")
FRESH = ("--require", "integrity,complete,signature,fresh")
OVERDUE = FLAT.of(about=metadata(2, OLD_UPDATED, OLD_NEXT))
PINNED = {"trivy.db": "pinned", EXPORT: "pinned"}
OVERLAYS = {f"packages/{name}.json": compact({"package": name, "overrides": [cve(number)]})
            for number, name in enumerate(("examplelib", "samplekit"))}
LIST = "".join(f"{sha256(data)}  {path}\n" for path, data in DB.files().items()).encode()


def case(name: str, title: str, bundle: Flat, *failing: str, options: tuple[str, ...] = (),
         trust: tuple[str, ...] = TRUST, **rest) -> Case:
    """One bundle and what must come out."""
    rest = {"kind": KIND} | rest
    return Case("trivy-db", name, title, verify(bundle.name, *options, trust=trust), bundle.build(), failing=failing,
                **rest)


def folder(name: str, title: str, files: dict[str, bytes], *failing: str, options: tuple[str, ...] = REQUIRE,
           trust: tuple[str, ...] = (), **rest) -> Case:
    """A directory of these files."""
    return Case("trivy-db", name, title, verify(FOLDER, *options, trust=trust),
                {f"{FOLDER}/{path}": data for path, data in files.items()}, failing=failing, kind=KIND, **rest)


def alone(name: str, title: str, file: str, data: bytes, *failing: str, **rest) -> Case:
    """One file that is the input, and its signature beside it."""
    return Case("trivy-db", name, title, verify(file), Flat(name=file, signature=f"{file}.sig").around(data),
                failing=failing, kind=KIND, **rest)


def good() -> Iterator[Case]:
    """Bundles that verify."""
    yield case("good-ed25519", "As the Export Center writes it: a gzip tar, signed in a folder beside it", FLAT,
               standings=PINNED)
    yield case("good-ecdsa-p256", "Signed with ECDSA P-256", FLAT.but(sign=blob(ECDSA_P256)), trust=key("ecdsa-p256"))
    yield case("good-rsa-pkcs1-v15", "Signed with RSA PKCS#1 v1.5, SHA-256", FLAT.but(sign=blob(RSA_3072_PKCS1)),
               trust=key("rsa-3072"))
    yield case("good-signature-by-name", "The signature lies beside the bundle and bears its name",
               FLAT.but(signature="db.bundle.sig"), standings=PINNED)
    yield case("good-packages", "Overlays for some packages lie beside the database", FLAT.of(extra=OVERLAYS),
               standings=PINNED | {path: "pinned" for path in OVERLAYS})
    yield case("good-folder-below", "Everything lies one folder down", FLAT.of(top="trivy/"),
               standings={f"trivy/{path}": word for path, word in PINNED.items()})
    yield case("good-tar", "An uncompressed tar", FLAT.of(wrap=same).but(name="db.tar", signature="db.tar.sig"))
    yield case("good-db-tar-gz", "Trivy's own db.tar.gz, with pages of 4096 bytes", FLAT.of(
        data=trivy_db(page_size=4096)).but(name="db.tar.gz", signature="db.tar.gz.sig"), standings=PINNED)
    yield case("good-list-inside", "A list in the signed bundle says the same of its files",
               FLAT.of(extra={"checksums.txt": LIST}))
    yield case("good-overdue", "NextUpdate has passed, and nobody asked how old it may be", OVERDUE)
    yield case("good-fresh", "Six hours old, with a maximum of a day", FLAT, options=("--max-age", "24h"))
    yield case("good-fresh-required", "NextUpdate lies ahead, and freshness is required", FLAT, options=FRESH)
    yield case("good-scanner", "A scanner that reads this schema is named", FLAT, options=("--scanner", "trivy@0.23.0"))
    yield alone("good-database-alone", "The database alone, signed by its name", "trivy.db", trivy_db())
    yield alone("good-database-alone-gzip", "The database alone in a gzip stream, signed by its name", "trivy.db.gz",
                gzip_fixed(trivy_db()))


def unproven() -> Iterator[Case]:
    """Nothing is wrong, and something was not established."""
    listed = DB.files() | {"checksums.txt": LIST}
    yield folder("intact-directory-list", "A directory with a list that nobody signed, and no signature is required",
                 listed, outcome=INTACT, standings={"trivy.db": "listed", EXPORT: "listed"})
    yield folder("list-without-metadata", "The list does not name metadata.json, so its dates could be edited",
                 DB.files() | {"checksums.txt": f"{sha256(DB.data)}  trivy.db\n".encode()}, "entry-unlisted")
    yield folder("unproven-directory-list", "The same, but a signature is required by default", listed, options=(),
                 trust=TRUST, outcome=NOT_VERIFIED)
    yield folder("unproven-directory", "A directory, which nobody can sign as a whole", DB.files(), options=(),
                 trust=TRUST, outcome=NOT_VERIFIED)
    yield case("unproven-unsigned", "There is no signature", FLAT.but(sign=None), outcome=NOT_VERIFIED)
    yield case("unproven-no-list", "There is no signature and no list, and nothing is required but digests",
               FLAT.but(sign=None), trust=(), options=REQUIRE, outcome=NOT_VERIFIED)
    yield case("unproven-no-key", "No key is given", FLAT, trust=(), outcome=NOT_VERIFIED)


def signatures() -> Iterator[Case]:
    """Signatures that do not stand for the bundle."""
    failing, subject = "blob-signature", {"subject": "signatures/trivy-db.sig"}
    yield case("wrong-key-given", "The key given is a stranger's", FLAT, failing, trust=key("stranger"))
    yield case("signature-of-another-file", "The signature is that of the index of Java archives", FLAT.but(
        sign=lambda _: FLAT_JAVA.build()[FLAT_JAVA.signature]), failing, **subject)
    yield case("signature-over-database", "The signature is over trivy.db, not over the bundle", FLAT.but(
        sign=lambda _: blob(ED25519)(DB.data)), failing, **subject)
    yield case("signature-raw", "The signature is in binary, and ends too early",
               FLAT.but(sign=lambda data: ED25519.sign(data)[:63] + b"\n"), failing, **subject)
    other = DB.spoilt(replacing(b'"2.11.0"', b'"2.10.9"')).tar_gz()
    yield case("database-altered", "One fix has another version than what was signed",
               FLAT.but(shipped=lambda _: other), failing, **subject)
    yield case("archive-header-altered", "One bit of the gzip header is flipped: what the bundle holds is the same",
               FLAT.but(shipped=lambda data: data[:4] + flipped(data[4:5]) + data[5:]), failing, **subject)
    yield Case("trivy-db", "database-alone-altered", "The database alone, and one fix has another version than "
               "what was signed", verify("trivy.db"), Flat(name="trivy.db", signature="trivy.db.sig", shipped=replacing(
                   b'"2.11.0"', b'"2.10.9"')).around(trivy_db()), failing=(failing,), kind=KIND)


def databases() -> Iterator[Case]:
    """The signature is good; the database or what lies around it is not."""
    for name, (title, make) in DATABASES.items():
        yield case(name, title, FLAT.of(data=make()), "trivy-database")
    yield alone("database-alone-cut", "The database alone, without its last page", "trivy.db",
                DATABASES["database-cut"][1](), "trivy-database")
    yield case("without-metadata", "There is no metadata.json", FLAT.of(
        entries=lambda entries: [entry for entry in entries if entry.name != EXPORT.encode()]), "trivy-metadata")
    yield case("metadata-of-no-form", "Neither trivy.db nor metadata.json is what it should be", FLAT.of(
        data=b"fake", about=b'{"version":2}'), "trivy-database", "trivy-metadata")
    yield case("second-below", "A second trivy.db lies in a folder", FLAT.of(
        extra={"packages/trivy.db": b"another"}), "trivy-database", subject="packages/trivy.db")
    yield case("second-of-another-case", "A second database differs in the case of its name", FLAT.of(
        extra={"Trivy.DB": b"another"}), "trivy-database", subject="Trivy.DB")
    yield case("second-java", "An index of Java archives lies beside it", FLAT.of(
        extra={"trivy-java.db": b"another"}), "trivy-database", subject="trivy-java.db")
    yield case("empty", "There is no vulnerability in it", FLAT.of(data=bolt.database(
        {b"vulnerability": {}, b"data-source": {}}, 1024)), "trivy-database")
    yield case("list-other-digest", "A list in the signed bundle states another digest of trivy.db", FLAT.of(
        extra={"checksums.txt": LIST.replace(sha256(DB.data).encode(), b"0" * 64)}), "entry-digest", subject="trivy.db")
    yield case("list-path-absent", "A list in the signed bundle names a file that is not there", FLAT.of(
        extra={"checksums.txt": LIST + b"0" * 64 + b"  packages/absent.json\n"}), "entry-missing")
    yield folder("directory-altered", "trivy.db is not what the list in its directory says",
                 DB.files() | {"checksums.txt": LIST, "trivy.db": trivy_db(older)}, "entry-digest", subject="trivy.db")


def dates() -> Iterator[Case]:
    """metadata.json, and age."""
    for name, (title, about) in METADATA.items():
        yield case(name, title, FLAT.of(about=about), "trivy-metadata")
    yield case("stale", "Six hours old, with a maximum of one", FLAT, "age", options=("--max-age", "1h"))
    yield case("overdue", "NextUpdate has passed, and freshness is required", OVERDUE, "age", options=FRESH)
    yield case("scanner-too-old", "The scanner that is named reads schema 1 only", FLAT, "trivy-schema",
               options=("--scanner", "trivy@0.22.0"))


def containers() -> Iterator[Case]:
    """The archive around it."""
    yield case("path-parent", "A file would be written outside of the folder", FLAT.of(
        entries=plus(Entry(b"../x", b"outside\n"))), "entry-path")
    yield case("link-out", "A link leaves the folder", FLAT.of(entries=plus(
        Entry(b"packages", type=SYMLINK, link=b"../../etc"))), "entry-link")
    yield case("database-twice", "trivy.db is there twice, with different bytes", FLAT.of(
        entries=plus(Entry(b"trivy.db", trivy_db(older)))), "entry-duplicate")
    yield case("archive-cut", "The bundle ends in the middle, and was signed so", FLAT.of(
        wrap=lambda data: gzip_fixed(data)[:4096]), "container-truncated", kind="plain")
    yield case("archive-bomb", "The bundle grows more than --max-ratio allows", FLAT.of(data=bytes(1 << 20)),
               "limit-ratio", options=("--max-ratio", "20"), kind="plain")


def cases() -> Iterator[Case]:
    """All of them."""
    for family in (good, unproven, signatures, databases, dates, containers):
        yield from family()
