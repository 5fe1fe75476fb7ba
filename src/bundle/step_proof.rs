//! Whether a delta is exactly the step from one bundle to another: what it makes of the old one, compared with the new one path by
//! path and digest by digest.

use super::model::{Bundle, TrivyExport};
use super::step::{Content, Counts, Files, Form, Origin, Piece, Step};
use crate::format::digest::hex;
use crate::format::inventory::{EntryKind, Inventory};
use crate::format::path::lossless;
use crate::trust::check::{self, Check};
use crate::trust::claims::{Dispute, Outcome};

/// Most documents that were not compared that are named.
const MAX_NAMED: usize = 5;

/// The content of an encrypted file is not known.
struct Unknown;

impl Step {
    /// One row for each path where the step does not lead to `new`: something is missing, something is too much, or something is
    /// another. Where it leads there exactly, one row that says so. All three are untrusted and were read to their end.
    pub fn compare(
        &self,
        (old, old_bundle): (&Inventory, &Bundle),
        delta: &Bundle,
        (new, bundle): (&Inventory, &Bundle),
    ) -> Vec<Check> {
        let root = match self.form.root(new, bundle) {
            Ok(root) => root,
            Err(why) => return vec![fail(b"", format!("the new bundle {why}; a delta leads to a whole one"))],
        };
        let files = self.form.files(new, bundle, &root);
        let mut rows: Vec<Check> = self.strays.iter().map(|(path, why)| fail(path, why.clone())).collect();
        rows.extend(files.odd.iter().map(|(path, what)| fail(path, format!("{what}, in the new bundle"))));
        rows.extend(contradictions("old", old, old_bundle));
        rows.extend(contradictions("new", new, bundle));
        rows.extend(self.exports_differ(delta, bundle));
        for path in self.lacking.iter().filter(|path| !files.payload.contains_key(*path)) {
            rows.push(fail(
                path,
                "the delta names it and does not bring it, and the new bundle does not have it".into(),
            ));
        }
        let mut unknown = None;
        for (path, piece) in &self.pieces {
            let found = files.payload.get(path).or_else(|| files.own.get(path));
            match self.differs(path, piece, found.map(|entry| Content::of(new, *entry)), old) {
                Some(Ok(why)) => rows.push(fail(path, why)),
                Some(Err(Unknown)) => unknown = unknown.or(Some(path)),
                None => {}
            }
        }
        let own = files.own.keys().filter(|path| self.brings_documents || self.named_gone.contains(*path));
        for path in files.payload.keys().chain(own).filter(|path| !self.pieces.contains_key(*path)) {
            rows.push(fail(path, self.unaccounted(path).into()));
        }
        rows.sort_by(|a, b| (&a.subject, &a.detail).cmp(&(&b.subject, &b.detail)));
        let pass = match unknown {
            Some(path) => {
                let path = lossless(path);
                let detail =
                    format!("{path} is encrypted and was not opened, so what it holds is not known; give --identity");
                Check::skip(check::DELTA_STEP, &self.document, detail)
            }
            None => Check::pass(check::DELTA_STEP, &self.document, self.words(&files)),
        };
        let mut checks = Vec::new();
        check::push_failures(&mut checks, rows, Some(pass));
        checks
    }

    /// What is wrong with one file that comes out, where `found` is in its place in the new bundle.
    fn differs(
        &self,
        path: &[u8],
        piece: &Piece,
        found: Option<Option<Content>>,
        old: &Inventory,
    ) -> Option<Result<String, Unknown>> {
        let Some(found) = found else {
            return Some(Ok(match piece.origin {
                Origin::Delta => "too much: the delta brings it, and the new bundle does not have it".into(),
                Origin::Old => "missing: it is gone in the new bundle, and the delta does not remove it".into(),
            }));
        };
        let (Some(expected), Some(found)) = (piece.content, found) else { return Some(Err(Unknown)) };
        if expected != found {
            let text = |content: &Content| format!("sha256:{} of {} bytes", hex(&content.sha256), content.size);
            let (expected, found) = (text(&expected), text(&found));
            return Some(Ok(match piece.origin {
                Origin::Delta => format!("another: the delta brings {expected}, the new bundle has {found}"),
                Origin::Old => format!(
                    "missing: the old bundle has {expected}, the new one {found}, and the delta does not change it"
                ),
            }));
        }
        // A layout may carry blobs that the base has already, and a full refresh brings everything; else a mirror names what it
        // changes.
        let before = old.find(&self.root.path(path)).and_then(|entry| Content::of(old, entry));
        let idle = self.is_exact && piece.origin == Origin::Delta && before == Some(expected);
        idle.then(|| Ok("too much: the delta brings what the old bundle has already".into()))
    }

