//! One digest over many: known ways to compute the root of a list of files. No paper fixes the recipe, so all are tried and
//! the one that fits is named.

use crate::format::digest::{Sha256Bytes, hex, sha256};

/// What each known recipe gives for these paths and digests, in whatever order they come.
pub(super) fn recipes(mut files: Vec<(&str, Sha256Bytes)>) -> Vec<(&'static str, Sha256Bytes)> {
    files.sort_unstable();
    let leaves: Vec<Sha256Bytes> = files.iter().map(|(_, digest)| *digest).collect();
    let lines: Vec<String> = leaves.iter().map(|digest| hex(digest)).collect();
    vec![
        ("SHA-256 over the digests in path order joined by line feeds", sha256(lines.join("\n").as_bytes())),
        ("an RFC 6962 tree over the digests in path order", merkle(&leaves)),
    ]
}

/// RFC 6962 2.1 tree hash; leaves are the digests' bytes.
fn merkle(leaves: &[Sha256Bytes]) -> Sha256Bytes {
    match leaves {
        [] => sha256(b""),
        [leaf] => sha256(&[&[0][..], leaf].concat()),
        _ => {
            let split = (leaves.len().next_power_of_two() / 2).max(1);
            let (left, right) = leaves.split_at(split);
            sha256(&[&[1][..], &merkle(left), &merkle(right)].concat())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees_of_rfc_6962() {
        assert_eq!(hex(&merkle(&[])), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        let leaf = |n: u8| sha256(&[&[0][..], &[n; 32]].concat());
        let node = |l: Sha256Bytes, r: Sha256Bytes| sha256(&[&[1][..], &l, &r].concat());
        assert_eq!(merkle(&[[1; 32], [2; 32], [3; 32]]), node(node(leaf(1), leaf(2)), leaf(3)));
        assert_eq!(merkle(&[[1; 32], [2; 32], [3; 32], [4; 32]]), node(node(leaf(1), leaf(2)), node(leaf(3), leaf(4))));
    }

    #[test]
    fn the_order_of_the_list_does_not_matter() {
        let (a, b) = (("a", [1; 32]), ("b", [2; 32]));
        assert_eq!(recipes(vec![a, b]), recipes(vec![b, a]));
    }
}
