//! Outcomes as reports: one model, two renderers that never filter and never decide.

pub mod apply;
pub mod cleaning;
pub mod databases;
pub mod diff;
pub mod json;
pub mod model;
pub mod text;

pub use model::{Outcome, Report, Subject};