    /// What is wrong with a file of the new bundle that does not come out.
    fn unaccounted(&self, path: &[u8]) -> &'static str {
        if self.named_gone.contains(path) {
            return "too much: the delta removes it, and the new bundle has it";
        }
        if self.lacking.contains(path) {
            return "missing: the new bundle has it, and the delta names it and does not bring it";
        }
        "missing: the new bundle has it, and it does not come out of the old one by the delta"
    }

    /// What the delta and the new export of a database say of the tree that both were built from.
    fn exports_differ(&self, delta: &Bundle, new: &Bundle) -> Vec<Check> {
        fn export(bundle: &Bundle) -> Option<&TrivyExport> {
            bundle.trivy.as_ref().and_then(|trivy| trivy.export.as_ref())
        }
        let (Some(by), Some(to)) = (export(delta).filter(|_| self.form == Form::OciLayout), export(new)) else {
            return Vec::new();
        };
        let to_name = to.document.clone();
        let number = |value: Option<u64>| value.map(|value| value.to_string());
        let rows = [
            ("treeDigest", by.tree_digest.clone(), to.tree_digest.clone()),
            ("treeBytes", number(by.tree_bytes), number(to.tree_bytes)),
            ("advisoryCount", number(by.advisory_count), number(to.advisory_count)),
        ];
        let differing = rows.into_iter().filter(|(_, by, to)| by != to);
        let words = |value: Option<String>| value.unwrap_or_else(|| "nothing".into());
        let row = |(name, by, to): (&str, _, _)| {
            fail(&to_name, format!("another: {name} is {} in the delta, {} in the new bundle", words(by), words(to)))
        };
        differing.map(row).collect()
    }

    fn words(&self, files: &Files) -> String {
        let Counts { added, updated, removed, kept } = self.counts;
        let apart: Vec<&Vec<u8>> = files.own.keys().filter(|path| !self.pieces.contains_key(*path)).collect();
        let named: Vec<String> = apart.iter().take(MAX_NAMED).map(|path| lossless(path)).collect();
        let more =
            if apart.len() > MAX_NAMED { format!(" and {} more", apart.len() - MAX_NAMED) } else { String::new() };
        let apart = match apart.len() {
            0 => String::new(),
            _ => format!(
                "; not compared, because each export makes them for itself and the delta does not bring them: {}{more}",
                named.join(", ")
            ),
        };
        format!(
            "exactly the step: {added} added, {updated} updated, {removed} removed, {kept} as they were; no file is missing and \
             none too much; modes and folders are not part of it{apart}"
        )
    }
}

fn fail(subject: &[u8], detail: String) -> Check {
    Check::fail(check::DELTA_STEP, subject, detail)
}

/// Files of a bundle that its own documents contradict, or that they name and that are not there: a step from or to them leads
/// nowhere.
fn contradictions(side: &str, new: &Inventory, bundle: &Bundle) -> Vec<Check> {
    let claims = &bundle.claims;
    let proven = |dispute: &&Dispute| dispute.outcome != Outcome::NotComputed;
    let disputed = claims.disputes().iter().filter(proven).map(|dispute| {
        let (name, by) = (new.entry(dispute.entry).normal_path(), lossless(claims.name(dispute.document)));
        fail(name, format!("the {side} bundle contradicts itself: {by} states something else of it"))
    });
    let is_file = |name: &&Vec<u8>| new.find(name).is_none_or(|entry| new.entry(entry).kind != EntryKind::File);
    let missing = claims.missing().keys().filter(is_file);
    let missing =
        missing.map(|name| fail(name, format!("a document of the {side} bundle names it, and it is not there")));
    disputed.chain(missing).collect()
}
