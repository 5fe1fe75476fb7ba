//! Names of entries: bytes from a hostile archive, judged before anything is done with them.
//!
//! Attacks answered here (the classes are explained in `docs/threat-model.md`): absolute names, `..`, NUL, backslash, drive and
//! UNC names, names that only look alike. Writing through links is answered in `bundle::links`.

use caseless::Caseless as _;
use unicode_normalization::UnicodeNormalization as _;

/// Longest name in bytes (PATH_MAX of Linux with its final NUL).
pub const MAX_PATH: usize = 4096;
/// Longest component in bytes (NAME_MAX of ext4, NTFS and exFAT).
pub const MAX_COMPONENT: usize = 255;

/// The name without leading `./` and without trailing `/`: the form in which documents claim it. The root itself is empty.
pub fn normal(untrusted: &[u8]) -> &[u8] {
    let mut name = untrusted;
    while let Some(rest) = name.strip_prefix(b"./") {
        name = rest;
    }
    while let Some(rest) = name.strip_suffix(b"/") {
        name = rest;
    }
    if name == b"." { b"" } else { name }
}

/// The name as text from which its bytes can be told: UTF-8 as it is, else with `\\xNN` for stray bytes and `\\\\` for
/// backslashes.
pub fn lossless(untrusted: &[u8]) -> String {
    match std::str::from_utf8(untrusted) {
        Ok(text) => text.to_string(),
        Err(_) => untrusted.escape_ascii().to_string(),
    }
}

/// Why `untrusted` must never become a path on any system, or `None` for a safe relative name in normal form.
pub fn danger(untrusted: &[u8]) -> Option<String> {
    let name = untrusted;
    if name.is_empty() {
        return Some("the name is empty".into());
    }
    if name.len() > MAX_PATH {
        return Some(format!("the name has {} bytes, the limit is {MAX_PATH} (PATH_MAX)", name.len()));
    }
    if name.contains(&0) {
        return Some("the name contains a NUL byte".into());
    }
    if name.starts_with(b"/") {
        return Some("the name is absolute".into());
    }
    if name.contains(&b'\\') {
        return Some("the name contains a backslash, a separator on Windows".into());
    }
    if name.len() >= 2 && name[0].is_ascii_alphabetic() && name[1] == b':' {
        return Some("the name begins with a drive letter".into());
    }
    if name.split(|c| *c == b'/').any(|part| part == b"..") {
        return Some("the name contains a `..` component".into());
    }
    let inner = normal(name);
    if inner.split(|c| *c == b'/').any(|part| part.is_empty() || part == b".") && !inner.is_empty() {
        return Some("the name is not in normal form (`//` or `/./` inside)".into());
    }
    None
}

/// Why the name cannot be written on Windows, exFAT or FAT, or on any system at all; `None` where it is portable.
pub fn unportable(untrusted: &[u8]) -> Option<String> {
    for part in normal(untrusted).split(|c| *c == b'/') {
        if part.len() > MAX_COMPONENT {
            return Some(format!("a component has {} bytes, the limit is {MAX_COMPONENT} (NAME_MAX)", part.len()));
        }
        if part.iter().any(|c| *c < 0x20 || *c == 0x7f || b"<>:\"|?*".contains(c)) {
            return Some("a component has a character that Windows reserves or a control character".into());
        }
        if part.ends_with(b".") || part.ends_with(b" ") {
            return Some("a component ends with a dot or a space".into());
        }
        if is_device(part) {
            return Some("a component is a device name on Windows".into());
        }
    }
    None
}

fn is_device(component: &[u8]) -> bool {
    let stem: Vec<u8> = component.split(|c| *c == b'.').next().unwrap_or(b"").to_ascii_uppercase();
    match stem.as_slice() {
        b"CON" | b"PRN" | b"AUX" | b"NUL" | b"CONIN$" | b"CONOUT$" => true,
        [prefix @ .., digit] => (prefix == b"COM" || prefix == b"LPT") && (b'1'..=b'9').contains(digit),
        [] => false,
    }
}

/// The form under which names meet on a file system that folds case and normalises: compatibility decomposition (NFKD),
/// full case folding, NFKD again, without the characters that are not drawn (Unicode UAX #15, UTS #10 default ignorables).
///
/// Names that are not UTF-8 are folded byte by byte in ASCII.
pub fn folded(untrusted: &[u8]) -> Vec<u8> {
    let name = normal(untrusted);
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    match std::str::from_utf8(name) {
        Ok(text) => text
            .chars()
            .filter(|c| !is_invisible(*c))
            .nfkd()
            .default_case_fold()
            .nfkd()
            .collect::<String>()
            .into_bytes(),
        Err(_) => name.to_ascii_lowercase(),
    }
}

