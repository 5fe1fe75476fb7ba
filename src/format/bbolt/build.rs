//! Writes small databases in memory, for tests. Unlike bbolt it can be told the size of a page, and what it wrote lies
//! where tests can find it and spoil it.

use std::collections::BTreeMap;

/// What lies under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Node {
    Value(Vec<u8>),
    Bucket(Tree),
}

/// A bucket.
pub(crate) type Tree = BTreeMap<Vec<u8>, Node>;

/// The same checksum as in a description; written down a second time so that a slip shows.
pub(crate) fn checksum(bytes: &[u8]) -> u64 {
    let mut hash = 14_695_981_039_346_656_037_u64;
    for byte in bytes {
        hash ^= u64::from(*byte);
        hash = hash.wrapping_mul(1_099_511_628_211);
    }
    hash
}

/// Makes the checksums of both descriptions right.
pub(crate) fn repair(database: &mut [u8], page_size: usize) {
    for start in [16, page_size + 16] {
        if let Some(meta) = database.get_mut(start..start + 64) {
            let sum = checksum(&meta[..56]);
            meta[56..].copy_from_slice(&sum.to_le_bytes());
        }
    }
}

/// One element of a page: its two integers apart from position and lengths, its key and its value.
struct Element {
    flags: u32,
    child: u64,
    key: Vec<u8>,
    value: Vec<u8>,
}

struct Writer {
    page_size: usize,
    bytes: Vec<u8>,
}

/// A database that holds `tree`. Pages 0 and 1 describe it (page 1 counts), page 2 lists page 3 as free, and the pages of
/// the buckets follow, the root last.
pub(crate) fn database(tree: &Tree, page_size: usize) -> Vec<u8> {
    let mut writer = Writer { page_size, bytes: vec![0; 4 * page_size] };
    writer.header(2, 0x10, 1, 0);
    writer.bytes[2 * page_size + 16] = 3;
    let root = writer.bucket(tree);
    let pages = (writer.bytes.len() / page_size) as u64;
    for (page, transaction) in [(0, 6), (1, 7)] {
        writer.header(page, 4, 0, 0);
        let at = page * page_size + 16;
        let fields: [&[u8]; 9] = [
            &0xED0C_DAED_u32.to_le_bytes(),
            &2_u32.to_le_bytes(),
            &(page_size as u32).to_le_bytes(),
            &[0; 4],
            &root.to_le_bytes(),
            &[0; 8],
            &2_u64.to_le_bytes(),
            &pages.to_le_bytes(),
            &(transaction as u64).to_le_bytes(),
        ];
        writer.bytes[at..at + 56].copy_from_slice(&fields.concat());
    }
    repair(&mut writer.bytes, page_size);
    writer.bytes
}

impl Writer {
    fn header(&mut self, page: usize, flags: u16, count: usize, overflow: usize) {
        let at = page * self.page_size;
        self.bytes[at..at + 16].copy_from_slice(&header(page as u64, flags, count, overflow as u32));
    }

    /// The number of the root page of the bucket.
    fn bucket(&mut self, tree: &Tree) -> u64 {
        let elements = tree.iter().map(|(key, node)| self.element(key, node)).collect();
        let mut level = self.level(elements, 2);
        while level.len() > 1 {
            level = self.level(level, 1);
        }
        level[0].child
    }

    fn element(&mut self, key: &[u8], node: &Node) -> Element {
        let (flags, value) = match node {
            Node::Value(value) => (0, value.clone()),
            Node::Bucket(tree) => (1, self.inline(tree).unwrap_or_else(|| root_header(self.bucket(tree)))),
        };
        Element { flags, child: 0, key: key.to_vec(), value }
    }

    /// A bucket of few values inside its own value.
    fn inline(&self, tree: &Tree) -> Option<Vec<u8>> {
        let values = tree.iter().map(|(key, node)| match node {
            Node::Value(value) => Some(Element { flags: 0, child: 0, key: key.clone(), value: value.clone() }),
            Node::Bucket(_) => None,
        });
        let page = page(0, 2, &values.collect::<Option<Vec<_>>>()?, 0);
        (page.len() <= self.page_size / 4).then(|| [root_header(0), page].concat())
    }

    /// Writes pages of these elements, and says under which key each page is to be found.
    fn level(&mut self, elements: Vec<Element>, flags: u16) -> Vec<Element> {
        let mut pages: Vec<Vec<Element>> = vec![Vec::new()];
        let mut size = 16;
        for element in elements {
            let own = 16 + element.key.len() + element.value.len();
            if size + own > self.page_size && pages.last().is_some_and(|page| page.len() >= 2) {
                pages.push(Vec::new());
                size = 16;
            }
            size += own;
            pages.last_mut().unwrap().push(element);
        }
        pages.into_iter().map(|elements| self.write(&elements, flags)).collect()
    }

    fn write(&mut self, elements: &[Element], flags: u16) -> Element {
        let id = self.bytes.len() / self.page_size;
        let size = page(0, flags, elements, 0).len();
        let overflow = size.div_ceil(self.page_size).max(1) - 1;
        self.bytes.extend(page(id as u64, flags, elements, overflow as u32));
        self.bytes.resize((id + overflow + 1) * self.page_size, 0);
        let key = elements.first().map(|first| first.key.clone()).unwrap_or_default();
        Element { flags: 0, child: id as u64, key, value: Vec::new() }
    }
}

fn root_header(page: u64) -> Vec<u8> {
    [page.to_le_bytes(), [0; 8]].concat()
}

fn header(id: u64, flags: u16, count: usize, overflow: u32) -> [u8; 16] {
    let mut header = [0; 16];
    header[..8].copy_from_slice(&id.to_le_bytes());
    header[8..10].copy_from_slice(&flags.to_le_bytes());
    header[10..12].copy_from_slice(&(count as u16).to_le_bytes());
    header[12..].copy_from_slice(&overflow.to_le_bytes());
    header
}

fn page(id: u64, flags: u16, elements: &[Element], overflow: u32) -> Vec<u8> {
    let mut table = header(id, flags, elements.len(), overflow).to_vec();
    let mut data = Vec::new();
    for (index, element) in elements.iter().enumerate() {
        let position = ((elements.len() - index) * 16 + data.len()) as u32;
        let (key, value) = (element.key.len() as u32, element.value.len() as u32);
        if flags == 1 {
            table.extend(
                [position, key, element.child as u32, (element.child >> 32) as u32].map(u32::to_le_bytes).concat(),
            );
        } else {
            table.extend([element.flags, position, key, value].map(u32::to_le_bytes).concat());
        }
        data.extend([&element.key[..], &element.value].concat());
    }
    [table, data].concat()
}
