//! The delta in reports of `diff`: whether it is exactly the step between two bundles, and what came of applying it.

use super::diff::SideView;
use super::{CheckView, Each, Ordered, head, write_value};
use crate::bundle::step::Counts;
use crate::pipeline::diff::Proof;
use crate::report::apply::ApplyReport;
use crate::report::model::Report;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};
use std::io::{self, Write};

/// Writes `report` as one JSON object and a line feed.
pub fn write(report: &ApplyReport<'_>, out: impl Write) -> io::Result<()> {
    write_value(report, out)
}

impl Serialize for ApplyReport<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        head(&mut map, "diff", self.at)?;
        map.serialize_entry("old", &SideView(&self.old))?;
        map.serialize_entry("delta", &SideView(&self.delta))?;
        map.serialize_entry("verdict", self.applied.verdict().name())?;
        map.serialize_entry("exit_code", &self.exit_code)?;
        map.serialize_entry("step", &self.applied.counts.as_ref().map(|counts| Ordered(members(counts))))?;
        map.serialize_entry("checks", &Each(self.applied.checks.iter().map(CheckView)))?;
        let unpacked = self.applied.unpacked.as_ref().map(|unpacked| Ordered(super::unpack::members(unpacked)));
        map.serialize_entry("unpacked", &unpacked)?;
        map.serialize_entry("limits", &Ordered(super::limits(&self.delta)))?;
        map.serialize_entry("cage", &Ordered(super::cage(&self.delta)))?;
        map.end()
    }
}

/// A delta beside the two bundles that it is said to lead between.
pub(super) struct ProofView<'a>(pub(super) &'a Proof, pub(super) &'a Report<'a>);

impl Serialize for ProofView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("is_step", &self.0.holds())?;
        map.serialize_entry("step", &self.0.counts.as_ref().map(|counts| Ordered(members(counts))))?;
        map.serialize_entry("checks", &Each(self.0.checks.iter().map(CheckView)))?;
        map.serialize_entry("bundle", &SideView(self.1))?;
        map.end()
    }
}

fn members(counts: &Counts) -> [(&'static str, Value); 4] {
    [
        ("added", json!(counts.added)),
        ("updated", json!(counts.updated)),
        ("removed", json!(counts.removed)),
        ("kept", json!(counts.kept)),
    ]
}
