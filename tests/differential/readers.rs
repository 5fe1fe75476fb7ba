//! The readers that are compared: our own, and other programs by their listings and the bytes that they put out.

use portcullis::format::digest::{hex, sha256};
use portcullis::format::inventory::EntryKind;
use portcullis::format::limits::Limits;
use portcullis::format::tar::{TarInput, TarReader};
use portcullis::pipeline::inspect::{self, Request};
use portcullis::pipeline::progress::Progress;
use portcullis::pipeline::scan::{ScanOptions, SubjectDigest};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// One member as a reader saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Without spaces before it and slashes behind it.
    pub(crate) name: Vec<u8>,
    /// The letter of a listing: `-`, `d`, `l` for symbolic, `h` for hard links.
    pub(crate) kind: char,
    pub(crate) size: u64,
    pub(crate) link: Option<Vec<u8>>,
}

/// Members in the order of the archive, and the SHA-256 of the bytes of all regular files one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) members: Vec<Seen>,
    pub(crate) bytes: String,
}

/// A reader that can be asked about many archives at once.
pub(crate) struct Reader {
    pub(crate) name: &'static str,
    pub(crate) version: String,
    read: Views,
}

/// What a reader sees of each archive.
type Views = fn(&[PathBuf]) -> Vec<Result<View, String>>;

impl Reader {
    /// What the reader sees of each archive, or the words in which it refuses it.
    pub(crate) fn views(&self, archives: &[PathBuf]) -> Vec<Result<View, String>> {
        let views = (self.read)(archives);
        assert_eq!(views.len(), archives.len(), "{}", self.name);
        views
    }
}

/// The readers of this machine; what is missing is said on standard error.
pub(crate) fn installed() -> Vec<Reader> {
    let known: [(&str, &[&str], Views); 3] = [
        ("GNU tar", &["tar", "--version"], |all| all.iter().map(|archive| listed(archive, Lister::Gnu)).collect()),
        ("bsdtar", &["bsdtar", "--version"], |all| all.iter().map(|archive| listed(archive, Lister::Bsd)).collect()),
        ("Python's tarfile", &["python3", "--version"], python),
    ];
    let mut found = Vec::new();
    for (name, command, read) in known {
        let output = Command::new(command[0]).args(&command[1..]).output();
        let version = output
            .ok()
            .filter(|output| output.status.success())
            .map(|output| String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned());
        match version.filter(|version| name != "GNU tar" || version.contains("GNU")) {
            Some(version) => found.push(Reader { name, version, read }),
            None => eprintln!("SKIPPED: {name} is not installed; nothing is compared with it"),
        }
    }
    found
}

// ---- ours ----------------------------------------------------------------------------------------------------------

struct Slice<'a>(&'a [u8]);

impl Read for Slice<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl TarInput for Slice<'_> {
    fn skip(&mut self, count: u64) -> io::Result<u64> {
        let count = usize::try_from(count).unwrap_or(usize::MAX).min(self.0.len());
        self.0 = &self.0[count..];
        Ok(count as u64)
    }
}

/// Our view of the archive in `path`; `Err` where the scan finds any defect, as `verify` fails then.
pub(crate) fn ours(path: &Path) -> Result<View, String> {
    let scan = ScanOptions { limits: Limits::default(), jobs: 1, subject: SubjectDigest::None, sha512: false };
    let reading = inspect::read(&Request::new(path, scan), &Progress::default()).expect("the file can be read");
    let inventory = &reading.inventory;
    if let Some(anomaly) = inventory.anomalies.first() {
        return Err(format!("{}: {}", anomaly.defect.id(), anomaly.detail));
    }
    if inventory.container != ["tar"] {
        return Err(format!("read as {:?}", inventory.container));
    }
    let archive = std::fs::read(path).expect("the file can be read");
    let mut reader = TarReader::new(Slice(&archive));
    let (mut members, mut all, mut digests) = (Vec::new(), Vec::new(), BTreeMap::new());
    while let Some(member) = reader.next_member().expect("the scan found nothing wrong") {
        let mut data = Vec::new();
        let mut buffer = vec![0; 1 << 16];
        loop {
            match reader.read_data(&mut buffer).expect("the scan found nothing wrong") {
                0 => break,
                count => data.extend_from_slice(&buffer[..count]),
            }
        }
        let kind = match member.kind {
            EntryKind::File => '-',
            EntryKind::Dir => 'd',
            EntryKind::Symlink => 'l',
            EntryKind::Hardlink => 'h',
            other => return Err(format!("an entry of type {}", other.name())),
        };
        if kind == '-' {
            digests.entry(member.path.clone()).or_insert_with(Vec::new).push(sha256(&data));
            all.extend(data);
        }
        members.push(Seen {
            name: member.path.trim_ascii_start().to_vec(),
            kind,
            size: member.size,
            link: member.link,
        });
    }
    // The report is made from the inventory: it has to hold the same bytes.
    for entry in inventory.entries.iter().filter(|entry| entry.kind == EntryKind::File) {
        let digest = entry.digest().expect("a file without a defect was hashed");
        assert!(digests[&entry.path.to_vec()].contains(digest), "{}", path.display());
    }
    assert_eq!(inventory.entries.len(), members.len());
    Ok(View { members, bytes: hex(&sha256(&all)) })
}

