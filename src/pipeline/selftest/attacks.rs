//! The attacks: what is laid down, and what must come out. Numbers are those of docs/attacks.md.

use super::archive::{HUGE_WINDOW, SMALL_WINDOW, Tar, gzip, layout, octal, record, zstd};
use super::{Attack, Expected, Laid, Trust};
use crate::format::digest::{hex, sha256};
use crate::trust::check::Class::{self, Container, Integrity, Signature};

/// An attack on an archive of which digests and completeness are asked for.
fn archive(number: &'static str, name: &'static str, id: &'static str, bytes: Vec<u8>) -> Attack {
    judged(number, name, Container, id, bytes)
}

fn judged(number: &'static str, name: &'static str, class: Class, id: &'static str, bytes: Vec<u8>) -> Attack {
    let laid = Laid::Files(vec![("release.tar", bytes)]);
    Attack { number, name, laid, trust: Trust::Digests, expected: Expected::Failed(class, id) }
}

/// An attack on signatures of a genuine bundle: the envelope beside it is exchanged.
fn envelope(
    number: &'static str,
    name: &'static str,
    id: &'static str,
    trust: Trust,
    envelope: &'static [u8],
) -> Attack {
    let laid = Laid::Files(vec![("bundle.tgz", BUNDLE.to_vec()), ("manifest.dsse.json", envelope.to_vec())]);
    Attack { number, name, laid, trust, expected: Expected::Failed(Signature, id) }
}

const BUNDLE: &[u8] = include_bytes!("data/bundle.tgz");

/// Where links and names of attacks lead to: files that must not change.
const OUT: &str = "../sentinel";

/// All attacks, by number.
pub(super) fn all() -> Vec<Attack> {
    let mut all = good();
    all.extend(links());
    all.extend(names());
    all.extend(differentials());
    all.extend(documents());
    all.extend(signatures());
    all.extend(images());
    all.extend(exhaustion());
    all.extend(deceit());
    all
}

/// What is right must come out right, or refusing everything would hold too.
fn good() -> Vec<Attack> {
    let bundle =
        vec![("bundle.tgz", BUNDLE.to_vec()), ("manifest.dsse.json", include_bytes!("data/good.dsse.json").to_vec())];
    let listed = vec![("release.tar", Tar::release().end())];
    vec![
        Attack {
            number: "-",
            name: "no attack: a signed bundle",
            laid: Laid::Files(bundle),
            trust: Trust::Key(1),
            expected: Expected::Verified,
        },
        Attack {
            number: "-",
            name: "no attack: a listed archive",
            laid: Laid::Files(listed),
            trust: Trust::Digests,
            expected: Expected::Intact,
        },
    ]
}

fn links() -> Vec<Attack> {
    let file = format!("{OUT}/file");
    vec![
        archive(
            "A1",
            "file through a link to the outside",
            "entry-link",
            Tar::release().link("d", b'2', OUT).file("d/evil", b"x").end(),
        ),
        archive(
            "A1",
            "file through a link to an absolute place",
            "entry-link",
            Tar::release().link("d", b'2', "/tmp").file("d/evil", b"x").end(),
        ),
        archive(
            "A1",
            "file through a link to a folder beside it",
            "entry-link",
            Tar::release().link("d", b'2', "bin").file("d/evil", b"x").end(),
        ),
        archive("A2", "hard link to the outside", "entry-link", Tar::release().link("h", b'1', &file).end()),
        archive("A2", "hard link to itself", "entry-link", Tar::release().link("h", b'1', "h").end()),
        archive(
            "A2",
            "hard link to a later file",
            "entry-link",
            Tar::release().link("h", b'1', "later").file("later", b"x").end(),
        ),
        archive(
            "A2",
            "hard link to a link",
            "entry-link",
            Tar::release().link("s", b'2', &file).link("h", b'1', "s").end(),
        ),
        archive(
            "A4",
            "folder of the name of a link, to change modes",
            "entry-duplicate",
            Tar::release().link("s", b'2', OUT).folder("s/", 0o777).end(),
        ),
        archive(
            "A5",
            "one name, link and file",
            "entry-duplicate",
            Tar::release().link("moo", b'2', &file).file("moo", b"x").end(),
        ),
        archive("A5", "one name, two contents", "entry-duplicate", Tar::release().file("bin/tool", b"other").end()),
        archive(
            "A10",
            "device",
            "entry-type",
            Tar::release().header("dev", b'3', 0o666, octal(0).as_bytes(), "").end(),
        ),
        archive("A10", "setuid", "entry-mode", Tar::release().header("s", b'0', 0o4755, octal(0).as_bytes(), "").end()),
        archive(
            "A11",
            "root of the archive is a link",
            "entry-path",
            Tar::default().link("./", b'2', OUT).file("x", b"x").end(),
        ),
    ]
}

