//! Limits on hostile input: each a number, its unit and the reason for it.

/// What one run is willing to read. Every field can be changed on the command line except the document limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Decoded bytes in all (`--max-bytes`).
    pub max_bytes: u64,
    /// Entries in all, nested archives included (`--max-entries`).
    pub max_entries: u64,
    /// Decoded bytes for each compressed byte (`--max-ratio`).
    pub max_ratio: u64,
    /// Decoded bytes that are free before `max_ratio` counts; 0 where the operator named a ratio.
    pub ratio_grace: u64,
    /// Containers inside one another: compression layers and archives (`--max-depth`).
    pub max_depth: u32,
    /// Largest zstd window in bytes (`--max-window`).
    pub max_window: u64,
    /// Largest single document (manifest, list, envelope) that is held in memory, in bytes.
    pub max_document: u64,
    /// All documents of one input together, in bytes.
    pub max_documents: u64,
}

impl Limits {
    /// 1 TiB: larger than any medium that is carried by hand, and at 1 GB/s still under twenty minutes.
    pub const MAX_BYTES: u64 = 1 << 40;
    /// 4,194,304 entries: four times the largest bundle that we measure; about 800 MB of memory at 200 bytes an entry.
    pub const MAX_ENTRIES: u64 = 1 << 22;
    /// 250: text and JSON reach 20 to 60, databases with empty pages about 100; deflate cannot exceed 1032.
    pub const MAX_RATIO: u64 = 250;
    /// 64 MiB: below this a bomb is not worth the name, and small files of one repeated byte are honest.
    pub const RATIO_GRACE: u64 = 64 << 20;
    /// 4: an archive in a compressed stream is 2, a compressed archive inside it 4.
    pub const MAX_DEPTH: u32 = 4;
    /// 128 MiB (windowLog 27): the largest window that the zstd command accepts without being asked to.
    pub const MAX_WINDOW: u64 = 128 << 20;
    /// 128 MiB: a checksum list of 1,000,000 lines has about 100 MB; a manifest of 50,000 entries has 11 MB.
    pub const MAX_DOCUMENT: u64 = 128 << 20;
    /// 192 MiB: one list of the largest size and everything that goes with it.
    pub const MAX_DOCUMENTS: u64 = 192 << 20;
    /// 8 MiB, and [`Self::NAME_BYTES`] for each entry: names and link targets of all entries together. An extension header
    /// gives a name up to 1 MiB, and names compress well, so without it a small stream claims all memory.
    pub const MAX_NAMES: u64 = 8 << 20;
    /// 256 bytes: real trees have names of 50 to 150 bytes on average.
    pub const NAME_BYTES: u64 = 256;
    /// 1 MiB: the largest PAX or GNU extension header; Linux names end at 4 KiB, extended attributes at 64 KiB.
    pub const MAX_EXTENSION: u64 = 1 << 20;
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            max_bytes: Self::MAX_BYTES,
            max_entries: Self::MAX_ENTRIES,
            max_ratio: Self::MAX_RATIO,
            ratio_grace: Self::RATIO_GRACE,
            max_depth: Self::MAX_DEPTH,
            max_window: Self::MAX_WINDOW,
            max_document: Self::MAX_DOCUMENT,
            max_documents: Self::MAX_DOCUMENTS,
        }
    }
}
