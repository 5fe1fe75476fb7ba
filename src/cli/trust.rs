//! `portcullis trust show`.

use super::exit::Failure;
use super::output;
use crate::format::digest::hex;
use crate::format::path::lossless;
use crate::format::time;
use crate::pipeline::cage::Cage;
use crate::pipeline::trust_file;
use crate::report::cleaning::clean_text;
use crate::report::json::write_value;
use crate::report::text::wrap;
use crate::trust::keyring::example_name;
use crate::trust::policy::Property;
use crate::trust::policy_file::{HonouredList, NamedLog, TrustFile};
use crate::trust::rules::{Rules, Waiver};
use crate::trust::terms::Terms;
use serde_json::{Value, json};
use std::io::{self, Write};
use std::path::PathBuf;

/// Verbs about trust policies.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// A trust policy, resolved: who may sign what, and what is demanded of each kind. Verifies nothing
    Show(Args),
}

/// Options of the verb.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The policy (TOML), as for verify --trust
    file: PathBuf,
    /// JSON for the record
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<u8, Failure> {
    Cage::new().enter();
    let file = trust_file::load(&args.file).map_err(Failure::usage)?;
    let kinds = trust_file::kinds();
    output::write(None, false, |out| {
        if args.json { write_value(&as_json(&file, &kinds), out) } else { as_text(&file, &kinds, out) }
    })?;
    Ok(0)
}

/// What holds for one kind.
#[derive(PartialEq)]
struct OfKind<'a> {
    threshold: usize,
    signers: Vec<&'a str>,
    require: Vec<Property>,
    max_age: Option<i64>,
    waivers: Vec<String>,
}

impl<'a> OfKind<'a> {
    fn of(file: &'a TrustFile, kind: &'a str) -> OfKind<'a> {
        let able = file.all_terms().filter(|(terms, ..)| terms.revoked.is_none() && terms.may_sign_kind(Some(kind)));
        OfKind {
            threshold: file.rules.threshold(Some(kind)).get(),
            signers: able.map(|(terms, ..)| terms.name.as_str()).collect(),
            require: file.rules.require(kind),
            max_age: file.rules.max_age(kind),
            waivers: file.rules.waivers(kind).map(Waiver::words).collect(),
        }
    }

    fn require(&self) -> Vec<&'static str> {
        self.require.iter().map(|property| property.name()).collect()
    }
}

fn as_json(file: &TrustFile, kinds: &[&str]) -> Value {
    let keys = file.keys.iter().map(|key| {
        let mut members = terms_json(&key.terms, &key.fingerprint);
        members["type"] = json!(key.material.as_ref().map(|material| material.describe()));
        members
    });
    let secrets = file.secrets.iter().map(|secret| terms_json(&secret.terms, secret.material.fingerprint()));
    let logs = file.logs.iter().map(|NamedLog { log, .. }| {
        json!({
            "name": log.name, "fingerprint": log.key.fingerprint(), "type": log.key.describe(), "origin": log.origin,
            "example": example_name(log.key.fingerprint()),
        })
    });
    let kinds = kinds.iter().map(|kind| {
        let of = OfKind::of(file, kind);
        json!({
            "kind": kind, "threshold": of.threshold, "signers": of.signers, "require": of.require(),
            "max_age_seconds": of.max_age, "waivers": of.waivers,
        })
    });
    let Rules { file: record, .. } = &file.rules;
    json!({
        "schema": "portcullis.trust/v1",
        "policy": {"name": lossless(&record.name), "sha256": hex(&record.sha256)},
        "keys": keys.collect::<Vec<_>>(),
        "secrets": secrets.collect::<Vec<_>>(),
        "logs": logs.collect::<Vec<_>>(),
        "revocations": file.revocations.iter().map(list_json).collect::<Vec<_>>(),
        "kinds": kinds.collect::<Vec<_>>(),
    })
}

/// A revocation list with what it revokes of keys and content.
fn list_json(list: &HonouredList) -> Value {
    let revoked = list.list.revocations.iter().map(|found| {
        json!({
            "category": found.category.name(), "id": found.id, "fingerprint": found.fingerprint,
            "subject": found.subject_id, "since": time::format_rfc3339(found.revoked_at), "reason": found.reason,
        })
    });
    json!({
        "file": list.file, "sha256": hex(&list.sha256), "key": list.key, "issuer": list.list.issuer,
        "sequence": list.list.sequence, "min_sequence": list.min_sequence, "max_age_seconds": list.max_age,
        "issued_at": list.list.issued_at.map(time::format_rfc3339),
        "expires_at": list.list.expires_at.map(time::format_rfc3339),
        "revocations": revoked.collect::<Vec<_>>(),
    })
}