fn names() -> Vec<Attack> {
    let named = |number, what, name: &str| archive(number, what, "entry-path", Tar::release().file(name, b"x").end());
    let long = Tar::release().pax(&record("path", &"d/".repeat(3000))).file("short", b"x").end();
    let portable = |number, what, one: &str, other: &str| {
        let sum = hex(&sha256(b"x"));
        let list = format!("{sum}  {one}\n{sum}  {other}\n");
        let tar = Tar::default().file("SHA256SUMS", list.as_bytes()).file(one, b"x").file(other, b"x");
        Attack { trust: Trust::PortableNames, ..archive(number, what, "portable-names", tar.end()) }
    };
    vec![
        named("A3", "name that leaves the target", "../../sentinel/evil"),
        named("A3", "absolute name", "/tmp/portcullis-evil"),
        judged(
            "A3",
            "name in a list that leaves the target",
            Integrity,
            "checksum-list",
            listing(&format!("{}  ../../sentinel/file\n", hex(&sha256(b"x")))),
        ),
        named("A7", "name that leaves and comes back", "a/../../in/b"),
        archive(
            "A7",
            "link that leaves by way of another link",
            "entry-link",
            Tar::release().folder("d/", 0o755).link("d/l1", b'2', "..").link("l2", b'2', "d/l1/../secret").end(),
        ),
        archive("A7", "name longer than any path", "entry-path", long),
        named("A8", "drive letter", "C:evil"),
        named("A8", "backslashes", "a\\..\\..\\evil"),
        portable("A8", "names that Windows reserves", "CON", "nul.txt"),
        portable("A9", "names that differ in case", "A", "a"),
        portable("A9", "names that differ in Unicode form", "e\u{301}", "\u{e9}"),
    ]
}

fn differentials() -> Vec<Attack> {
    let inner = Tar::default().file("evil", b"x").end();
    let size = |size: usize| octal(size);
    let hidden = Tar::release().pax(&record("size", &inner.len().to_string()));
    let hidden = hidden.header("f", b'0', 0o644, size(0).as_bytes(), "").data(&inner).end();
    let mut negative = [0xFF; 12];
    negative[11] = 0;
    vec![
        archive("B1", "two sizes, one of which hides an archive", "tar-size", hidden),
        archive("B1", "size below zero", "tar-header", Tar::release().header("f", b'0', 0o644, &negative, "").end()),
        archive(
            "B1",
            "size beyond all numbers",
            "tar-header",
            Tar::release()
                .header("f", b'0', 0o644, &[0x80, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], "")
                .end(),
        ),
        archive(
            "B2",
            "PAX record of a wrong length",
            "tar-extension",
            Tar::release().pax(b"99 path=x\n").file("f", b"x").end(),
        ),
        archive(
            "B2",
            "two long names for one entry",
            "tar-extension",
            Tar::release()
                .member("././@LongLink", b'L', b"a\0")
                .member("././@LongLink", b'L', b"b\0")
                .file("f", b"x")
                .end(),
        ),
        archive(
            "B3",
            "second archive behind the end",
            "container-trailing",
            [Tar::release().end(), Tar::default().file("evil", b"x").end()].concat(),
        ),
        archive(
            "B3",
            "bytes behind a gzip stream",
            "container-trailing",
            [gzip(&Tar::release().end()), b"evil".to_vec()].concat(),
        ),
        archive("B3", "no end", "tar-end", Tar::release().open()),
        archive(
            "B3",
            "cut short",
            "container-truncated",
            Tar::release().header("f", b'0', 0o644, size(4096).as_bytes(), "").data(b"x").open(),
        ),
        archive("B4", "text that calls itself an archive", "container-format", b"this is no archive\n".to_vec()),
    ]
}

