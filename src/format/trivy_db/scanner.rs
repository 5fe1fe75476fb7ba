//! Which databases a version of Trivy reads.

use super::{JAVA_SCHEMA, SCHEMA};
use std::fmt;

/// The first version that reads schema 2 of `trivy.db`; those before it read schema 1.
const FIRST_OF_SCHEMA_2: (u32, u32) = (0, 23);
/// The first version that reads a Java index.
const FIRST_OF_JAVA: (u32, u32) = (0, 37);

/// The scanner that the operator uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scanner {
    major: u32,
    minor: u32,
    patch: u32,
}

impl Scanner {
    /// From `trivy@0.50`, `trivy@0.50.1` or `trivy@v0.50.1`.
    ///
    /// # Errors
    /// A sentence that says what was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let fault = || format!("expected trivy@VERSION such as trivy@0.50 or trivy@0.50.1, found {text:?}");
        let version = text.strip_prefix("trivy@").ok_or_else(fault)?;
        let version = version.strip_prefix('v').unwrap_or(version);
        let numbers: Vec<u32> =
            version.split('.').map(|part| number(part).ok_or_else(fault)).collect::<Result<_, _>>()?;
        match numbers.as_slice() {
            [major, minor] => Ok(Scanner { major: *major, minor: *minor, patch: 0 }),
            [major, minor, patch] => Ok(Scanner { major: *major, minor: *minor, patch: *patch }),
            _ => Err(fault()),
        }
    }

    /// The schema of `trivy.db` that it reads, or of the Java index; `None` where it reads none.
    pub fn schema_of(self, java: bool) -> Option<u64> {
        let version = (self.major, self.minor);
        match java {
            true => (version >= FIRST_OF_JAVA).then_some(JAVA_SCHEMA),
            false if version >= FIRST_OF_SCHEMA_2 => Some(SCHEMA),
            false => Some(SCHEMA - 1),
        }
    }
}

/// Digits only: the standard parser also takes a sign.
fn number(part: &str) -> Option<u32> {
    part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok()).flatten()
}

impl fmt::Display for Scanner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "trivy {}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_decide_which_schema_is_read() {
        let read = |text: &str| {
            let scanner = Scanner::parse(text).unwrap();
            (scanner.schema_of(false), scanner.schema_of(true))
        };
        assert_eq!(read("trivy@0.22.9"), (Some(1), None));
        assert_eq!(read("trivy@0.23"), (Some(2), None));
        assert_eq!(read("trivy@0.36.1"), (Some(2), None));
        assert_eq!(read("trivy@v0.37.0"), (Some(2), Some(1)));
        assert_eq!(read("trivy@1.0"), (Some(2), Some(1)));
        for text in [
            "trivy",
            "trivy@",
            "trivy@1",
            "trivy@0.50.1.2",
            "grype@0.50",
            "trivy@0.x",
            "0.50",
            "trivy@-1.0",
            "trivy@+0.50",
        ] {
            assert!(Scanner::parse(text).unwrap_err().contains("trivy@0.50"), "{text}");
        }
    }
}