/// As in [`list_json`], for people; the window is told and not judged.
fn list_text(list: &HonouredList, out: &mut dyn Write) -> io::Result<()> {
    const SHOWN: usize = 25;
    let issuer = list.list.issuer.as_deref().map_or(String::new(), clean_text);
    let sequence = list.list.sequence.unwrap_or_default();
    wrap(out, "  ", &format!("{} of {issuer}, sequence {sequence}", clean_text(&list.file)))?;
    wrap(out, "    ", &format!("sha256:{}, signed by {}", hex(&list.sha256), clean_text(&list.key)))?;
    let times = [("issued", list.list.issued_at), ("until", list.list.expires_at)];
    for (label, at) in times.into_iter().filter_map(|(label, at)| Some((label, at?))) {
        wrap(out, "    ", &format!("{label}: {}", time::format_rfc3339(at)))?;
    }
    for found in list.list.revocations.iter().take(SHOWN) {
        let (category, since) = (found.category.name(), time::format_rfc3339(found.revoked_at));
        let reason = found.reason.as_ref().map_or(String::new(), |reason| format!(": {}", clean_text(reason)));
        wrap(out, "    ", &format!("revokes {category} {} since {since}{reason}", clean_text(&found.id)))?;
    }
    let more = list.list.revocations.len().saturating_sub(SHOWN);
    if more > 0 { wrap(out, "    ", &format!("and {more} more")) } else { Ok(()) }
}

fn terms_json(terms: &Terms, fingerprint: &str) -> Value {
    json!({
        "name": terms.name,
        "fingerprint": fingerprint,
        "kinds": terms.kinds,
        "documents": terms.documents,
        "schemes": terms.schemes.map(|schemes| schemes.iter().map(|scheme| scheme.name()).collect::<Vec<_>>()),
        "valid_from": terms.valid_from.map(time::format_rfc3339),
        "valid_until": terms.valid_until.map(time::format_rfc3339),
        "revoked": terms.revoked,
        "example": example_name(fingerprint),
    })
}

fn as_text(file: &TrustFile, kinds: &[&str], out: &mut dyn Write) -> io::Result<()> {
    let record = &file.rules.file;
    wrap(out, "", &format!("Trust policy {} sha256:{}", clean_text(&lossless(&record.name)), hex(&record.sha256)))?;
    writeln!(out, "\nKeys")?;
    for key in &file.keys {
        let kind = key.material.as_ref().map_or("known by fingerprint only; --key gives it".into(), |k| k.describe());
        signer(&key.terms, &key.fingerprint, &kind, out)?;
    }
    for secret in &file.secrets {
        let kind = "shared secret: whoever can check this can forge it";
        signer(&secret.terms, secret.material.fingerprint(), kind, out)?;
    }
    if !file.logs.is_empty() {
        writeln!(out, "\nTransparency logs")?;
    }
    for NamedLog { log, .. } in &file.logs {
        let example = example_name(log.key.fingerprint()).map_or("", |_| " (example key: everybody can sign with it)");
        let name = clean_text(log.name.as_deref().unwrap_or_default());
        wrap(out, "  ", &format!("{name}: {}{example}", log.key.describe()))?;
        wrap(out, "    ", log.key.fingerprint())?;
        if let Some(origin) = &log.origin {
            wrap(out, "    ", &format!("origin: {}", clean_text(origin)))?;
        }
    }
    if !file.revocations.is_empty() {
        writeln!(out, "\nRevocation lists")?;
        file.revocations.iter().try_for_each(|list| list_text(list, out))?;
    }
    writeln!(out, "\nKinds")?;
    let mut groups: Vec<(Vec<&str>, OfKind<'_>)> = Vec::new();
    for kind in kinds {
        let of = OfKind::of(file, kind);
        match groups.iter_mut().find(|(_, known)| *known == of || known.signers.is_empty() && of.signers.is_empty()) {
            Some((names, _)) => names.push(kind),
            None => groups.push((vec![kind], of)),
        }
    }
    groups.sort_by_key(|(_, of)| of.signers.is_empty());
    groups.iter().try_for_each(|(names, of)| group(&names.join(", "), of, out))
}

/// Kinds of which the same holds.
fn group(names: &str, of: &OfKind<'_>, out: &mut dyn Write) -> io::Result<()> {
    wrap(out, "  ", names)?;
    if of.signers.is_empty() {
        return wrap(out, "    ", "nobody may sign these");
    }
    wrap(out, "    ", &format!("signed by {} of: {}", of.threshold, clean_text(&of.signers.join(", "))))?;
    if !of.require.is_empty() {
        wrap(out, "    ", &format!("requires, besides what the kind promises: {}", of.require().join(", ")))?;
    }
    if let Some(age) = of.max_age {
        wrap(out, "    ", &format!("not older than {}", time::describe_seconds(age)))?;
    }
    of.waivers.iter().try_for_each(|waiver| wrap(out, "    ", &format!("waived: {}", clean_text(waiver))))
}

fn signer(terms: &Terms, fingerprint: &str, kind: &str, out: &mut dyn Write) -> io::Result<()> {
    let example = example_name(fingerprint).map_or("", |_| " (example key: everybody can sign with it)");
    wrap(out, "  ", &format!("{}: {kind}{example}", clean_text(&terms.name)))?;
    wrap(out, "    ", fingerprint)?;
    let list = |globs: &Option<Vec<String>>| globs.as_ref().map(|globs| clean_text(&globs.join(", ")));
    let rows = [
        ("REVOKED", terms.revoked.as_deref().map(clean_text)),
        ("kinds", list(&terms.kinds)),
        ("documents", list(&terms.documents)),
        ("schemes", terms.schemes.map(|schemes| schemes.to_string())),
        ("from", terms.valid_from.map(time::format_rfc3339)),
        ("until", terms.valid_until.map(time::format_rfc3339)),
    ];
    let rows = rows.into_iter().filter_map(|(label, value)| Some((label, value?)));
    for (label, value) in rows {
        wrap(out, "    ", &format!("{label}: {value}"))?;
    }
    Ok(())
}
