//! What holds and what does not, where the engine refused a bundle: it is run again with parts of the demand left out.

use super::Job;
use super::engine::{Claims, Demand, Part, Reason, Refusal};
use super::rows::Rows;
use crate::trust::key::PublicKey;

/// A bundle with a certificate was refused for `first`.
pub(super) fn certificate(
    job: &Job<'_, '_>,
    first: Refusal,
    name: (&str, &str),
    claims: &Claims,
    rows: &mut Rows,
) -> std::io::Result<()> {
    rows.refused(first);
    let demand = |named: bool, chain, sct, log| Demand::Certificate { name: named.then_some(name), chain, sct, log };
    // What the runs have in common: times, signature, and that the log entry is about both.
    let ground = job.run(&demand(false, false, false, false))?;
    let chain = job.run(&demand(false, true, false, false))?;
    let sct = job.run(&demand(false, true, true, false))?;
    let named = job.run(&demand(true, false, false, false))?;
    let log = job.run(&demand(false, false, false, true))?;
    if let Ok(found) = &log {
        rows.log(found, job);
    }
    if let Ok(found) = chain.as_ref().map_err(|_| ()).and(ground.as_ref().map_err(|_| ())) {
        rows.certificate(claims, &found.times);
        rows.signature(job);
    }
    if ground.is_ok() {
        rows.timestamps(job);
    }
    if sct.as_ref().is_ok_and(|found| found.sct) {
        rows.sct();
    }
    if chain.is_ok() && named.as_ref().is_ok_and(|found| found.name) {
        rows.identity(name);
    }
    for refusal in [ground, chain, sct, named, log].into_iter().filter_map(Result::err) {
        rows.refused(refusal);
    }
    rows.claimed(claims);
    if ground_lost(rows) {
        rows.set(Part::Signature, Reason::Open, "it fits the key of the certificate, which is not trusted".into());
    }
    Ok(())
}

/// The signature was not found wrong, and there is no trusted certificate that it could be by.
fn ground_lost(rows: &Rows) -> bool {
    rows.failed(Part::Certificate) && !rows.has(Part::Signature) && !rows.failed(Part::Timestamp)
}

/// A bundle without a certificate was refused for `first`, which is what the engine says with the key `key`.
pub(super) fn key(job: &Job<'_, '_>, first: Refusal, key: &PublicKey, rows: &mut Rows) -> std::io::Result<()> {
    rows.refused(first);
    match job.run(&Demand::Key { spki: key.spki_der(), log: false })? {
        Ok(_) => {
            rows.signature(job);
            rows.timestamps(job);
        }
        Err(refusal) => rows.refused(refusal),
    }
    Ok(())
}
