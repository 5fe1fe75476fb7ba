"""Trivy databases: what is in them, sound and with each defect, and the layers and flat bundles that carry them.

The records have the members that Trivy writes; packages and vulnerabilities are made up.
"""

import sqlite3
import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from . import bolt
from .compress import gzip_fixed
from .devportal import Bytes, Edit, Entries, same, sha256
from .mirror import blob
from .oci import compact
from .signing import ED25519
from .tar import Entry, archive

DB_LAYER = "application/vnd.aquasec.trivy.db.layer.v1.tar+gzip"
JAVA_LAYER = "application/vnd.aquasec.trivy.javadb.layer.v1.tar+gzip"
UPDATED, NEXT = "2026-11-19T18:12:44.310925477Z", "2026-11-20T18:12:44.310925327Z"
OLD_UPDATED, OLD_NEXT = "2026-11-09T18:12:44.310925477Z", "2026-11-10T18:12:44.310925327Z"
NEVER = "0001-01-01T00:00:00Z"  # what Go writes for a date that was never set
PAGE_SIZE = 1024
EXPORT = "metadata.json"

Sign = Callable[[bytes], bytes] | None


# --- trivy.db -----------------------------------------------------------------------------------------------------

SEVERITIES = ("LOW", "MEDIUM", "HIGH", "CRITICAL")  # 1 to 4 in the database
FLAWS = (  # weakness, what it is
    ("CWE-125", "reads beyond the end of a buffer"), ("CWE-79", "writes a name into a page as it came"),
    ("CWE-22", "follows a name out of its folder"), ("CWE-400", "grows without limit on a short input"),
    ("CWE-295", "takes a certificate for another host"), ("CWE-416", "uses memory after it gave it back"),
)
PACKAGES = ("examplelib", "samplekit", "demo-parser", "mock-server")
COUNT = 12  # vulnerabilities


def cve(number: int) -> str:
    """The id of a vulnerability."""
    return f"CVE-2026-{10_000 + number}"


def vulnerability(number: int) -> dict[str, Any]:
    """A record of the bucket `vulnerability`."""
    weakness, flaw = FLAWS[number % len(FLAWS)]
    severity = number % 4 + 1
    package = PACKAGES[number % len(PACKAGES)]
    return {
        "Title": f"{package}: {flaw}", "Description": f"{package} before 2.{number} {flaw}.",
        "Severity": SEVERITIES[severity - 1], "CweIDs": [weakness], "VendorSeverity": {"nvd": severity},
        "CVSS": {"nvd": {"V3Vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:L", "V3Score": 2.3 * severity}},
        "References": [f"https://advisories.example/{cve(number)}"],
        "PublishedDate": f"2026-03-{number + 1:02}T10:15:00Z", "LastModifiedDate": f"2026-04-{number + 1:02}T08:00:00Z",
    }


def advisories(of: Callable[[int], dict[str, Any]], numbers: Iterable[int]) -> dict[str, Any]:
    """The packages of one platform with their advisories."""
    packages: dict[str, Any] = {}
    for number in numbers:
        packages.setdefault(PACKAGES[number % len(PACKAGES)], {})[cve(number)] = compact(of(number))
    return packages


def red_hat() -> dict[str, Any]:
    """Errata, which name vulnerabilities in their entries."""
    entries = [{"Affected": [0, 2], "Cves": [{"ID": cve(1), "Severity": 2}, {"ID": cve(2), "Severity": 3}],
                "FixedVersion": "0:2.4-7.el9", "Arches": ["aarch64", "x86_64"]}]
    open_ = [{"Affected": [1], "Cves": [{"Severity": 1}], "Status": 5}]
    return {"examplelib": {"RHSA-2026:0101": compact({"Entries": entries})},
            "samplekit": {cve(5): compact({"Entries": open_})}}


SOURCES = {  # platform: id, name, URL of where its advisories come from
    "Red Hat": ("redhat-oval", "Red Hat OVAL v2", "https://sources.example/redhat/"),
    "alpine 3.20": ("alpine", "Alpine Secdb", "https://sources.example/alpine/"),
    "debian 12": ("debian", "Debian Security Tracker", "https://sources.example/debian/"),
    "npm::GitHub Security Advisory npm": ("ghsa", "GitHub Security Advisory npm", "https://sources.example/npm/"),
    "pip::GitHub Security Advisory pip": ("ghsa", "GitHub Security Advisory pip", "https://sources.example/pip/"),
}