/// Characters that a person cannot see: zero-width, bidirectional controls, soft hyphen, variation selectors, tags.
pub fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// Where a link at `link` with `target` points, relative to the root and in normal form, without the last link being followed.
/// `is_link` says of a name in normal form whether it is a symbolic link; both names are untrusted.
///
/// `..` after a component that is a link leads wherever that link leads, and not to where the text says: one such target
/// passes a comparison of texts and climbs out all the same. It is refused. Any other `..` is taken among folders that are
/// what they seem, and what follows a link only goes down from a place that was judged when that link was; so a tree in
/// which every target passes is left by none of them, however many are followed.
///
/// # Errors
/// Why the link is refused: it leaves the tree, is absolute or unsafe in itself, or passes `..` after a link.
pub fn link_destination(
    untrusted_link: &[u8],
    untrusted_target: &[u8],
    symbolic: bool,
    is_link: impl Fn(&[u8]) -> bool,
) -> Result<Vec<u8>, &'static str> {
    if untrusted_target.is_empty()
        || untrusted_target.starts_with(b"/")
        || untrusted_target.iter().any(|c| matches!(c, 0 | b'\\'))
    {
        return Err("leaves the tree");
    }
    let (mut at, folder) = (Vec::new(), normal(untrusted_link));
    if let Some(slash) = folder.iter().rposition(|c| *c == b'/').filter(|_| symbolic) {
        at.extend_from_slice(&folder[..slash]);
    }
    let parts = || untrusted_target.split(|c| *c == b'/');
    // What no `..` follows needs no second look: it only goes down.
    let mut climbs = parts().filter(|part| *part == b"..").count();
    for part in parts() {
        match part {
            b"" | b"." => {}
            b".." if at.is_empty() => return Err("leaves the tree"),
            b".." => {
                climbs -= 1;
                at.truncate(at.iter().rposition(|c| *c == b'/').unwrap_or(0));
            }
            _ => {
                if !at.is_empty() {
                    at.push(b'/');
                }
                at.extend_from_slice(part);
                if climbs > 0 && is_link(&at) {
                    return Err("passes `..` after another link, which need not lead back to where that link lies");
                }
            }
        }
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dangerous_names() {
        let long = vec![b'a'; MAX_PATH + 1];
        for bad in [
            &b""[..],
            b"/etc/passwd",
            b"../x",
            b"a/../b",
            b"a/..",
            b"..",
            b"a\\b",
            b"C:x",
            b"c:/x",
            b"a\0b",
            b"a//b",
            b"a/./b",
            &long,
        ] {
            assert!(danger(bad).is_some(), "{:?}", String::from_utf8_lossy(bad));
        }
        for good in
            [&b"a"[..], b"a/b", b"./a", b"./", b".", b"a/", b"...", b"..a", b"a..", b"\xff\xfe", b"a b", b".hidden"]
        {
            assert_eq!(danger(good), None, "{:?}", String::from_utf8_lossy(good));
        }
    }

    #[test]
    fn names_that_meet_on_other_systems() {
        for (a, b) in [
            ("A", "a"),
            ("stra\u{df}e", "STRASSE"),
            ("e\u{301}", "\u{e9}"),
            ("\u{ff21}", "a"),
            ("a\u{200b}b", "ab"),
            ("./x", "x"),
        ] {
            assert_eq!(folded(a.as_bytes()), folded(b.as_bytes()), "{a:?} {b:?}");
        }
        assert_ne!(folded(b"a"), folded(b"b"));
        for bad in ["CON", "nul.txt", "a/COM1", "x:ads", "dot.", "space ", "a\nb"] {
            assert!(unportable(bad.as_bytes()).is_some(), "{bad:?}");
        }
        assert_eq!(unportable(b"portal/index.html"), None);
        assert_eq!(unportable(b"console/com10"), None);
    }

    #[test]
    fn links_stay_inside_or_are_refused() {
        let to = |link: &[u8], target: &[u8], symbolic| link_destination(link, target, symbolic, |_| false).ok();
        assert_eq!(to(b"a/b/l", b"../c", true), Some(b"a/c".to_vec()));
        assert_eq!(to(b"l", b"../c", true), None);
        assert_eq!(to(b"a/l", b"/etc", true), None);
        assert_eq!(to(b"a/l", b"b", false), Some(b"b".to_vec()));
        assert_eq!(to(b"a/l", b"../../..", true), None);
        assert_eq!(to(b"a/b/l", b"./../../c//d/..", true), Some(b"c".to_vec()));
    }

    #[test]
    fn no_link_climbs_from_where_another_leads() {
        let is_link = |name: &[u8]| name == b"d/l1";
        let to = |target: &[u8], symbolic| link_destination(b"l2", target, symbolic, is_link).ok();
        for target in [&b"d/l1/../secret"[..], b"d/l1/x/../..", b"d/l1/..", b"x/../d/l1/.."] {
            assert_eq!((to(target, true), to(target, false)), (None, None), "{:?}", String::from_utf8_lossy(target));
        }
        assert_eq!(to(b"d/l1/secret", true), Some(b"d/l1/secret".to_vec()), "only down from there");
        assert_eq!(to(b"d/../d/l1", true), Some(b"d/l1".to_vec()), "the last one is judged by itself");
        assert_eq!(to(b"d/l10/../x", true), Some(b"d/x".to_vec()));
    }

    proptest! {
        #[test]
        fn safe_names_never_leave(name in proptest::collection::vec(any::<u8>(), 0..40)) {
            if danger(&name).is_none() {
                prop_assert!(!name.starts_with(b"/") && !name.contains(&0));
                prop_assert!(normal(&name).split(|c| *c == b'/').all(|p| p != b".."));
            }
            let _ = (folded(&name), unportable(&name));
        }
    }
}
