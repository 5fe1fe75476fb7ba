"""TUF repositories for `tuf verify`."""

from collections.abc import Callable, Iterator

from ..case import AT, Case
from ..signing import ED25519, ED25519_SECOND, STRANGER
from ..tuf_repository import SNAPSHOT, TARGETS, TIMESTAMP, Repository, friendly_id

NAME, CONTENT = "mirror-thin-v1.tar.gz", b"a mirror, for all that TUF cares\n"
TOOL = "tools/unpack.txt"
DEEP = {TOOL: b"a tool\n"}

Tree = dict[str, bytes]


def case(name: str, title: str, repository: Repository, *failing: str, ask: str = NAME,
         spoil: Callable[[Tree], Tree] = dict, **rest) -> Case:
    """One repository and what must come out."""
    args = ("tuf", "verify", "--tuf-root", "{case}/root.json", "--metadata-dir", "{case}/metadata", "--targets-dir",
            "{case}/targets", "--target", ask, "--at", AT)
    return Case("tuf", name, title, args, spoil(repository.tree()), failing=failing, **rest)


def made(**fields) -> Repository:
    """The usual repository, but for some fields."""
    return Repository({NAME: CONTENT}, **fields)


def replaced(path: str, change: Callable[[bytes], bytes]) -> Callable[[Tree], Tree]:
    """Another content for one file, after everything is signed."""
    return lambda tree: tree | {path: change(tree[path])}


def expired(signed: dict) -> None:
    """In force until the second of the clock, and no longer."""
    signed["expires"] = AT


def without_targets(signed: dict) -> None:
    """A snapshot that does not name the targets."""
    del signed["meta"]["targets.json"]


def two_strangers(data: bytes) -> bytes:
    """Two signatures by one key id that no role names."""
    stranger = b'{"keyid": "' + b"00" * 32 + b'", "sig": "00"}'
    return data.replace(b'"signatures": [', b'"signatures": [' + stranger + b", " + stranger + b",", 1)


def cases() -> Iterator[Case]:
    """All of them."""
    yield case("good-plain", "Names without versions and digests, key ids that are digests", made())
    yield case("good-rotated-delegated", "Consistent snapshots, a second root, a target below a delegation",
               made(consistent=True, rotated=(ED25519,), delegated=DEEP), ask=TOOL)
    yield case("good-friendly-key-ids", "Key ids are names, which the second judge does not read",
               made(key_id=friendly_id))
    yield case("root-successor-unsigned", "Version 2 of the root is not signed by the keys of version 1",
               made(rotated=(STRANGER,)), "tuf-root", subject="metadata/2.root.json")
    yield case("timestamp-expired", "The timestamp expires at the second of the clock",
               made(change={TIMESTAMP: expired}), "tuf-timestamp", subject="metadata/timestamp.json")
    yield case("snapshot-signed-by-stranger", "The snapshot is signed by a key that the root does not name",
               made(signers={SNAPSHOT: (STRANGER,)}), "tuf-snapshot", subject="metadata/snapshot.json")
    yield case("snapshot-without-targets", "The snapshot does not name the targets",
               made(change={SNAPSHOT: without_targets}), "tuf-targets", subject="targets.json")
    yield case("targets-altered", "The length of the target is another one, after signing", made(), "tuf-targets",
               spoil=replaced("metadata/targets.json", lambda data: data.replace(b'"length": 33', b'"length": 34')),
               subject="metadata/targets.json")
    yield case("targets-signed-by-root-key", "The targets are signed by the key of another role",
               made(signers={TARGETS: (ED25519,)}), "tuf-targets", subject="metadata/targets.json")
    yield case("delegated-signed-by-delegator", "The delegated role is signed by the key of its delegator",
               made(delegated=DEEP, signers={"tools": (ED25519_SECOND,)}), "tuf-delegation", ask=TOOL,
               subject="metadata/tools.json")
    yield case("target-altered", "One bit of the target is flipped", made(), "tuf-target", subject=NAME,
               spoil=replaced(f"targets/{NAME}", lambda data: bytes([data[0] ^ 1]) + data[1:]))
    yield case("target-cut", "The last byte of the target is missing", made(), "tuf-target", subject=NAME,
               spoil=replaced(f"targets/{NAME}", lambda data: data[:-1]))
    yield case("target-longer", "A byte follows the target", made(), "tuf-target", subject=NAME,
               spoil=replaced(f"targets/{NAME}", lambda data: data + b"\n"))
    yield case("judges-disagree", "Two signatures of the timestamp are by one key id of nobody: one judge passes over them",
               made(), "tuf-second-opinion", subject="metadata",
               spoil=replaced("metadata/timestamp.json", two_strangers))