def content() -> dict[str, Any]:
    """Everything of a small trivy.db."""
    def language(number: int) -> dict[str, Any]:
        """An advisory of a package registry."""
        return {"PatchedVersions": [f"2.{number}.0"], "VulnerableVersions": [f"< 2.{number}.0"]}

    def system(number: int) -> dict[str, Any]:
        """An advisory of a distribution; some are not fixed."""
        return {"FixedVersion": f"2.{number}-r1"} if number % 3 else {"Status": 3}
    return {
        "Red Hat": red_hat(),
        "Red Hat CPE": {"cpe": {"0": b'"cpe:/o:redhat:enterprise_linux:9"', "1": b'"cpe:/a:example:sample:2"'},
                        "repository": {"example-9-rpms": b"[0,1]"}},
        "alpine 3.20": advisories(system, range(0, 8)),
        "data-source": {platform: compact({"ID": id_, "Name": name, "URL": url})
                        for platform, (id_, name, url) in SOURCES.items()},
        "debian 12": advisories(lambda number: system(number) | {"VendorIDs": [f"DSA-{6000 + number}-1"]}, range(3, 9)),
        "npm::GitHub Security Advisory npm": advisories(language, range(6, COUNT)),
        "pip::GitHub Security Advisory pip": advisories(language, range(2, 5)),
        "vulnerability": {cve(number): compact(vulnerability(number)) for number in range(COUNT)},
    }


def trivy_db(edit: Edit = lambda tree: None, page_size: int = PAGE_SIZE) -> bytes:
    """A trivy.db; `edit` is given its content."""
    tree = content()
    edit(tree)
    return bolt.database(tree, page_size)


def older(tree: dict[str, Any]) -> None:
    """An older one: two vulnerabilities fewer."""
    for number in (10, 11):
        del tree["vulnerability"][cve(number)]
        del tree["npm::GitHub Security Advisory npm"][PACKAGES[number % len(PACKAGES)]][cve(number)]


# --- trivy-java.db ------------------------------------------------------------------------------------------------

JAVA_SCHEMA = (
    "CREATE TABLE artifacts(id INTEGER PRIMARY KEY, group_id TEXT, artifact_id TEXT)",
    "CREATE TABLE indices(artifact_id INTEGER, version TEXT, sha1 BLOB, archive_type TEXT,"
    " foreign key (artifact_id) references artifacts(id))",
    "CREATE UNIQUE INDEX artifacts_idx ON artifacts(group_id, artifact_id)",
    "CREATE INDEX indices_artifact_idx ON indices(artifact_id)",
    "CREATE UNIQUE INDEX indices_sha1_idx ON indices(sha1)",
)
ARTIFACTS = tuple(("org.example", f"{package}-{part}") for package in PACKAGES for part in ("api", "core"))
SQLITE_VERSION, CHANGES = 3_040_000, 5  # what the header says, whatever library wrote the file


