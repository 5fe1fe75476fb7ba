//! The report for a person: verdict first, failures next, then what was established and by whom. At most 100 columns.

mod columns;
pub mod diff;
mod images;
mod meaning;
mod revocation;
mod stated;
pub mod step;
mod trivy;
mod unpack;

use super::cleaning::{clean, clean_text};
use super::model::{Outcome, Report};
use crate::format::digest::hex;
use crate::format::inventory::EntryIndex;
use crate::trust::authority::Standing;
use crate::trust::check::{Check, Status};
use crate::trust::verdict::Verdict;
use columns::{WIDTH, fit};
use std::io::{self, Write};

pub use columns::wrap;

/// Failures of one check shown in text; JSON has more, and `--entries` shows every entry.
const SHOWN: usize = 25;

/// Colours as data: empty where none are wanted.
#[derive(Debug, Clone, Copy, Default)]
pub struct Style {
    good: &'static str,
    bad: &'static str,
    warn: &'static str,
    dim: &'static str,
    end: &'static str,
}

impl Style {
    /// For a terminal.
    pub const COLOUR: Style =
        Style { good: "\x1b[1;32m", bad: "\x1b[1;31m", warn: "\x1b[1;33m", dim: "\x1b[2m", end: "\x1b[0m" };
    /// For everything else.
    pub const PLAIN: Style = Style { good: "", bad: "", warn: "", dim: "", end: "" };
}

/// Writes `report`; `all_entries` lists every entry and not only those that matter.
pub fn write(report: &Report<'_>, style: Style, all_entries: bool, out: impl Write) -> io::Result<()> {
    let mut page = Page { out, style };
    page.head(report)?;
    page.failures(report)?;
    page.revocations(report, all_entries)?;
    // Why nothing is known is what a person looks for first where nothing failed.
    let unproven = matches!(report.outcome, Outcome::Verified(_)) && report.verdict() == Verdict::NotVerified;
    if unproven {
        page.skipped(report)?;
    }
    page.identity(report)?;
    page.vouching(report)?;
    page.passed_over(report)?;
    if let Outcome::Inspected(_) = report.outcome {
        page.images(report)?;
        page.databases(report)?;
        page.claims(report)?;
    }
    page.notes(report)?;
    if !unproven {
        page.skipped(report)?;
    }
    page.waivers(report)?;
    page.title(&format!("Cage: {}", report.cage.words()))?;
    if all_entries {
        page.entries(report)?;
    }
    page.out.flush()
}

struct Page<W> {
    out: W,
    style: Style,
}

impl<W: Write> Page<W> {
    fn head(&mut self, report: &Report<'_>) -> io::Result<()> {
        let name = clean(&report.subject.name);
        let verdict = report.verdict();
        let (colour, word, meaning) = match (&report.outcome, verdict) {
            (Outcome::Inspected(_), Verdict::Failed(_)) => {
                (self.style.bad, "MALFORMED", "inspect verifies nothing; the container itself is bad")
            }
            (Outcome::Inspected(_), _) => {
                (self.style.warn, "NOTHING WAS VERIFIED", "inspect shows what is claimed; portcullis verify checks it")
            }
            (_, Verdict::Verified) => (self.style.good, "VERIFIED", verified_words(report)),
            (_, Verdict::Intact) => {
                (self.style.warn, "INTACT", "digests and completeness hold; nobody vouches for them")
            }
            (_, Verdict::NotVerified) => {
                (self.style.warn, "NOT VERIFIED", "nothing is proven wrong, but something required was not established")
            }
            (_, Verdict::Failed(class)) => (self.style.bad, "FAILED", class_words(class)),
        };
        let (end, exit) = (self.style.end, report.exit_code);
        writeln!(self.out, "{colour}{word}{end}  {}", fit(&name, WIDTH.saturating_sub(word.len() + 2)))?;
        self.wrap("  ", &format!("{meaning} (exit {exit})"))?;
        if let (Outcome::Verified(verification), Verdict::NotVerified) = (&report.outcome, verdict) {
            let lacking = verification.required.iter().filter(|p| !verification.established.contains(p));
            let names: Vec<&str> = lacking.map(|p| p.name()).collect();
            if !names.is_empty() {
                self.wrap("  ", &format!("not established: {}", names.join(", ")))?;
            }
        }
        self.unpacked(report)
    }

