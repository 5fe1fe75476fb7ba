//! `rerunHash`: one digest over the digests of all contents, by which two runs of an export can be compared.

use crate::format::digest::{Sha256Bytes, hex, parse_sha256, sha256};

/// Recognises the recipe by which `expected` came from `digests` (as the manifest writes them, in its order).
///
/// The documented recipe is the SHA-256 over the sorted digests joined by newlines; whether prefixes and a last newline
/// belong to it is not said, so all readings are tried and the one that fits is named.
///
/// # Errors
/// A sentence that says which values would have been right.
pub(super) fn recognise(digests: &[&str], expected: &Sha256Bytes) -> Result<String, String> {
    let mut documented = String::new();
    for variant in variants() {
        let found = variant.hash(digests);
        if documented.is_empty() {
            documented = hex(&found);
        }
        if found == *expected {
            return Ok(format!("it is the SHA-256 over the digests of the contents, {}", variant.words()));
        }
    }
    Err(format!(
        "stated is sha256:{}, the documented recipe gives sha256:{documented}, and no other reading of it fits either",
        hex(expected)
    ))
}

struct Variant {
    sorted: bool,
    prefixed: bool,
    final_newline: bool,
}

fn variants() -> impl Iterator<Item = Variant> {
    let both = [true, false];
    both.into_iter().flat_map(move |sorted| {
        both.into_iter()
            .flat_map(move |prefixed| [false, true].map(|final_newline| Variant { sorted, prefixed, final_newline }))
    })
}

impl Variant {
    fn hash(&self, digests: &[&str]) -> Sha256Bytes {
        let bare = |digest: &&str| parse_sha256(digest).map_or_else(|_| (*digest).to_string(), |bytes| hex(&bytes));
        let mut lines: Vec<String> = digests.iter().map(bare).collect();
        if self.prefixed {
            lines.iter_mut().for_each(|line| line.insert_str(0, "sha256:"));
        }
        if self.sorted {
            lines.sort_unstable();
        }
        let mut text = lines.join("\n");
        if self.final_newline {
            text.push('\n');
        }
        sha256(text.as_bytes())
    }

    fn words(&self) -> String {
        let order = if self.sorted { "sorted" } else { "in the order of the manifest" };
        let prefix = if self.prefixed { "with" } else { "without" };
        let end = if self.final_newline { "and a final newline" } else { "without a final newline" };
        let documented = self.sorted && self.prefixed && !self.final_newline;
        let tail = if documented { " (the documented recipe)" } else { " (a variant of the documented recipe)" };
        format!("{order}, joined by newlines, {prefix} the prefix sha256:, {end}{tail}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reading_is_named_and_nothing_else_fits() {
        let digests = [format!("sha256:{}", "b".repeat(64)), format!("sha256:{}", "a".repeat(64))];
        let digests: Vec<&str> = digests.iter().map(String::as_str).collect();
        let names: Vec<String> = variants().map(|v| recognise(&digests, &v.hash(&digests)).unwrap()).collect();
        let distinct: std::collections::BTreeSet<_> = names.iter().collect();
        assert_eq!((names.len(), distinct.len()), (8, 8));
        let by_hand = sha256(format!("{}\n{}", digests[1], digests[0]).as_bytes());
        assert!(recognise(&digests, &by_hand).unwrap().ends_with("(the documented recipe)"));
        assert!(recognise(&digests[..1], &by_hand).unwrap_err().contains("documented recipe gives"));
    }
}