def java_db(*more: str, schema: tuple[str, ...] = JAVA_SCHEMA, rows: bool = True) -> bytes:
    """A trivy-java.db; `more` are statements that are executed last."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    for pragma in (f"page_size = {PAGE_SIZE}", "encoding = 'UTF-8'", "auto_vacuum = 0", "secure_delete = 1"):
        connection.execute(f"PRAGMA {pragma}")
    for statement in schema:
        connection.execute(statement)
    if rows:
        connection.executemany("INSERT INTO artifacts VALUES (?, ?, ?)",
                               [(number, *names) for number, names in enumerate(ARTIFACTS, 1)])
        connection.executemany("INSERT INTO indices VALUES (?, ?, ?, 'jar')", [
            (number, version, bytes.fromhex(sha256(f"{number} {version}".encode())[:40]))
            for number in range(1, len(ARTIFACTS) + 1) for version in ("1.0.0", "1.1.0", "2.0.0")])
    for statement in more:
        connection.execute(statement)
    connection.execute("VACUUM")
    data = connection.serialize()
    connection.close()
    return header_fixed(data)


def header_fixed(data: bytes) -> bytes:
    """The header says nothing about the library that wrote the file, or how often it did."""
    assert data[20] == 0 and data[44:48] == b"\0\0\0\x04", "this SQLite writes files of another form by default"
    count = struct.pack(">I", CHANGES)
    head = data[:24] + count + data[28:40] + count + data[44:92] + count + struct.pack(">I", SQLITE_VERSION)
    return head + data[100:]


# --- metadata.json beside a database ------------------------------------------------------------------------------

def metadata(version: int = 2, updated: str = UPDATED, next_update: str = NEXT, downloaded: str = NEVER) -> bytes:
    """As Trivy writes it."""
    value = {"Version": version, "NextUpdate": next_update, "UpdatedAt": updated, "DownloadedAt": downloaded}
    return compact(value) + b"\n"


@dataclass(frozen=True)
class Content:
    """A database with its metadata: the files of a layer or of a flat bundle."""

    name: str = "trivy.db"
    data: bytes | None = field(default_factory=trivy_db)  # None: there is no such file
    about: bytes | None = field(default_factory=metadata)
    extra: Mapping[str, bytes] = field(default_factory=dict)
    entries: Entries = same
    wrap: Bytes = gzip_fixed
    top: str = ""
    media_type: str = DB_LAYER

    def but(self, **changes: Any) -> "Content":
        """The same with other parts."""
        return replace(self, **changes)

    def spoilt(self, change: Bytes) -> "Content":
        """The same with other bytes in the database."""
        return self.but(data=change(self.data))

    def files(self) -> dict[str, bytes]:
        """Every file by its path."""
        files = {self.name: self.data, EXPORT: self.about} | dict(self.extra)
        return {self.top + path: data for path, data in files.items() if data is not None}

    def tar_gz(self) -> bytes:
        """All of them in a gzip tar."""
        return self.wrap(archive(self.entries([Entry(path.encode(), data) for path, data in self.files().items()])))


DB = Content()
JAVA = Content("trivy-java.db", java_db(), metadata(1), media_type=JAVA_LAYER)


# --- flat bundles -------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Flat:
    """A flat bundle as one archive, and its signature in a folder beside it."""

    content: Content = DB
    name: str = "db.bundle"
    sign: Sign = blob(ED25519)
    signature: str = "signatures/trivy-db.sig"
    shipped: Bytes = same  # the archive as it lies there

    def but(self, **changes: Any) -> "Flat":
        """The same bundle with other hooks."""
        return replace(self, **changes)

    def of(self, **changes: Any) -> "Flat":
        """The same bundle with other content."""
        return self.but(content=self.content.but(**changes))

    def build(self) -> dict[str, bytes]:
        """The archive and what lies beside it."""
        return self.around(self.content.tar_gz())

    def around(self, data: bytes) -> dict[str, bytes]:
        """An input of these bytes, and its signature."""
        return {self.name: self.shipped(data)} | ({self.signature: self.sign(data)} if self.sign else {})


FLAT = Flat()
FLAT_JAVA = Flat(JAVA, "java-db.bundle", signature="signatures/trivy-java-db.sig")


# --- databases and metadata with a defect -------------------------------------------------------------------------

def recording(key: str, value: bytes) -> Edit:
    """Another record of a vulnerability."""
    return lambda tree: tree["vulnerability"].update({key: value})


def descending(tree: dict[str, Any]) -> None:
    """The keys of the vulnerabilities go backwards."""
    backwards = sorted(tree["vulnerability"].items(), reverse=True)
    tree["vulnerability"] = [(key.encode(), value) for key, value in backwards]


def cache(tree: dict[str, Any]) -> None:
    """What a scanner keeps about images, in place of vulnerabilities."""
    tree.clear()
    tree |= {"artifact": {"sha256:" + "1" * 64: b'{"SchemaVersion":1,"Architecture":"amd64"}'},
             "blob": {"sha256:" + "2" * 64: b'{"SchemaVersion":2,"OS":{"Family":"alpine"}}'}}


DATABASES: dict[str, tuple[str, Callable[[], bytes]]] = {  # name of the case: what is wrong, the database
    "page-crowded": ("A page states more elements than fit", lambda: bolt.crowded(trivy_db())),
    "page-cycle": ("A branch leads to itself", lambda: bolt.cycle(trivy_db())),
    "page-twice": ("Two elements of a branch lead to one page", lambda: bolt.shared(trivy_db())),
    "page-free": ("A page that is in use is on the list of free pages", lambda: bolt.freed(trivy_db())),
    "keys-descending": ("The keys of a bucket are out of order", lambda: trivy_db(descending)),
    "metas-damaged": ("Neither of the two descriptions has the right checksum", lambda: bolt.without_metas(trivy_db())),
    "database-cut": ("The last page of trivy.db is missing", lambda: bolt.cut(1)(trivy_db())),
    "record-not-json": ("A vulnerability is no JSON", lambda: trivy_db(recording(cve(3), b"Severity: HIGH\n"))),
    "record-key-twice": ("A vulnerability has two severities", lambda: trivy_db(
        recording(cve(3), b'{"Severity":"LOW","Severity":"CRITICAL"}'))),
    "record-array": ("A vulnerability is an array", lambda: trivy_db(recording(cve(3), b'["HIGH"]'))),
    "other-use": ("The database is sound and holds what a scanner keeps about images", lambda: trivy_db(cache)),
    "text": ("trivy.db is four bytes of text", lambda: b"fake"),
}
FUTURE = "2026-11-20T06:00:00Z"
METADATA: dict[str, tuple[str, bytes]] = {
    "metadata-version-1": ("Version is 1", metadata(1)),
    "metadata-version-3": ("Version is 3", metadata(3)),
    "metadata-from-the-future": ("UpdatedAt is six hours ahead", metadata(2, FUTURE, "2026-11-21T06:00:00Z")),
    "metadata-next-before-updated": ("NextUpdate comes before UpdatedAt", metadata(2, UPDATED, "2026-11-19T06:00:00Z")),
    "metadata-downloaded-too-early": ("DownloadedAt comes before UpdatedAt",
                                      metadata(downloaded="2026-11-18T00:00:00Z")),
    "metadata-never-updated": ("The dates were never set", metadata(2, NEVER, NEVER)),
    "metadata-without-updated": ("There is no UpdatedAt",
                                 metadata().replace(f',"UpdatedAt":"{UPDATED}"'.encode(), b"")),
    "metadata-date-of-another-form": ("UpdatedAt is no RFC 3339", metadata(2, "19 Nov 2026 18:12")),
    "metadata-key-twice": ("There are two NextUpdates", metadata().replace(
        b'"UpdatedAt"', b'"NextUpdate":"2027-11-20T18:12:44Z","UpdatedAt"')),
    "metadata-cut": ("metadata.json ends in the middle", metadata()[:40]),
}
