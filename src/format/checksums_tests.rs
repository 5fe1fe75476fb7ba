//! Tests of checksum lists: every form that is read beside the tricks that look like it.

use proptest::prelude::*;

use super::*;

fn hex64() -> String {
    "0a".repeat(32)
}

fn hex128() -> String {
    "0b".repeat(64)
}

const SHA256: Digest = Digest::Sha256([0x0a; 32]);
const SHA512: Digest = Digest::Sha512([0x0b; 64]);

/// The one item of a list with one item, and the traits of the list.
fn single(list: &[u8]) -> (Result<Item<'_>, ChecksumError>, Traits) {
    let mut lines = parse(list);
    let item = lines.next().unwrap();
    assert_eq!(lines.next(), None);
    (item, lines.traits())
}

fn claim(list: &str) -> (Vec<u8>, Digest, Style) {
    match single(list.as_bytes()).0 {
        Ok(Item::Line(line)) => (line.path.into_owned(), line.digest, line.style),
        other => panic!("{list:?}: {other:?}"),
    }
}

fn problem(list: &[u8]) -> String {
    single(list).0.unwrap_err().to_string()
}

#[test]
fn reads_every_form() {
    let (short, long) = (hex64(), hex128());
    for (text, path, digest, style) in [
        (format!("{short}  a b"), "a b", SHA256, Style::Gnu),
        (format!("{short} *a"), "a", SHA256, Style::GnuBinary),
        (format!("{short} a"), "a", SHA256, Style::Gnu),
        (format!("{long}  a"), "a", SHA512, Style::Gnu),
        (format!("{short}  *a"), "*a", SHA256, Style::Gnu),
        (format!("{short}   a"), " a", SHA256, Style::Gnu),
        (format!("{short} **a"), "*a", SHA256, Style::GnuBinary),
        (format!("{short}  ./a"), "./a", SHA256, Style::Gnu),
        (format!("{short}  ../a"), "../a", SHA256, Style::Gnu),
        (format!("{short}  a\\nb"), "a\\nb", SHA256, Style::Gnu),
        (format!("\\{short}  a\\nb\\\\c\\r"), "a\nb\\c\r", SHA256, Style::Gnu),
        (format!("\\{short} *a\\nb"), "a\nb", SHA256, Style::GnuBinary),
        (format!("SHA256 (a b) = {short}"), "a b", SHA256, Style::Bsd),
        (format!("SHA512 (a) = {long}"), "a", SHA512, Style::Bsd),
        (format!("SHA256 (a) = b) = {short}"), "a) = b", SHA256, Style::Bsd),
        (format!("\\SHA256 (a\\nb) = {short}"), "a\nb", SHA256, Style::Bsd),
        (format!("{short} (a) = b"), "(a) = b", SHA256, Style::Gnu),
    ] {
        assert_eq!(claim(&text), (path.as_bytes().to_vec(), digest, style), "{text}");
        assert_eq!(claim(&format!("{text}\n")), claim(&text));
    }
}

#[test]
fn names_are_bytes_and_borrowed() {
    let list = [hex64().as_bytes(), b"  \xff/\xfe\n"].concat();
    let Ok(Item::Line(line)) = single(&list).0 else { panic!("a line") };
    assert_eq!(line.path, Cow::Borrowed(&b"\xff/\xfe"[..]));
    assert!(matches!(line.path, Cow::Borrowed(_)));
}