/// A collection with this list and one file, `f`.
fn listing(list: &str) -> Vec<u8> {
    Tar::default().file("SHA256SUMS", list.as_bytes()).file("f", b"x").end()
}

fn documents() -> Vec<Attack> {
    let sum = hex(&sha256(b"x"));
    let other = hex(&sha256(b"y"));
    let beside = Laid::Files(vec![
        ("release.tar", Tar::release().end()),
        ("release.tar.sha256", format!("{other}  release.tar\n").into_bytes()),
    ]);
    let empty = Attack {
        expected: Expected::NotVerified,
        ..judged("G9", "list of nothing", Integrity, "", listing("# nothing\n"))
    };
    let altered = format!("{other}  f\n");
    vec![
        judged(
            "B7",
            "one path twice, with two digests",
            Integrity,
            "documents-agree",
            listing(&format!("{sum}  f\n{other}  f\n")),
        ),
        judged("B7", "content that the list contradicts", Integrity, "entry-digest", listing(&altered)),
        judged("B7", "file that no list names", Integrity, "entry-unlisted", Tar::release().file("extra", b"x").end()),
        judged("B7", "file that is not there", Integrity, "entry-missing", listing(&format!("{sum}  f\n{sum}  g\n"))),
        judged(
            "G9",
            "weak digest in a list of SHA-256",
            Integrity,
            "checksum-list",
            listing("9dd4e461268c8034f5c8564e155c67a6  f\n"),
        ),
        judged("G9", "byte order mark", Integrity, "checksum-list", listing(&format!("\u{feff}{sum}  f\n"))),
        empty,
        Attack {
            laid: beside,
            ..judged("G6", "list beside the input is of another file", Integrity, "sidecar-digest", Vec::new())
        },
    ]
}

fn signatures() -> Vec<Attack> {
    let key = Trust::Key(1);
    let two = Trust::Key(2);
    let nothing = Attack {
        expected: Expected::NotVerified,
        trust: Trust::Nobody,
        ..judged("C7", "nothing to verify with", Integrity, "", Tar::release().end())
    };
    let bundled = Tar::default().file("keys/trusted.pub", include_bytes!("data/key.pub.pem"));
    let list = format!("{}  keys/trusted.pub\n", hex(&sha256(include_bytes!("data/key.pub.pem"))));
    let bundled = Attack {
        expected: Expected::NotVerified,
        trust: Trust::Nobody,
        ..judged(
            "C11",
            "key that travels in the bundle",
            Integrity,
            "",
            bundled.file("SHA256SUMS", list.as_bytes()).end(),
        )
    };
    let raw = Laid::Envelope(include_bytes!("data/raw-payload.dsse.json").to_vec());
    vec![
        envelope(
            "C2",
            "good signature over another kind of document",
            "dsse-payload-type",
            key,
            include_bytes!("data/payload-type-other.dsse.json"),
        ),
        envelope(
            "C3",
            "genuine envelope of an older release",
            "dsse-payload",
            key,
            include_bytes!("data/envelope-of-older-release.dsse.json"),
        ),
        envelope(
            "C4",
            "one key counted twice",
            "dsse-signature",
            two,
            include_bytes!("data/same-key-two-keyids.dsse.json"),
        ),
        envelope(
            "C5",
            "stranger with the key id of a trusted key",
            "dsse-signature",
            key,
            include_bytes!("data/stranger-with-trusted-keyid.dsse.json"),
        ),
        envelope("C6", "algorithm none", "dsse-signature", key, include_bytes!("data/algorithm-none.dsse.json")),
        envelope(
            "C6",
            "public key as a shared secret",
            "dsse-signature",
            key,
            include_bytes!("data/hmac-with-public-key.dsse.json"),
        ),
        nothing,
        Attack {
            number: "C8",
            name: "payload signed without its type",
            laid: raw,
            trust: key,
            expected: Expected::Failed(Signature, "dsse-signature"),
        },
        bundled,
        Attack {
            number: "D9",
            name: "snapshot signed by a stranger",
            laid: Laid::Repository,
            trust: Trust::Nobody,
            expected: Expected::Failed(Class::Tuf, "tuf-snapshot"),
        },
    ]
}

