//! Names of files, made of names in metadata. A role or target name is untrusted text; only its quoted form, or a form
//! proven harmless, is ever used to open or make a file.

use super::refusal::Refusal;
use std::fmt::Write as _;

/// Longest file name that is made: NAME_MAX (255) less what `.NAME.PID.part` adds while it is written.
pub const MAX_NAME: usize = 230;

/// `name` with everything but the unreserved characters of RFC 3986 as `%XX`, dots too where they are all there is: one
/// component of a path, never `.` or `..`.
pub fn quote(name: &str) -> String {
    if !name.is_empty() && name.len() <= 2 && name.bytes().all(|byte| byte == b'.') {
        return "%2E".repeat(name.len());
    }
    let mut quoted = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => quoted.push(char::from(byte)),
            _ => _ = write!(quoted, "%{byte:02X}"),
        }
    }
    quoted
}

/// `V.role.json` or `role.json`, the role quoted.
pub fn metadata(role: &str, version: Option<u64>) -> Result<String, Refusal> {
    // Not `quote`: followed by `.json`, dots are no path, and other clients leave them as they are.
    let role_part = if role.bytes().all(|byte| byte == b'.') { role.to_string() } else { quote(role) };
    let name = match version {
        Some(version) => format!("{version}.{role_part}.json"),
        None => format!("{role_part}.json"),
    };
    bounded(role, name)
}

/// The name under which a target is copied out: quoted, one component.
pub fn copy(target: &str) -> Result<String, Refusal> {
    bounded(target, quote(target))
}

/// Where a repository keeps a target, below its folder of targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetPath {
    /// The quoted form: every component by itself where the name is a clean relative path, else the whole as one.
    pub quoted: String,
    /// The name as it is, where that is another one and harmless: a mirror on disk has it so.
    pub plain: Option<String>,
}

/// The path of `target`; with `digest` (consistent snapshots, step 5.7.3) `DIGEST.` stands before its last component.
pub fn target(target: &str, digest: Option<&str>) -> TargetPath {
    let (folder, base) = target.rsplit_once('/').map_or(("", target), |(folder, base)| (folder, base));
    let slash = if folder.len() + base.len() < target.len() { "/" } else { "" };
    let full = match digest {
        Some(digest) => format!("{folder}{slash}{digest}.{base}"),
        None => target.to_string(),
    };
    if !harmless(target) {
        return TargetPath { quoted: quote(&full), plain: None };
    }
    let quoted = full.split('/').map(quote).collect::<Vec<_>>().join("/");
    let plain = (quoted != full).then_some(full);
    TargetPath { quoted, plain }
}

/// Whether a name is a relative path of plain components.
fn harmless(name: &str) -> bool {
    name.split('/').all(|part| !matches!(part, "" | "." | "..")) && !name.contains(['\0', '\\'])
}

fn bounded(name: &str, file: String) -> Result<String, Refusal> {
    match file.len() {
        _ if name.is_empty() => Err(Refusal::Name { name: name.into(), why: "it is empty" }),
        0..=MAX_NAME => Ok(file),
        _ => Err(Refusal::Name { name: name.into(), why: "quoted, it is longer than file names are" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_quoted_is_a_path() {
        for (name, quoted) in [
            ("../../x", "..%2F..%2Fx"),
            ("..", "%2E%2E"),
            (".", "%2E"),
            ("a?b#c%d", "a%3Fb%23c%25d"),
            ("/abs", "%2Fabs"),
            ("é\0", "%C3%A9%00"),
            ("plain-1.2_3~", "plain-1.2_3~"),
        ] {
            assert_eq!(quote(name), quoted);
        }
        assert_eq!(metadata("../r", Some(3)).unwrap(), "3...%2Fr.json");
        assert_eq!(metadata("..", None).unwrap(), "...json");
        assert_eq!(metadata(".", Some(1)).unwrap(), "1...json");
        assert!(metadata("", None).is_err() && metadata(&"x".repeat(300), None).is_err());
        assert_eq!(copy("a/b").unwrap(), "a%2Fb");
    }

    #[test]
    fn the_digest_stands_before_the_last_component() {
        let path = |name, digest| target(name, digest);
        assert_eq!(path("a/b", Some("ff")), TargetPath { quoted: "a/ff.b".into(), plain: None });
        assert_eq!(path("b", Some("ff")).quoted, "ff.b");
        assert_eq!(path("a b", None), TargetPath { quoted: "a%20b".into(), plain: Some("a b".into()) });
        for bad in ["../b", "/b", "a//b", "a/./b", "a/", ".."] {
            let found = path(bad, None);
            assert!(!found.quoted.contains('/') && found.plain.is_none(), "{bad}: {found:?}");
        }
        assert_eq!(path("../b", Some("ff")).quoted, "..%2Fff.b");
        assert_eq!(path("/b", Some("ff")).quoted, "%2Fff.b");
    }
}