#[test]
fn root_comes_first_or_not_at_all() {
    let hex = hex64();
    let root = |line| Ok(Item::Root { digest: [0x0a; 32], line });
    let list = format!("# note\n\nroot sha256:{hex}\n");
    let (item, traits) = single(list.as_bytes());
    assert_eq!(item, root(3));
    assert!(traits.root && traits.is_empty() && traits.comments == 1);
    assert_eq!(single(format!("root {hex}").as_bytes()).0, root(1));

    let list = format!("root {hex}\n{hex}  a\nroot {hex}\n");
    let lines: Vec<_> = parse(list.as_bytes()).map(|item| item.map(|_| ())).collect();
    assert_eq!(lines, [Ok(()), Ok(()), Err(ChecksumError { line: 3, problem: Problem::LateRoot })]);
    let after_rubbish = format!("rubbish\nroot {hex}\n");
    assert!(parse(after_rubbish.as_bytes()).all(|item| item.is_err()));
    assert!(problem(format!("root {}", hex128()).as_bytes()).starts_with("line 1: expected 64 hex digits, found"));
    assert!(problem(format!("root {hex} x").as_bytes()).contains("expected 64 hex digits"));
}

#[test]
fn refusals_say_what_was_expected_and_found() {
    let hex = hex64();
    for (text, expected) in [
        (format!("{}  a", "0a".repeat(16)), "MD5 is too weak: expected SHA-256 (64 hex digits)"),
        (format!("{}  a", "0a".repeat(20)), "SHA-1 is too weak"),
        (format!("MD5 (a) = {}", "0a".repeat(16)), "MD5 is too weak"),
        (format!("SHA1 (a) = {}", "0a".repeat(20)), "SHA-1 is too weak"),
        (format!("{}  a", "0a".repeat(48)), "expected 64 (SHA-256) or 128 (SHA-512) hex digits, found 96"),
        (format!("{hex}0  a"), "hex digits, found 65"),
        (format!("SHA384 (a) = {hex}"), "expected the tag SHA256 or SHA512, found \"SHA384\""),
        (format!("SHA512 (a) = {hex}"), "expected 128 hex digits, found \"0a0a"),
        (format!("SHA256 (a) = {hex} "), "expected 64 hex digits"),
        (format!("SHA256 (a)= {hex}"), "found \"SHA256 (a)= 0a"),
        (format!("SHA256(a)= {hex}"), "found \"SHA256(a)= 0a"),
        (format!("{hex}\ta"), "expected a hex digest and a path"),
        (format!(" {hex}  a"), "expected a hex digest and a path"),
        (format!("a  {hex}"), "found 1"),
        ("portal/\u{1b}[2K".to_owned(), "found \"portal/\\x1b[2K\""),
        (hex.clone(), "expected a path, found none"),
        (format!("{hex}  "), "expected a path, found none"),
        (format!("SHA256 () = {hex}"), "expected a path, found none"),
        (format!("{hex}  -"), "found - (standard input)"),
        (format!("{hex} *-"), "found - (standard input)"),
        (format!("{hex}  a\0b"), "NUL in the path"),
        (format!("\\{hex}  a\\tb"), "in an escaped path, found \"\\\\t\""),
        (format!("\\{hex}  a\\"), "in an escaped path, found \"\\\""),
        (format!("\u{feff}{hex}"), "byte order mark"),
    ] {
        let error = parse(text.as_bytes()).find_map(Result::err).unwrap().to_string();
        assert!(error.starts_with("line 1: ") && error.contains(expected), "{text:?}: {error}");
    }
}

#[test]
fn a_line_may_have_16_kib() {
    let line = |length: usize| format!("{}  {}\n", hex64(), "a".repeat(length - 66));
    assert!(single(line(MAX_LINE).as_bytes()).0.is_ok());
    let error = problem(line(MAX_LINE + 1).as_bytes());
    assert_eq!(error, "line 1: line too long: expected at most 16384 bytes, found 16385");
    assert!(problem(format!("#{}", "a".repeat(MAX_LINE)).as_bytes()).contains("too long"));
    assert!(problem(&b"x".repeat(1_000_000)).contains("found 1000000"));
}