// ---- tar and bsdtar ------------------------------------------------------------------------------------------------

#[derive(Clone, Copy, PartialEq)]
enum Lister {
    Gnu,
    Bsd,
}

fn output(lister: Lister, list: bool, archive: &Path) -> Result<Output, String> {
    let mut command = match lister {
        Lister::Gnu => Command::new("tar"),
        Lister::Bsd => Command::new("bsdtar"),
    };
    command.env("LC_ALL", "C.UTF-8").env("TZ", "UTC").env_remove("TAR_OPTIONS").stdin(Stdio::null());
    match (lister, list) {
        (Lister::Gnu, true) => command.args(["--list", "-v", "--numeric-owner", "-P", "--quoting-style=escape", "-f"]),
        (Lister::Gnu, false) => command.args(["--extract", "--to-stdout", "-P", "-f"]),
        (Lister::Bsd, true) => command.args(["-t", "-v", "--numeric-owner", "-P", "-f"]),
        (Lister::Bsd, false) => command.args(["-x", "-O", "-P", "-f"]),
    };
    let output = command.arg(archive).output().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    // bsdtar says of a name that is not UTF-8 that it cannot show it as such, lists it as it stands, and fails at the end.
    let about_names =
        |line: &str| line.contains("can't be converted from UTF-8") || line.contains("Error exit delayed");
    let only_names = lister == Lister::Bsd && !said.is_empty() && said.lines().all(about_names);
    if output.status.success() || only_names { Ok(output) } else { Err(said) }
}

