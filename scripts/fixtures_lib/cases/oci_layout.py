"""oci:layout: images whose index.json names everything else."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from ..case import INTACT, NOT_VERIFIED, TRUST, Case, key, verify
from ..compress import gzip_fixed
from ..devportal import Edit, altered, at, flipped, replacing, setting, sha256
from ..oci import (ARCHIVE, CONFIG, FOLDER, INDEX, LAYER, LAYERS, MANIFEST, SIGN, Blobs, Oci, bare, compact, digest,
                   path_of)
from ..tar import SYMLINK

GOOD = Oci()
UNSIGNED = GOOD.but(sign=None)
BASE = gzip_fixed(LAYERS["base"])
AMD64 = gzip_fixed(LAYERS["amd64"])
LAYER_PATH = bare(AMD64)
AMD64_CONFIG = compact({"architecture": "amd64", "os": "linux"})
TREE = GOOD.tree()
DOCUMENT = {  # the paths of the blobs that are documents
    name: next(path for path, data in TREE.items() if path.startswith("blobs/") and mark in data and other not in data)
    for name, mark, other in (("nested", b'"manifests"', b"spdx"), ("artifact", b'"subject"', b"manifests"),
                              ("amd64", sha256(AMD64).encode(), b"manifests"))}
REQUIRE = ("--require", "integrity,complete")


def case(name: str, title: str, layout: Oci, *failing: str, options: tuple[str, ...] = (),
         trust: tuple[str, ...] = TRUST, **rest) -> Case:
    """One archive and what must come out."""
    rest = {"kind": "oci:layout"} | rest
    return Case("oci-layout", name, title, verify(ARCHIVE, *options, trust=trust), layout.build(), failing=failing, **rest)


def good() -> Iterator[Case]:
    """Nothing is wrong."""
    pinned = {"index.json": "pinned", "index.json.sig": "evidence", "oci-layout": "evidence", LAYER_PATH: "pinned",
              **{path: "pinned" for path in DOCUMENT.values()}}
    yield case("good", "Two platforms and an artifact; index.json is signed as cosign signs files", GOOD,
               standings=pinned)
    yield Case("oci-layout", "good-directory", "The same as a directory, with a DSSE envelope over index.json",
               verify(FOLDER), GOOD.but(sign=SIGN, signature="index.dsse.json").folder(), kind="oci:layout",
               standings={"index.json": "pinned", "index.dsse.json": "evidence", LAYER_PATH: "pinned"})
    yield case("good-envelope-beside", "The envelope lies beside the archive and bears its name",
               GOOD.but(sign=SIGN, signature=f"{ARCHIVE}.dsse.json", inside=False))
    yield case("good-signature-named", "The signature lies beside the archive and is named",
               GOOD.but(inside=False), options=("--sidecar", "{case}/index.json.sig"))
    yield case("good-sha512", "All blobs are named by SHA-512", GOOD.but(algorithm="sha512"))
    yield case("good-urls", "A layer that is carried could also be fetched: told, never done",
               GOOD.but(manifest_edit=setting("layers", 0, "urls", to=["https://layers.example/base"])))
    yield case("good-docker-type", "A manifest states Docker's type and is named by that of OCI: the members are the same",
               GOOD.but(manifested=replacing(MANIFEST.encode(), b"application/vnd.docker.distribution.manifest.v2+json")))


def unproven() -> Iterator[Case]:
    """Nothing is wrong, and something was not established."""
    yield case("intact-unsigned", "There is no signature, and none is required", UNSIGNED, trust=(), options=REQUIRE,
               outcome=INTACT)
    yield case("intact-docker-save", "docker save wrote its own list of the same images beside index.json",
               UNSIGNED.but(extra=docker(AMD64_CONFIG, BASE, AMD64)), trust=(), options=REQUIRE, outcome=INTACT)
    yield case("unproven-unsigned", "There is no signature", UNSIGNED, outcome=NOT_VERIFIED)
    yield case("unproven-no-key", "No key is given", GOOD, trust=(), outcome=NOT_VERIFIED)
    yield case("unproven-sparse", "The images for one platform are not carried",
               GOOD.but(blobs=leaving(sparse_paths())), outcome=NOT_VERIFIED, standings={"index.json": "pinned"})
    yield case("unproven-foreign-layer", "A layer is not carried and has to be fetched elsewhere, which nothing here does",
               GOOD.but(manifest_edit=setting("layers", 1, "urls", to=["https://layers.example/amd64"]),
                        blobs=leaving([LAYER_PATH])), outcome=NOT_VERIFIED)
    yield case("unproven-docker-save-signed", "index.json is signed, the list of docker save is not",
               GOOD.but(extra=docker(AMD64_CONFIG, BASE, AMD64)), outcome=NOT_VERIFIED,
               standings={"manifest.json": "listed", "repositories": "listed", LAYER_PATH: "pinned"})
    yield case("unproven-empty", "index.json lists nothing", Oci(
        indexed=lambda data: b'{"schemaVersion":2,"manifests":[]}', blobs=dict.clear), outcome=NOT_VERIFIED)


def docker(config: bytes, *layers: bytes) -> dict[str, bytes]:
    """What docker save writes beside a layout."""
    image = {"Config": bare(config), "RepoTags": ["scanner:1.4.2"], "Layers": [bare(layer) for layer in layers]}
    return {"manifest.json": compact([image]), "repositories": b'{"scanner":{"1.4.2":"00"}}\n'}


def leaving(paths: list[str]) -> Callable[[Blobs], None]:
    """Leave blobs out."""
    def edit(blobs: Blobs) -> None:
        """Each of them must have been there."""
        for path in paths:
            del blobs[path]
    return edit


def sparse_paths() -> list[str]:
    """All that only the image for arm64 needs."""
    layer = bare(gzip_fixed(LAYERS["arm64"]))
    manifest = next(path for path, data in TREE.items() if sha256(gzip_fixed(LAYERS["arm64"])).encode() in data)
    return [manifest, layer, bare(compact({"architecture": "arm64", "os": "linux"}))]


def named(digested: str) -> Edit:
    """The configuration of the manifest is named by this digest."""
    return setting("config", "digest", to=digested)


def cyclic() -> Oci:
    """Two indexes that name each other: at most one of the digests can be right."""
    first = compact({"schemaVersion": 2, "manifests": [{"mediaType": INDEX, "digest": "sha256:" + "c" * 64, "size": 9}]})
    second = compact({"schemaVersion": 2, "manifests": [
        {"mediaType": INDEX, "digest": digest(first), "size": len(first)}]}).ljust(9)
    blobs = {path_of(digest(first)): first, "blobs/sha256/" + "c" * 64: second}
    return GOOD.but(extra=blobs, index_edit=lambda index: index["manifests"].append(
        {"mediaType": INDEX, "digest": digest(first), "size": len(first)}))


def nested(depth: int) -> Oci:
    """Indexes one below the other."""
    data, blobs = compact({"schemaVersion": 2, "manifests": []}), {}
    for _ in range(depth):
        blobs[bare(data)] = data
        data = compact({"schemaVersion": 2, "manifests": [{"mediaType": INDEX, "digest": digest(data), "size": len(data)}]})
    blobs[bare(data)] = data
    return GOOD.but(extra=blobs, index_edit=lambda index: index["manifests"].append(
        {"mediaType": INDEX, "digest": digest(data), "size": len(data)}))


def swapped(manifest: dict[str, Any]) -> None:
    """The configuration is named a second time, with another size."""
    manifest["layers"].append(manifest["config"] | {"mediaType": LAYER, "size": 7})


def bad() -> Iterator[Case]:
    """One defect each."""
    upper = digest(AMD64_CONFIG).upper().replace("SHA256", "sha256")
    yield case("index-altered", "index.json names an image otherwise than what was signed",
               GOOD.but(sign=SIGN, signature="index.dsse.json", shipped=replacing(b"1.4.2", b"1.4.3")), "dsse-payload")
    yield case("index-altered-cosign", "index.json is not the file that was signed",
               GOOD.but(shipped=replacing(b"1.4.2", b"1.4.3")), "blob-signature", subject="index.json.sig")
    yield case("wrong-key-given", "The key given is a stranger's", GOOD, "blob-signature", trust=key("stranger"))
    yield case("payload-type-other", "The payload type is not that of an index",
               GOOD.but(sign=SIGN.but(payload_type="application/json"), signature="index.dsse.json"), "dsse-payload-type")
    yield case("index-not-json", "index.json is no JSON", GOOD.but(indexed=lambda data: b"foobar"), "document-json",
               subject="index.json")
    yield case("index-key-twice", "index.json has manifests twice",
               GOOD.but(indexed=replacing(b'{"schemaVersion":2', b'{"manifests":[],"schemaVersion":2')), "document-json")
    yield case("index-schema-1", "The schemaVersion is 1", GOOD.but(index_edit=setting("schemaVersion", to=1)),
               "document-schema", subject="index.json")
    yield Case("oci-layout", "index-directory", "index.json is a directory", verify(FOLDER, *REQUIRE), {
        (path.replace("index.json", "index.json/manifest")): data for path, data in UNSIGNED.folder().items()},
        failing=("document-present",), subject="index.json", kind="oci:layout")
    yield case("layout-version", "oci-layout is of a version to come",
               GOOD.but(layout=replacing(b"1.0.0", b"2.0.0")), "document-schema", subject="oci-layout")
    yield case("layer-altered", "One bit of a layer is flipped", GOOD.but(entries=altered(LAYER_PATH)), "entry-digest",
               subject=LAYER_PATH, standings={LAYER_PATH: "contradicted"})
    yield case("manifest-altered", "One bit of a manifest is flipped", GOOD.but(entries=altered(DOCUMENT["amd64"])),
               "entry-digest", subject=DOCUMENT["amd64"], standings={DOCUMENT["amd64"]: "contradicted"})
    yield case("sha512-altered", "A layer that is named by SHA-512 was changed", GOOD.but(
        algorithm="sha512", entries=altered(path_of(digest(AMD64, "sha512")), flipped)), "entry-digest")
    yield case("size-misstated", "A manifest states a size that is too large",
               GOOD.but(manifest_edit=setting("layers", 1, "size", to=4096)), "entry-size", subject=LAYER_PATH)
    yield case("size-second-misstated", "A blob is named twice, the second time with another size",
               GOOD.but(manifest_edit=swapped), "entry-size", subject=bare(AMD64_CONFIG))
    yield case("digest-path", "A digest is a path out of the layout",
               GOOD.but(manifest_edit=named("sha256:../../../etc/passwd")), "oci-descriptor")
    yield case("digest-upper-case", "A digest is written in upper case", GOOD.but(manifest_edit=named(upper)),
               "oci-descriptor")
    yield case("digest-short", "A digest lacks a digit", GOOD.but(manifest_edit=named(digest(AMD64_CONFIG)[:-1])),
               "oci-descriptor")
    yield case("digest-algorithm", "A digest is of an algorithm that nobody can compare",
               GOOD.but(manifest_edit=named("md5:" + "0" * 32)), "oci-descriptor")
    yield case("data-differs", "The data of a descriptor is not its content",
               GOOD.but(artifact_edit=setting("config", "data", to="W10=")), "oci-descriptor", subject=DOCUMENT_ARTIFACT)
    yield case("media-type-malformed", "A media type is none", GOOD.but(manifest_edit=setting(
        "config", "mediaType", to="../config")), "oci-descriptor")
    yield case("index-and-manifest", "A manifest has manifests too: readers see an index or a manifest",
               GOOD.but(manifest_edit=lambda manifest: manifest.update(manifests=[])), "oci-graph")
    yield case("manifest-as-index", "A manifest is named as an index",
               GOOD.but(nested_edit=setting("manifests", 0, "mediaType", to=INDEX)), "oci-graph")
    yield case("manifest-type-other", "A manifest says that it is an index",
               GOOD.but(manifest_edit=setting("mediaType", to=INDEX)), "oci-graph")
    yield case("manifest-member-case", "A manifest has a member Manifests, which some readers take for manifests",
               GOOD.but(manifest_edit=lambda manifest: manifest.update(Manifests=[])), "oci-graph")
    yield case("index-cycle", "Two indexes name each other: one of the digests is wrong", cyclic(), "entry-digest")
    yield case("index-too-deep", "Nine documents one below the other", nested(7), "oci-graph")
    yield case("blob-unlisted", "A blob is there that no document names", GOOD.but(extra={
        bare(b"stray\n"): b"stray\n"}), "entry-unlisted", subject=bare(b"stray\n"))
    yield case("file-unlisted", "A file lies beside index.json that no document names",
               GOOD.but(extra={"README.md": b"Trust me.\n"}), "entry-unlisted", subject="README.md")
    yield case("blob-symlink", "A blob is a link to another", GOOD.but(entries=at(LAYER_PATH, lambda entry: replace(
        entry, data=b"", type=SYMLINK, link=bare(BASE).rsplit("/", 1)[1].encode()))), "entry-link", "entry-digest")
    yield case("docker-save-other-layers", "docker save lists an image with other layers than those of OCI", UNSIGNED.but(
        extra=docker(AMD64_CONFIG, BASE)), "documents-agree", trust=(), options=REQUIRE, subject="manifest.json")


def artifact_with_other_data() -> str:
    """Where the artifact of `data-differs` lies."""
    tree = GOOD.but(artifact_edit=setting("config", "data", to="W10=")).tree()
    return next(path for path, data in tree.items() if b'"W10="' in data)


DOCUMENT_ARTIFACT = artifact_with_other_data()


def cases() -> Iterator[Case]:
    """All of them."""
    for family in (good, unproven, bad):
        yield from family()
