//! libFuzzer's entry to every target, so that one build is enough: `PORTCULLIS_FUZZ_TARGET` names the one to run.
//! `scripts/fuzz` uses it.

#![no_main]

#[path = "../../tests/fuzz_targets/mod.rs"]
mod fuzz_targets;

use std::sync::LazyLock;

static TARGET: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let wanted = std::env::var("PORTCULLIS_FUZZ_TARGET").expect("PORTCULLIS_FUZZ_TARGET names a target");
    let found = fuzz_targets::TARGETS.iter().find(|(name, _)| *name == wanted);
    found.unwrap_or_else(|| panic!("{wanted} is no target of tests/fuzz_targets/mod.rs")).1
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| TARGET(data));