fn images() -> Vec<Attack> {
    const CONFIG: &[u8] = b"{}";
    const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
    let descriptor = |kind: &str, digest: &str, size: usize| {
        format!(r#"{{"mediaType":"{kind}","digest":"{digest}","size":{size}}}"#)
    };
    let digest = |bytes: &[u8]| format!("sha256:{}", hex(&sha256(bytes)));
    let config = descriptor("application/vnd.oci.image.config.v1+json", &digest(CONFIG), CONFIG.len());
    let manifest = |config: &str, more: &str| {
        format!(r#"{{"schemaVersion":2,"mediaType":"{IMAGE}","config":{config},"layers":[]{more}}}"#)
    };
    let index = |entries: &str| format!(r#"{{"schemaVersion":2,"manifests":[{entries}]}}"#);
    let of = |manifest: &str| {
        layout(&[CONFIG, manifest.as_bytes()], &index(&descriptor(IMAGE, &digest(manifest.as_bytes()), manifest.len())))
    };
    let good = manifest(&config, "");
    let entry = descriptor(IMAGE, &digest(good.as_bytes()), good.len());
    let twice = format!(r#"{{"schemaVersion":2,"manifests":[{entry}],"m\u0061nifests":[]}}"#);
    let sized = manifest(&descriptor("application/vnd.oci.image.config.v1+json", &digest(CONFIG), 3), "");
    let escape =
        manifest(&descriptor("application/vnd.oci.image.config.v1+json", "sha256:../../../sentinel/file", 2), "");
    vec![
        judged(
            "B5",
            "JSON with one key twice, once escaped",
            Integrity,
            "document-json",
            layout(&[CONFIG, good.as_bytes()], &twice),
        ),
        judged(
            "B6",
            "manifest that is an index too",
            Integrity,
            "oci-graph",
            of(&manifest(&config, r#","manifests":[]"#)),
        ),
        judged("E1", "digest that is a path", Integrity, "oci-descriptor", of(&escape)),
        judged("E2", "one digest, two sizes", Integrity, "entry-size", of(&sized)),
        judged(
            "E3",
            "blob that nothing names",
            Integrity,
            "entry-unlisted",
            layout(&[CONFIG, good.as_bytes(), b"orphan"], &index(&entry)),
        ),
    ]
}

fn exhaustion() -> Vec<Attack> {
    let bomb = Tar::default().header("bomb", b'0', 0o644, b"77777777777\0", "").open();
    vec![
        archive("F1", "zstd bomb, 16 KiB to 512 MiB", "limit-ratio", zstd(&bomb, 4096, SMALL_WINDOW)),
        archive("F1", "zstd window of 2 TiB", "limit-window", zstd(&Tar::release().end(), 0, HUGE_WINDOW)),
        archive(
            "F1",
            "sparse file of 8 GiB in no bytes",
            "entry-type",
            Tar::release().header("s", b'S', 0o644, octal(0).as_bytes(), "").end(),
        ),
        archive(
            "F1",
            "PAX header of 8 GiB",
            "tar-extension",
            Tar::release().header("PaxHeaders/x", b'x', 0o644, b"77777777777\0", "").end(),
        ),
        archive(
            "F1",
            "archives inside one another",
            "limit-depth",
            (0..6).fold(Tar::release().end(), |inner, _| gzip(&inner)),
        ),
    ]
}

fn deceit() -> Vec<Attack> {
    let named =
        |what, name: &str| judged("G4", what, Integrity, "entry-unlisted", Tar::release().file(name, b"x").end());
    let tree = Attack {
        laid: Laid::LinkedTree,
        ..archive("G8", "folder with a link to the outside", "entry-link", Vec::new())
    };
    vec![
        named("name that rewrites the line", "ok\x1b[2K\r\u{2714} VERIFIED"),
        named("name that is a hyperlink", "\x1b]8;;mailto:x\x07ok\x1b]8;;\x07"),
        named("name with a line end", "ok\nVERIFIED  release.tar"),
        named("name that runs backwards", "ok\u{202e}rat.gz"),
        tree,
    ]
}