    fn failures(&mut self, report: &Report<'_>) -> io::Result<()> {
        let failed: Vec<&Check> = report.checks().iter().filter(|c| c.failed()).collect();
        if failed.is_empty() {
            return Ok(());
        }
        self.title(&format!("Failures ({})", failed.len()))?;
        for rows in failed.chunk_by(|a, b| a.kind == b.kind) {
            for check in rows.iter().take(SHOWN) {
                self.check(check, self.style.bad, "x")?;
            }
            if rows.len() > SHOWN {
                self.wrap(
                    "    ",
                    &format!("… and {} more {}; --json lists them", rows.len() - SHOWN, rows[0].kind.id),
                )?;
            }
        }
        Ok(())
    }

    fn check(&mut self, check: &Check, colour: &'static str, mark: &str) -> io::Result<()> {
        let end = self.style.end;
        let subject = if check.subject.is_empty() { String::new() } else { format!("{}: ", clean(&check.subject)) };
        writeln!(self.out, "  {colour}{mark}{end} {} ({})", check.kind.id, check.kind.class.name())?;
        let by = check
            .evidence
            .get("stated_by")
            .filter(|_| check.failed())
            .map_or(String::new(), |by| format!(" (stated by {by})"));
        self.wrap("    ", &format!("{subject}{}{}", clean_text(&check.detail), clean_text(&by)))
    }

    fn identity(&mut self, report: &Report<'_>) -> io::Result<()> {
        let (inventory, recognition) = (report.inventory(), &report.reading().recognition);
        self.title("What it is")?;
        self.field("kind", &format!("{}: {}", recognition.kind.id(), clean_text(&recognition.because)))?;
        for near in &recognition.near_misses {
            self.field("nearly", &clean_text(near))?;
        }
        self.field("container", &inventory.container.join(" > "))?;
        let files = inventory.entries.iter().filter(|e| e.hashed).count();
        self.field(
            "holds",
            &format!("{} entries, {files} files, {} bytes", inventory.entries.len(), inventory.total_bytes()),
        )?;
        self.field("content", &format!("sha256:{}", hex(&inventory.content_digest())))?;
        if let Some(digests) = &inventory.outer {
            self.field("input", &format!("sha256:{}", hex(&digests.sha256)))?;
        }
        Ok(())
    }

    fn vouching(&mut self, report: &Report<'_>) -> io::Result<()> {
        let Outcome::Verified(verification) = &report.outcome else { return Ok(()) };
        self.title("Who vouches")?;
        if verification.signers.is_empty() {
            self.wrap("  ", "nobody: no signature by a key that you gave stands behind this content")?;
        }
        for signer in &verification.signers {
            let keyid =
                signer.keyid.as_deref().map_or(String::new(), |id| format!(" (calls itself {})", clean_text(id)));
            let shared = if signer.by == crate::trust::envelope::Authentication::SharedSecret {
                ", a shared secret: whoever can check this can forge it"
            } else {
                ""
            };
            let input = if matches!(signer.input, "pae" | "canonical-json" | "jws" | "raw-bytes") {
                String::new()
            } else {
                format!(", over the non-standard input {}", signer.input)
            };
            let document = clean(&signer.document);
            let whole = report.reading().whole.signatures.iter().any(|signature| signature.name == signer.document);
            let whole = whole || report.reading().whole.bundles.iter().any(|bundle| bundle.name == signer.document);
            let keyid = signer.certificate.as_ref().map_or(keyid, |name| {
                format!(" of {} (as {} says)", clean_text(&name.identity), clean_text(&name.issuer))
            });
            let what = if whole { format!("the input as a whole ({document})") } else { document };
            let name = signer.name.as_deref().map_or(String::new(), |name| format!("key {}: ", clean_text(name)));
            self.wrap(
                "  ",
                &format!("{name}{} {}{keyid} signed {what}{input}{shared}", signer.scheme, signer.fingerprint),
            )?;
        }
        if let Some(policy) = report.policy() {
            let name = clean(&policy.name);
            self.wrap("  ", &format!("judged by the trust policy {name} (sha256:{})", hex(&policy.sha256)))?;
            for list in &policy.revocations {
                let (name, issuer) = (clean_text(&list.name), clean_text(&list.issuer));
                let count = list.count;
                self.wrap(
                    "  ",
                    &format!("honours {name} of {issuer}, sequence {}, {count} revocations", list.sequence),
                )?;
            }
            for option in &policy.overridden {
                self.wrap("  ", &format!("overridden: {}", clean_text(option)))?;
            }
        }
        if report.inventory().incomplete {
            return self.wrap("  ", "reading stopped early, so nothing is concluded about single entries");
        }
        let rows = [
            (Standing::Pinned, "pinned by a chain to such a key"),
            (Standing::Evidence, "evidence: signature documents and lists that agree"),
            (Standing::SetAside, "set aside"),
            (Standing::Contradicted, "contradicted"),
            (Standing::Listed, "named by documents, and nothing signed vouches for what they hold"),
            (Standing::Unlisted, "listed by nothing"),
        ];
        for (standing, words) in rows {
            let count = report.count(standing);
            if count > 0 {
                self.wrap("  ", &format!("{count:>9} {words}"))?;
            }
        }
        let missing = report.claims().missing().len();
        if missing > 0 {
            self.wrap("  ", &format!("{missing:>9} missing"))?;
        }
        self.chain(report)
    }