fn listed(archive: &Path, lister: Lister) -> Result<View, String> {
    let lines = output(lister, true, archive)?.stdout;
    let members = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let members = members.map(|line| line_of(line, lister).ok_or_else(|| shown(line))).collect::<Result<_, _>>();
    let members = members.map_err(|line| format!("a line that is not understood: {line}"))?;
    Ok(View { members, bytes: hex(&sha256(&output(lister, false, archive)?.stdout)) })
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `MODE OWNER/GROUP SIZE DATE TIME NAME` of GNU, `MODE LINKS OWNER GROUP SIZE MONTH DAY TIME NAME` of bsdtar.
fn line_of(line: &[u8], lister: Lister) -> Option<Seen> {
    let (size_at, name_at) = if lister == Lister::Gnu { (2, 5) } else { (4, 8) };
    let mut rest = line;
    let mut words = Vec::new();
    for _ in 0..name_at {
        let start = rest.iter().position(|byte| *byte != b' ')?;
        rest = &rest[start..];
        let end = rest.iter().position(|byte| *byte == b' ')?;
        words.push(&rest[..end]);
        rest = &rest[end..];
    }
    // Columns are as wide as the widest so far, so spaces before a name are not told from a narrow column.
    let shown_name = rest.trim_ascii_start();
    // A contiguous file is a file.
    let mut kind = if words[0].first() == Some(&b'C') { '-' } else { char::from(*words[0].first()?) };
    let split = |separator: &[u8]| {
        let at = shown_name.windows(separator.len()).position(|part| part == separator)?;
        Some((&shown_name[..at], &shown_name[at + separator.len()..]))
    };
    // Symbolic links by their letter; hard links by what GNU writes as letter and bsdtar only as words.
    let (name, link) = match (kind, split(b" link to ")) {
        ('l', _) => split(b" -> ").map(|(name, link)| (name, Some(link)))?,
        ('h' | '-', Some((name, link))) => {
            kind = 'h';
            (name, Some(link))
        }
        _ => (shown_name, None),
    };
    let size = std::str::from_utf8(words[size_at]).ok()?.parse().ok()?;
    Some(Seen { name: unescaped(name)?, kind, size, link: link.map(unescaped).transpose_option()? })
}

trait TransposeOption<T> {
    fn transpose_option(self) -> Option<Option<T>>;
}

impl<T> TransposeOption<T> for Option<Option<T>> {
    fn transpose_option(self) -> Option<Option<T>> {
        match self {
            None => Some(None),
            Some(inner) => inner.map(Some),
        }
    }
}

/// Octal and the letters of C; the slashes at the end of a name go.
fn unescaped(text: &[u8]) -> Option<Vec<u8>> {
    let (mut out, mut at) = (Vec::new(), 0);
    while let Some(byte) = text.get(at) {
        at += 1;
        if *byte != b'\\' {
            out.push(*byte);
            continue;
        }
        let letter = *text.get(at)?;
        if letter.is_ascii_digit() {
            let digits = std::str::from_utf8(text.get(at..at + 3)?).ok()?;
            out.push(u8::from_str_radix(digits, 8).ok()?);
            at += 3;
            continue;
        }
        at += 1;
        out.push(match letter {
            b'a' => 7,
            b'b' => 8,
            b't' => b'\t',
            b'n' => b'\n',
            b'v' => 11,
            b'f' => 12,
            b'r' => b'\r',
            other => other,
        });
    }
    while out.len() > 1 && out.ends_with(b"/") {
        out.pop();
    }
    Some(out)
}

// ---- Python --------------------------------------------------------------------------------------------------------

const SCRIPT: &str = r#"
import hashlib, json, sys, tarfile
def encoded(name):
    return list(name.encode("utf-8", "surrogateescape"))
for path in sys.stdin.read().splitlines():
    try:
        members, total = [], hashlib.sha256()
        with tarfile.open(path, "r:", errorlevel=2, encoding="utf-8", errors="surrogateescape") as archive:
            for member in archive:
                kind = ("-" if member.isreg() else "d" if member.isdir() else "l" if member.issym() else
                        "h" if member.islnk() else "?")
                link = encoded(member.linkname) if kind in "lh" else None
                members.append({"name": encoded(member.name), "kind": kind, "size": member.size, "link": link})
                if kind == "-":
                    total.update(archive.extractfile(member).read())
        print(json.dumps({"members": members, "bytes": total.hexdigest()}))
    except Exception as error:
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}))
"#;

fn python(archives: &[PathBuf]) -> Vec<Result<View, String>> {
    let mut command = Command::new("python3");
    command.args(["-I", "-c", SCRIPT]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("python3 was there before");
    let names: Vec<String> = archives.iter().map(|path| path.display().to_string()).collect();
    let mut input = child.stdin.take().expect("a pipe");
    let feeder = std::thread::spawn(move || input.write_all(names.join("\n").as_bytes()));
    let output = child.wait_with_output().expect("python3 ends");
    feeder.join().expect("the thread ends").expect("python3 reads its input");
    assert!(output.status.success(), "python3: {:?}", output.status);
    String::from_utf8(output.stdout).expect("JSON").lines().map(view_of).collect()
}

fn view_of(line: &str) -> Result<View, String> {
    let value: Value = serde_json::from_str(line).expect("JSON of the script");
    if let Some(error) = value["error"].as_str() {
        return Err(error.to_owned());
    }
    let bytes = |value: &Value| -> Vec<u8> {
        value.as_array().expect("bytes").iter().map(|byte| byte.as_u64().expect("a byte") as u8).collect()
    };
    let member = |member: &Value| Seen {
        name: bytes(&member["name"]).trim_ascii_start().to_vec(),
        kind: member["kind"].as_str().and_then(|kind| kind.chars().next()).expect("a letter"),
        size: member["size"].as_u64().expect("a size"),
        link: Some(&member["link"]).filter(|link| !link.is_null()).map(bytes),
    };
    let members = value["members"].as_array().expect("members").iter().map(member).collect();
    Ok(View { members, bytes: value["bytes"].as_str().expect("a digest").to_owned() })
}