#[test]
fn traits_tell_what_a_list_is_like() {
    let (hex, upper) = (hex64(), hex64().to_uppercase());
    let traits = |list: &str| {
        let mut lines = parse(list.as_bytes());
        assert!(lines.by_ref().all(|item| item.is_ok()), "{list:?}");
        lines.traits()
    };
    for empty in ["", "\n\r\n  \n", "# comment\n; comment", &format!("root {hex}")] {
        assert!(traits(empty).is_empty(), "{empty:?}");
    }
    let plain = Traits { lines: 1, ..Traits::default() };
    assert_eq!(traits(&format!("{hex}  a\n")), plain);
    assert_eq!(traits(&format!("{upper}  a\n")), Traits { uppercase: true, ..plain });
    assert_eq!(traits(&format!("{hex}  a\r\n")), Traits { crlf: true, ..plain });
    assert_eq!(traits(&format!("{hex}  A\r\n;\r\n")), Traits { crlf: true, comments: 1, ..plain });
    assert_eq!(traits(&format!("{hex} *a")), Traits { binary: true, ..plain });
    assert_eq!(traits(&format!("{hex} a")), Traits { single_space: true, ..plain });
    assert_eq!(traits(&format!("SHA256 (A) = {hex}")), Traits { bsd: true, ..plain });
    assert_eq!(
        traits(&format!("\\SHA256 (a) = {upper}")),
        Traits { bsd: true, escaped: true, uppercase: true, ..plain }
    );
}

#[test]
fn line_numbers_count_all_lines() {
    let list = format!("# one\r\n\r\nroot {0}\r\nrubbish\r\n{0}  a\r\n", hex64());
    let mut lines = parse(list.as_bytes());
    assert!(matches!(lines.next(), Some(Ok(Item::Root { line: 3, .. }))));
    assert!(matches!(lines.next(), Some(Err(ChecksumError { line: 4, .. }))));
    assert!(matches!(lines.next(), Some(Ok(Item::Line(ChecksumLine { line: 5, .. })))));
    assert_eq!((lines.next(), lines.next()), (None, None));
}

#[test]
fn writes_what_sha256sum_writes() {
    assert_eq!(write_gnu(b"a b", "00"), b"00  a b\n");
    assert_eq!(write_gnu(b"a\\b\nc\rd", "00"), b"\\00  a\\\\b\\nc\\rd\n");
}

proptest! {
    #[test]
    fn a_written_name_is_read_again(path in prop_oneof![
        prop::collection::vec(1u8..=255, 1..60),
        "[ *\\\\\n\r()=#;-]{1,12}".prop_map(String::into_bytes),
    ]) {
        prop_assume!(path != b"-");
        let list = write_gnu(&path, &hex64());
        let (item, traits) = single(&list);
        let line = ChecksumLine { path: Cow::Borrowed(&path), digest: SHA256, style: Style::Gnu, line: 1 };
        prop_assert_eq!(item, Ok(Item::Line(line)));
        prop_assert!(!traits.crlf);
    }

    #[test]
    fn arbitrary_lists_end_and_keep_their_promises(list in prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        "((root )?(sha256:)?\\\\?((0a){32}|(0b){64}|SHA256 \\()?[ *]{0,2}[a\\\\nr-]{0,3}(\\) = (0A){32})?\r?\n){0,5}"
            .prop_map(String::into_bytes),
    ]) {
        let mut lines = parse(&list);
        let (mut claims, mut last) = (0, 0);
        for item in lines.by_ref() {
            let line = match item {
                Ok(Item::Line(claim)) => {
                    claims += 1;
                    prop_assert!(!claim.path.is_empty() && &*claim.path != b"-" && !claim.path.contains(&0));
                    claim.line
                }
                Ok(Item::Root { line, .. }) => line,
                Err(error) => error.line,
            };
            prop_assert!(line > last || line == 1);
            last = line;
        }
        prop_assert_eq!(lines.traits().lines, claims);
        prop_assert!(last <= 1 + list.iter().filter(|byte| **byte == b'\n').count());
    }
}