    /// One chain as an example of how entries reach a key.
    fn chain(&mut self, report: &Report<'_>) -> io::Result<()> {
        let Outcome::Verified(verification) = &report.outcome else { return Ok(()) };
        let claims = report.claims();
        let longest = (0..report.inventory().entries.len() as EntryIndex)
            .filter(|entry| report.standing(*entry) == Some(Standing::Pinned))
            .map(|entry| (entry, verification.authority.chain(claims, entry)))
            .take(SHOWN)
            .max_by_key(|(_, chain)| chain.len());
        let Some((entry, chain)) = longest.filter(|(_, chain)| !chain.is_empty()) else { return Ok(()) };
        let mut line = clean(&report.inventory().entry(entry).path);
        for document in &chain {
            line.push_str(&format!(" <- {}", clean(claims.name(*document))));
        }
        // The key of the document that the chain ends with, which is one of possibly many that signed something.
        let last = chain.last().map_or(&b""[..], |document| claims.name(*document));
        let signed = &report.reading().bundle.signed;
        let envelope = signed.iter().find(|s| s.beside.as_ref().is_some_and(|beside| beside.name == last));
        let carriers = [Some(last), envelope.map(|signed| signed.name.as_slice())];
        let signer = verification.signers.iter().find(|signer| carriers.contains(&Some(&signer.document)));
        if let Some(signer) = signer {
            line.push_str(&format!(" <- key {}", fit(&signer.fingerprint, 19)));
        }
        self.wrap("  ", &format!("for example {line}"))
    }

    /// Set-aside files, by name and in these words.
    fn passed_over(&mut self, report: &Report<'_>) -> io::Result<()> {
        let inventory = report.inventory();
        let entries = 0..inventory.entries.len() as EntryIndex;
        let names: Vec<String> = entries
            .filter(|entry| report.standing(*entry) == Some(Standing::SetAside))
            .map(|entry| clean(&inventory.entry(entry).path))
            .collect();
        if !names.is_empty() {
            self.title("Set aside: nobody vouches for these")?;
            names.iter().try_for_each(|name| self.wrap("  ", name))?;
        }
        let external = &report.reading().bundle.external;
        if !external.is_empty() {
            self.title(&format!("External: named, not carried here ({})", external.len()))?;
            for item in external.iter().take(SHOWN) {
                let size = item.size.map_or(String::new(), |size| format!(" ({size} bytes)"));
                self.wrap("  ", &format!("{}{size}", clean_text(&item.path)))?;
            }
            if external.len() > SHOWN {
                self.wrap("  ", &format!("… and {} more; --json lists them", external.len() - SHOWN))?;
            }
        }
        Ok(())
    }

    fn more(&mut self, all: usize) -> io::Result<()> {
        if all > SHOWN { self.wrap("  ", &format!("… and {} more; --json lists them", all - SHOWN)) } else { Ok(()) }
    }

    fn claims(&mut self, report: &Report<'_>) -> io::Result<()> {
        for facts in report.facts().iter().filter(|facts| !trivy::shows(report, &facts.document)) {
            self.title(&format!("{} claims", clean(&facts.document)))?;
            for (name, value) in &facts.items {
                self.field(name, &clean_text(value))?;
            }
        }
        let signers = report.claimed_signers();
        if !signers.is_empty() {
            self.title("Signatures that are claimed, not checked")?;
        }
        for signer in signers {
            let keyid = signer.keyid.map_or("no key id".into(), |id| format!("key id {}", clean_text(id)));
            let algorithm = signer.algorithm.map_or(String::new(), |hint| format!(", says {}", clean_text(hint)));
            self.wrap("  ", &format!("{}: {keyid}{algorithm}", clean(signer.document)))?;
        }
        Ok(())
    }

