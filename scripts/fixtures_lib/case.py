"""One test case: its input files, the command line, and what must come out."""

import json
from dataclasses import dataclass, field

AT = "2026-11-20T00:00:00Z"

CLASSES = {  # class: (exit code, check ids), in stage order
    "container": (24, (
        "container-format container-truncated container-trailing tar-header tar-extension tar-size tar-end entry-path"
        " entry-type entry-mode entry-duplicate entry-link limit-bytes limit-entries limit-ratio limit-depth"
        " limit-document limit-window portable-names")),
    "signature": (21, (
        "dsse-envelope dsse-payload-type dsse-signature dsse-payload signature-document blob-signature"
        " blob-second-opinion signature-purpose jws-signature intoto-statement intoto-predicate intoto-subject content-revoked"
        " sigstore-bundle sigstore-certificate sigstore-identity sigstore-signature")),
    "tuf": (22, (
        "tuf tuf-root tuf-timestamp tuf-snapshot tuf-targets tuf-delegation tuf-target tuf-second-opinion")),
    "transparency": (23, (
        "sigstore-sct sigstore-inclusion sigstore-set sigstore-timestamp rekor-receipt rekor-checkpoint rekor-signature"
        " rekor-origin rekor-pinned rekor-tree-size rekor-root rekor-leaf rekor-inclusion rekor-entry")),
    "integrity": (20, (
        "document-json document-yaml document-schema document-present checksum-list entry-digest entry-size"
        " entry-missing entry-unlisted documents-agree manifest-root manifest-totals manifest-paths manifest-sources"
        " manifest-content-types manifest-hashes sidecar-digest evidence-root evidence-identity site-digest"
        " record-count rerun-hash selectors-tenant provenance-subject index-counts delta-changes delta-step encryption-key"
        " encryption-open artifact-sbom oci-descriptor oci-graph trivy-database trivy-metadata trivy-schema"
        " trivy-export revocation-schema revocation-order")),
    "freshness": (25, "age revocation-window"),
    "sequence": (26, "delta-base delta-order revocation-sequence"),
}


def exit_code(failing: tuple[str, ...]) -> int:
    """The exit code of the first failing class in stage order; 0 when nothing fails."""
    known = {id_ for _, ids in CLASSES.values() for id_ in ids.split()}
    assert set(failing) <= known, set(failing) - known
    return next((code for code, ids in CLASSES.values() if set(ids.split()) & set(failing)), 0)


@dataclass(frozen=True)
class Case:
    """What goes into one folder of fixtures/."""

    folder: str
    name: str
    title: str
    args: tuple[str, ...]
    files: dict[str, bytes]
    failing: tuple[str, ...] = ()
    outcome: tuple[str, int] | None = None  # verdict and exit code, where `failing` does not say them
    subject: str | None = None
    kind: str | None = None
    standings: dict[str, str] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """The word that the report must give."""
        return self.outcome[0] if self.outcome else "failed" if self.failing else "verified"

    @property
    def exit(self) -> int:
        """The exit code of the run."""
        return self.outcome[1] if self.outcome else exit_code(self.failing)

    def toml(self) -> str:
        """case.toml."""
        lines = [
            f"title = {text(self.title)}",
            f"args = {texts(self.args)}",
            f"verdict = {text(self.verdict)}",
            f"exit = {self.exit}",
            f"failing = {texts(sorted(self.failing))}",
        ]
        if self.subject is not None:
            lines.append(f"subject = {text(self.subject)}")
        if self.kind is not None:
            lines.append(f"kind = {text(self.kind)}")
        if self.standings:
            pairs = ", ".join(f"{text(path)} = {text(word)}" for path, word in sorted(self.standings.items()))
            lines.append(f"standings = {{ {pairs} }}")
        return "\n".join(lines) + "\n"

    def tree(self) -> dict[str, bytes]:
        """Every file of the case by its path under fixtures/."""
        files = self.files | {"case.toml": self.toml().encode()}
        return {f"{self.folder}/{self.name}/{path}": data for path, data in files.items()}


def text(value: str) -> str:
    """A TOML basic string."""
    return json.dumps(value, ensure_ascii=True)


def texts(values: list[str] | tuple[str, ...]) -> str:
    """A TOML array of strings."""
    return f"[{', '.join(map(text, values))}]"


NOT_VERIFIED = ("not-verified", 3)
INTACT = ("intact", 0)
USAGE = ("error", 2)
ENVIRONMENT = ("error", 4)


def key(name: str) -> tuple[str, ...]:
    """The option that trusts a public key of keys-example/."""
    return "--key", f"{{keys}}/{name}.pub.pem"


TRUST = key("ed25519")
HMAC_TRUST = ("--hmac-key", "{keys}/hmac.key")
EXAMPLE_KEYS = ("--allow-example-keys",)


def verify(file: str, *options: str, trust: tuple[str, ...] = TRUST) -> tuple[str, ...]:
    """`verify FILE` with the trust options given and the fixtures' clock."""
    waiver = EXAMPLE_KEYS if trust else ()
    return "verify", f"{{case}}/{file}", *trust, *waiver, "--at", AT, *options