    fn notes(&mut self, report: &Report<'_>) -> io::Result<()> {
        let passed = report.checks().iter().filter(|c| c.status == Status::Pass).count();
        if passed > 0 {
            self.title(&format!("Checks that hold ({passed})"))?;
            for check in report.checks().iter().filter(|c| c.status == Status::Pass) {
                self.check(check, self.style.good, "+")?;
            }
        }
        Ok(())
    }

    fn skipped(&mut self, report: &Report<'_>) -> io::Result<()> {
        let skipped: Vec<&Check> = report.checks().iter().filter(|c| c.status == Status::Skip).collect();
        if !skipped.is_empty() {
            self.title(&format!("Not checked, and why ({})", skipped.len()))?;
            skipped.into_iter().try_for_each(|check| self.check(check, self.style.dim, "-"))?;
        }
        Ok(())
    }

    fn waivers(&mut self, report: &Report<'_>) -> io::Result<()> {
        if !report.waivers().is_empty() {
            self.title("Waivers in force")?;
            report.waivers().iter().try_for_each(|waiver| self.wrap("  ", &clean_text(waiver)))?;
        }
        Ok(())
    }

    fn entries(&mut self, report: &Report<'_>) -> io::Result<()> {
        let inventory = report.inventory();
        self.title(&format!("Entries ({})", inventory.entries.len()))?;
        for index in inventory.by_path() {
            let entry = inventory.entry(index);
            let standing = report.standing(index).map_or(String::new(), |s| format!("{:<13}", s.name()));
            let digest = entry.digest().map_or(entry.kind.name(), |d| format!("{}…", &hex(d)[..12]));
            let target = inventory.links.get(&index).map_or(String::new(), |t| format!(" -> {}", clean(t)));
            self.wrap("  ", &format!("{standing}{digest:<14}{:>12}  {}{target}", entry.size, clean(&entry.path)))?;
        }
        for path in report.claims().missing().keys() {
            self.wrap("  ", &format!("{:<13}{:<14}{:>12}  {}", "missing", "-", "-", clean(path)))?;
        }
        Ok(())
    }

    fn title(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out)?;
        self.wrap("", text)
    }

    fn field(&mut self, name: &str, value: &str) -> io::Result<()> {
        self.wrap("  ", &format!("{name:<16} {value}"))
    }

    fn wrap(&mut self, indent: &str, text: &str) -> io::Result<()> {
        wrap(&mut self.out, indent, text)
    }
}

/// What `verified` rests on here; nothing that was set aside or waived is passed over.
fn verified_words(report: &Report<'_>) -> &'static str {
    let Outcome::Verified(verification) = &report.outcome else { return "" };
    let waived = verification.waivers.iter().any(|waiver| waiver.starts_with("--allow-extra"));
    match (report.reading().recognition.kind.id(), waived, report.count(Standing::SetAside) > 0) {
        ("revocation:bundle", ..) => "a key that you trust signed this list, byte for byte",
        ("dsse:envelope", ..) => "enough keys that you trust signed this payload",
        ("sigstore:artifact", ..) => "the signer that you named signed this artifact",
        (_, false, false) => "a key that you trust stands behind every entry",
        (_, false, true) => "a key that you trust stands behind every entry but those set aside",
        (_, true, false) => "a key that you trust stands behind every entry but those that you waived",
        (_, true, true) => {
            "a key that you trust stands behind every entry but those set aside and those that you waived"
        }
    }
}

fn class_words(class: crate::trust::check::Class) -> &'static str {
    use crate::trust::check::Class;
    match class {
        Class::Container => "the container is malformed, unsafe or over a limit",
        Class::Signature => "a signature is bad, untrusted, too few, or does not bind this content",
        Class::Tuf => "TUF metadata does not verify",
        Class::Transparency => "a transparency proof does not verify",
        Class::Integrity => "content is not what documents say",
        Class::Freshness => "too old, expired, or dated in the future",
        Class::Sequence => "out of order, or on the wrong base",
    }
}
