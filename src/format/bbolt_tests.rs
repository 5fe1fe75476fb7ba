//! Databases made byte by byte, sound ones and one for each defect.

use super::build::{self, Node, Tree};
use super::*;
use proptest::prelude::*;
use std::ops::ControlFlow;

/// Small pages, so that small trees have branches and overflow.
const SIZE: usize = 512;

fn value(text: &str) -> Node {
    Node::Value(text.as_bytes().to_vec())
}

fn tree(nodes: impl IntoIterator<Item = (impl Into<String>, Node)>) -> Tree {
    nodes.into_iter().map(|(key, node)| (key.into().into_bytes(), node)).collect()
}

/// Values at the root, an inline bucket, a bucket with branches, a bucket inside another, a value that overflows.
fn sample() -> Tree {
    let many = tree((0..200).map(|number| (format!("key-{number:04}"), value(&format!("value {number}")))));
    let deep = tree([("inner", Node::Bucket(many.clone())), ("small", Node::Bucket(tree([("x", value("y"))])))]);
    tree([
        ("deep", Node::Bucket(deep)),
        ("empty", Node::Bucket(Tree::new())),
        ("inline", Node::Bucket(tree([("a", value("1")), ("b", value(""))]))),
        ("large", Node::Value((0..5000).map(|n: u32| n as u8).collect())),
        ("many", Node::Bucket(many)),
        ("plain", value("text")),
    ])
}

/// The whole database as a tree again.
fn read(bytes: &[u8]) -> Result<(Tree, Walked), BoltError> {
    let mut open = vec![(Vec::new(), Tree::new())];
    let walked = Database::open(bytes)?.walk(|event| {
        match event {
            Event::Enter(name) => open.push((name.to_vec(), Tree::new())),
            Event::Value(key, value) => {
                let before = open.last_mut().unwrap().1.insert(key.to_vec(), Node::Value(value.to_vec()));
                assert_eq!(before, None);
            }
            Event::Leave => {
                let (name, tree) = open.pop().unwrap();
                let before = open.last_mut().unwrap().1.insert(name, Node::Bucket(tree));
                assert_eq!(before, None);
            }
        }
        ControlFlow::Continue(())
    })?;
    assert_eq!(open.len(), 1);
    Ok((open.pop().unwrap().1, walked))
}

fn error(bytes: &[u8]) -> String {
    match read(bytes) {
        Ok((tree, _)) => panic!("was read as {tree:?}"),
        Err(error) => {
            assert!(!error.is_medium(), "{error}");
            error.to_string()
        }
    }
}

#[test]
fn what_was_written_is_read() {
    for size in [512, 4096, 65536] {
        let bytes = build::database(&sample(), size);
        let (found, walked) = read(&bytes).unwrap();
        assert_eq!(found, sample());
        assert_eq!((walked.buckets, walked.top_buckets, walked.values), (6, 4, 405));
        assert_eq!((walked.unreferenced, walked.stopped), (0, false));
        assert_eq!(walked.pages + 4, bytes.len() as u64 / size as u64);
        let database = Database::open(&bytes[..]).unwrap();
        let meta = database.meta();
        assert_eq!((meta.page_size as usize, meta.transaction, meta.taken_from, meta.beyond), (size, 7, 1, 0));
        assert_eq!(meta.states, [6, 7].map(|transaction| MetaState::Valid { transaction }));
        assert_eq!(meta.freelist, Some(Freelist { free: 1, pages: 1 }));
    }
}

#[test]
fn values_are_found_by_their_keys() {
    let bytes = build::database(&sample(), SIZE);
    let database = Database::open(&bytes[..]).unwrap();
    let get = |buckets: &[&str], key: &str| {
        let buckets: Vec<&[u8]> = buckets.iter().map(|name| name.as_bytes()).collect();
        database.get(&buckets, key.as_bytes()).unwrap()
    };
    assert_eq!(get(&[], "plain").as_deref(), Some(&b"text"[..]));
    assert_eq!(get(&[], "large").map(|value| value.len()), Some(5000));
    assert_eq!(get(&["inline"], "b").as_deref(), Some(&b""[..]));
    for number in 0..200 {
        let expected = format!("value {number}").into_bytes();
        assert_eq!(get(&["deep", "inner"], &format!("key-{number:04}")), Some(expected));
    }
    for (buckets, key) in [
        (&[][..], "many"),
        (&[], "absent"),
        (&["absent"], "a"),
        (&["plain"], "a"),
        (&["many"], "key-"),
        (&["many"], "key-9999"),
        (&["deep"], "inner"),
        (&["inline", "a"], "a"),
    ] {
        assert_eq!(get(buckets, key), None, "{buckets:?} {key}");
    }
    assert_eq!(database.get(&[&b"many"[..]; 20], b"key").unwrap(), None);
}

#[test]
fn a_visitor_stops_the_walk() {
    let bytes = build::database(&sample(), SIZE);
    let database = Database::open(&bytes[..]).unwrap();
    for stop in 1..=417 {
        let mut events = 0;
        let walked = database.walk(|_| {
            events += 1;
            if events == stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert_eq!((events, walked.unwrap().stopped), (stop, true));
    }
    assert!(!database.counts().unwrap().stopped);
}

// ---- what describes the database -----------------------------------------------------------------------------------

#[test]
fn a_damaged_description_leaves_the_other() {
    let good = build::database(&sample(), SIZE);
    for (page, transaction) in [(0, 7), (1, 6)] {
        let mut bytes = good.clone();
        bytes[page * SIZE + 20] ^= 1;
        let meta = Database::open(&bytes[..]).unwrap().meta().clone();
        assert_eq!((meta.transaction, usize::from(meta.taken_from)), (transaction, 1 - page));
        assert!(matches!(&meta.states[page], MetaState::Invalid(why) if why.contains("version 3, expected 2")));
        assert_eq!(read(&bytes).unwrap().0, sample());
    }
    let mut bytes = good.clone();
    (bytes[16 + 50], bytes[SIZE + 16]) = (9, 0);
    let why = error(&bytes);
    assert!(why.contains("page 0 has the checksum") && why.contains("no other page describes one"), "{why}");
}

#[test]
fn the_higher_transaction_counts_and_page_0_where_they_are_equal() {
    let mut bytes = build::database(&sample(), SIZE);
    for (transaction, expected) in [(8, 0), (7, 0), (6, 1)] {
        bytes[16 + 48] = transaction;
        build::repair(&mut bytes, SIZE);
        assert_eq!(Database::open(&bytes[..]).unwrap().meta().taken_from, expected);
    }
}

#[test]
fn descriptions_that_readers_would_understand_differently_are_refused() {
    let good = build::database(&sample(), SIZE);
    let spoilt = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        build::repair(&mut bytes, SIZE);
        error(&bytes)
    };
    let both = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        (bytes[16 + at], bytes[SIZE + 16 + at]) = (byte, byte);
        build::repair(&mut bytes, SIZE);
        error(&bytes)
    };
    for (why, expected) in [
        (spoilt(SIZE, 0), "page 1 describes the database, but its header has number 0 and flags 0x4"),
        (spoilt(8, 2), "page 0 describes the database, but its header has number 0 and flags 0x2"),
        (spoilt(SIZE + 16 + 9, 4), "page 0 states pages of 512 bytes, the other description 1024; both are valid"),
        (both(9, 1), "page 0 states pages of 256 bytes, expected a power of two from 512 to 65536"),
        (both(8, 1), "page 0 states pages of 513 bytes"),
        (both(16, 1), "page 1 names page 1 as the root page; expected 2 to below"),
        (both(32, 255), "page 1 names page 255 as the list of free pages"),
        (both(43, 4), "page 1 counts 67108912 pages; at most 67108864 are read"),
        (both(41, 1), "it was cut short"),
    ] {
        assert!(why.contains(expected), "{why}\nexpected {expected}");
    }
}

#[test]
fn with_page_0_damaged_there_is_one_page_1_and_it_lies_where_it_says() {
    let large = build::database(&sample(), 4096);
    let with = |place: usize, states: u32| {
        let mut bytes = large.clone();
        bytes.resize(bytes.len().max(64 << 10), 0);
        bytes[16] = 0;
        let copy: Vec<u8> = large[4096..4096 + 80].to_vec();
        let target = &mut bytes[place..place + 80];
        target.copy_from_slice(&copy);
        target[16 + 8..][..4].copy_from_slice(&states.to_le_bytes());
        let sum = build::checksum(&target[16..72]);
        target[72..].copy_from_slice(&sum.to_le_bytes());
        bytes
    };
    assert_eq!(Database::open(&with(4096, 4096)[..]).unwrap().meta().taken_from, 1);
    for (place, states) in [(1024, 4096), (1024, 1024), (512, 512), (32768, 32768), (32768, 4096), (4096, 8192)] {
        let why = Database::open(&with(place, states)[..]).map(|_| ()).unwrap_err().to_string();
        assert!(why.contains("page 0 is damaged, and what may be page 1 at byte"), "{place} {states}: {why}");
    }
}

#[test]
fn what_is_no_database_is_said_to_be_none() {
    assert!(error(b"test").contains("the file has 4 bytes"));
    assert!(error(&[0; 4096]).contains("page 0 begins with 0x00000000 instead of 0xed0cdaed"));
    let mut other = vec![0; 4096];
    other[16..20].copy_from_slice(&0xED0C_DAED_u32.to_be_bytes());
    assert!(error(&other).contains("the other byte order"));
}

#[test]
fn free_pages_that_were_not_written_are_no_defect() {
    let mut bytes = build::database(&sample(), SIZE);
    for at in [16 + 32, SIZE + 16 + 32] {
        bytes[at..at + 8].fill(0xFF);
    }
    build::repair(&mut bytes, SIZE);
    assert_eq!(Database::open(&bytes[..]).unwrap().meta().freelist, None);
    // The page of the old list, and the free one.
    assert_eq!(read(&bytes).unwrap().1.unreferenced, 2);
}

#[test]
fn a_list_of_free_pages_is_held_to_its_rules() {
    let good = build::database(&sample(), SIZE);
    let root = good[16 + 16];
    let list = |count: u16, ids: &[u64]| {
        let mut bytes = good.clone();
        bytes[2 * SIZE + 10..][..2].copy_from_slice(&count.to_le_bytes());
        for (id, place) in ids.iter().zip(bytes[2 * SIZE + 16..].as_chunks_mut::<8>().0) {
            *place = id.to_le_bytes();
        }
        bytes
    };
    assert_eq!(Database::open(&list(0xFFFF, &[1, 3])[..]).unwrap().meta().freelist.unwrap().free, 1);
    for (bytes, expected) in [
        (list(2, &[3, 3]), "page 2 lists page 3 as free after 3"),
        (list(1, &[1]), "page 2 lists page 1 as free"),
        (list(1, &[200]), "page 2 lists page 200 as free"),
        (list(1, &[2]), "page 2 lists itself as free"),
        (list(63, &[3]), "page 2 lists 63 free pages, but has room for 62"),
        (list(0xFFFF, &[u64::MAX, 3]), "but has room for 61"),
        (list(1, &[root.into()]), "is in use and on the list of free pages"),
    ] {
        let why = error(&bytes);
        assert!(why.contains(expected), "{why}\nexpected {expected}");
    }
    let mut bytes = good.clone();
    bytes[2 * SIZE + 8] = 2;
    assert!(error(&bytes).contains("page 2 is to list free pages, but has flags 0x2"));
}

// ---- pages ---------------------------------------------------------------------------------------------------------

/// The page on which the root bucket begins, where it is one leaf; and where its element `index` lies.
fn root_element(bytes: &[u8], index: usize) -> (usize, usize) {
    let page = usize::from(bytes[16 + 16]) * SIZE;
    (page, page + 16 + index * 16)
}

/// A database of one leaf with three values, changed by `change`, which is given the place of that leaf.
fn spoilt_leaf(change: impl FnOnce(&mut Vec<u8>, usize)) -> String {
    let mut bytes = build::database(&tree(["a", "b", "c"].map(|key| (key, value("value")))), SIZE);
    let (page, _) = root_element(&bytes, 0);
    change(&mut bytes, page);
    error(&bytes)
}

fn put(bytes: &mut [u8], at: usize, number: u32) {
    bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
}

#[test]
fn leaves_are_held_to_their_rules() {
    for (why, expected) in [
        (spoilt_leaf(|b, p| b[p] = 9), "page 4 states the number 9; expected its place in the file"),
        (spoilt_leaf(|b, p| b[p + 8] = 3), "page 4 has flags 0x3; expected a branch (0x1) or a leaf (0x2)"),
        (spoilt_leaf(|b, p| b[p + 8] = 4), "page 4 has flags 0x4"),
        (spoilt_leaf(|b, p| b[p + 10] = 32), "page 4 states 32 elements, which do not fit its 512 bytes"),
        (spoilt_leaf(|b, p| b[p + 12] = 1), "page 4 continues on 1 more pages, but the database ends before page 5"),
        (spoilt_leaf(|b, p| b[p + 15] = 255), "more pages, but the database ends"),
        (spoilt_leaf(|b, p| put(b, p + 20, 0)), "element 0 takes bytes 16 to 22; expected a place of its own from 64"),
        (spoilt_leaf(|b, p| put(b, p + 36, 33)), "element 1 takes bytes 65 to 71; expected a place of its own from 70"),
        (spoilt_leaf(|b, p| put(b, p + 52, u32::MAX)), "element 2 takes bytes 4294967343 to 4294967349"),
        (spoilt_leaf(|b, p| put(b, p + 60, u32::MAX)), "element 2 takes bytes 76 to 4294967372"),
        (spoilt_leaf(|b, p| put(b, p + 24, 0)), "element 0 has a key of 0 bytes"),
        (spoilt_leaf(|b, p| b[p + 70] = b'a'), "element 1 has a key that does not come after the one before it"),
        (spoilt_leaf(|b, p| put(b, p + 16, 2)), "element 0 has flags 0x2"),
        (spoilt_leaf(|b, p| put(b, p + 16, 1)), "element 0 is a bucket of 5 bytes; expected 16 at least"),
    ] {
        assert!(why.contains(expected), "{why}\nexpected {expected}");
    }
}

#[test]
fn buckets_inside_values_are_held_to_their_rules() {
    let good = build::database(&tree([("in", Node::Bucket(tree([("k", value("v")), ("l", value("w"))])))]), SIZE);
    let (page, _) = root_element(&good, 0);
    // Header, one element, the key; then the header of the bucket and its page.
    let inside = page + 16 + 16 + 2 + 16;
    let spoilt = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        error(&bytes)
    };
    for (why, expected) in [
        (spoilt(inside, 7), "whose page states number 7, flags 0x2 and 0 more pages"),
        (spoilt(inside + 8, 1), "whose page states number 0, flags 0x1"),
        (spoilt(inside + 12, 1), "flags 0x2 and 1 more pages"),
        (spoilt(inside + 10, 9), "states 9 elements, which do not fit its 52 bytes"),
        (spoilt(inside + 16, 1), "element 0 of a bucket inside a value is a bucket"),
        (spoilt(inside - 16, 5), "is a bucket on page 5, but has 52 bytes here too"),
        (spoilt(page + 16 + 12, 20), "with 4 bytes for its page"),
    ] {
        assert!(why.contains(expected), "{why}\nexpected {expected}");
    }
    assert_eq!(read(&good).unwrap().1.values, 2);
}

/// A bucket with one branch at its root, and the place of that branch.
fn branched() -> (Vec<u8>, usize) {
    let bytes = build::database(&tree((0..60).map(|n| (format!("key-{n:02}"), value(&"x".repeat(33))))), SIZE);
    let (page, _) = root_element(&bytes, 0);
    assert_eq!(bytes[page + 8], 1);
    (bytes, page)
}

#[test]
fn branches_are_held_to_their_rules() {
    let (good, page) = branched();
    let count = usize::from(good[page + 10]);
    let child = |index: usize| page + 16 + index * 16 + 8;
    let spoilt = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        error(&bytes)
    };
    let (own, free) = ((page / SIZE) as u8, 3);
    // The last digit of the second key of the branch: one more, so that the first key below is too small; and of the
    // third, so that the last keys below the second are too large.
    let digit = |index: usize| page + 16 + count * 16 + index * 6 + 5;
    for (why, expected) in [
        (spoilt(page + 10, 0), "is a branch without elements".to_string()),
        (spoilt(child(0), own), format!("page {own} is referred to twice")),
        (spoilt(child(1), good[child(0)]), "page 4 is referred to twice".into()),
        (spoilt(child(0), free), format!("page {free} states the number 0")),
        (spoilt(child(0), 2), "page 2 is referred to twice".into()),
        (spoilt(child(0), 1), "page 1 is referred to, but pages of data are 2 to below".into()),
        (spoilt(child(0), 250), "page 250 is referred to, but pages of data are 2 to below".into()),
        (spoilt(child(0) + 7, 1), "is referred to, but pages of data".into()),
        (spoilt(digit(1), good[digit(1)] + 1), "has a first key that does not fit its place".into()),
        (spoilt(digit(1), good[digit(1)] - 1), "a first key that is not greater than the keys before it".into()),
        (spoilt(child(1), good[child(2)]), "a first key that is not greater than the keys before it".into()),
        (spoilt(child(1), good[child(0)]), "referred to twice".into()),
    ] {
        assert!(why.contains(&expected), "{why}\nexpected {expected}");
    }
}

#[test]
fn trees_and_buckets_have_a_depth_at_which_reading_ends() {
    let nested = |levels: usize| {
        let fill: Tree = tree((0..9).map(|n| (format!("{n}"), value(&"x".repeat(40)))));
        (0..levels).fold(fill, |inner, _| tree([("in", Node::Bucket(inner))]))
    };
    let (found, walked) = read(&build::database(&nested(MAX_BUCKET_DEPTH), SIZE)).unwrap();
    assert_eq!((found, walked.buckets), (nested(MAX_BUCKET_DEPTH), MAX_BUCKET_DEPTH as u64));
    let why = error(&build::database(&nested(MAX_BUCKET_DEPTH + 1), SIZE));
    assert!(why.contains("has a bucket that lies inside 16 others"), "{why}");

    // Branches with one child each: no page twice, and still without an end in sight.
    let chain = |branches: usize| {
        let mut bytes = build::database(&tree([("k", value("v"))]), SIZE);
        for _ in 0..branches {
            let id = (bytes.len() / SIZE) as u64;
            let mut page = [&id.to_le_bytes()[..], &[1, 0, 1, 0, 0, 0, 0, 0]].concat();
            page.extend([&16_u32.to_le_bytes()[..], &1_u32.to_le_bytes(), &(id - 1).to_le_bytes(), b"k"].concat());
            page.resize(SIZE, 0);
            bytes.extend(page);
            for at in [16, SIZE + 16] {
                bytes[at + 16] = id as u8;
                bytes[at + 40] = id as u8 + 1;
            }
        }
        build::repair(&mut bytes, SIZE);
        bytes
    };
    assert_eq!(read(&chain(MAX_TREE_DEPTH - 1)).unwrap().1.values, 1);
    let deep = chain(MAX_TREE_DEPTH);
    assert!(error(&deep).contains("lies deeper than 26 pages"), "{}", error(&deep));
    assert!(Database::open(&deep[..]).unwrap().get(&[], b"k").is_err());
}

/// A file that is zero behind its first bytes.
struct Sparse {
    length: u64,
    head: Vec<u8>,
}

impl PageSource for Sparse {
    fn len(&self) -> u64 {
        self.length
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        buffer.fill(0);
        let rest = self.head.get(offset as usize..).unwrap_or_default();
        for (slot, byte) in buffer.iter_mut().zip(rest) {
            *slot = *byte;
        }
        Ok(())
    }
}

#[test]
fn a_page_that_claims_gigabytes_is_not_read() {
    let (mut head, page) = branched();
    let pages = 1_u64 << 24;
    for at in [16, SIZE + 16] {
        head[at + 40..at + 48].copy_from_slice(&pages.to_le_bytes());
    }
    build::repair(&mut head, SIZE);
    let mut source = Sparse { length: pages * SIZE as u64, head };
    let most = MAX_RUN as u32 / SIZE as u32 - 1;
    put(&mut source.head, page + 12, most);
    assert_eq!(Database::open(&source).unwrap().counts().unwrap().values, 60);
    put(&mut source.head, page + 12, most + 1);
    let why = Database::open(&source).unwrap().counts().unwrap_err();
    assert!(matches!(why, BoltError::Limit { .. }) && why.to_string().contains("at most 33554432 are read"), "{why}");
}

#[test]
fn a_medium_that_fails_is_no_bad_database() {
    struct Failing(Vec<u8>, u64);
    impl PageSource for Failing {
        fn len(&self) -> u64 {
            self.0.len() as u64
        }
        fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
            if offset + buffer.len() as u64 > self.1 {
                return Err(io::Error::other("input/output error"));
            }
            self.0[..].read_at(offset, buffer)
        }
    }
    let bytes = build::database(&sample(), SIZE);
    for good in (0..bytes.len() as u64).step_by(SIZE) {
        let outcome = Database::open(Failing(bytes.clone(), good)).and_then(|database| database.counts());
        assert!(outcome.is_err_and(|why| why.is_medium() && why.to_string().contains("cannot be read at byte")));
    }
}

// ---- any bytes -----------------------------------------------------------------------------------------------------

fn trees() -> impl Strategy<Value = Tree> {
    let key = proptest::collection::vec(any::<u8>(), 1..12);
    let leaf = proptest::collection::vec(any::<u8>(), 0..300).prop_map(Node::Value);
    let keys = key.clone();
    let node = leaf.prop_recursive(3, 300, 60, move |inner| {
        proptest::collection::btree_map(keys.clone(), inner, 0..60).prop_map(Node::Bucket)
    });
    proptest::collection::btree_map(key, node, 0..40)
}

/// A walk that must end: no element has bytes that another one has, so there are fewer events than bytes.
fn survive(bytes: &[u8]) -> bool {
    let Ok(database) = Database::open(bytes) else { return false };
    let mut events = 0;
    let outcome = database.walk(|event| {
        events += 1;
        if let Event::Value(key, value) = event {
            assert!(key.len() + value.len() < bytes.len());
            let _ = database.get(&[], key);
        }
        ControlFlow::Continue(())
    });
    assert!(events <= bytes.len());
    outcome.is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_tree_is_read_as_it_was_written(tree in trees(), size in prop::sample::select(vec![512_usize, 1024, 4096])) {
        let bytes = build::database(&tree, size);
        let (found, walked) = read(&bytes).unwrap();
        prop_assert_eq!(&found, &tree);
        prop_assert_eq!(walked.unreferenced, 0);
        let database = Database::open(&bytes[..]).unwrap();
        let (mut walked, mut asked) = (Vec::new(), Vec::new());
        database
            .walk(|event| {
                walked.push(format!("{event:?}"));
                ControlFlow::Continue(())
            })
            .unwrap();
        let mut cursor = database.cursor().unwrap();
        while let Some(event) = cursor.advance().unwrap() {
            asked.push(format!("{event:?}"));
        }
        prop_assert_eq!(asked, walked);
        for (key, node) in &tree {
            let expected = match node {
                Node::Value(value) => Some(value.clone()),
                Node::Bucket(_) => None,
            };
            prop_assert_eq!(database.get(&[], key).unwrap(), expected);
        }
    }

    #[test]
    fn a_database_that_was_cut_is_refused(tree in trees(), at in any::<prop::sample::Index>()) {
        let bytes = build::database(&tree, SIZE);
        prop_assert!(Database::open(&bytes[..at.index(bytes.len())]).is_err());
    }

    #[test]
    fn changed_bytes_never_panic(
        tree in trees(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = build::database(&tree, SIZE);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        survive(&bytes);
        build::repair(&mut bytes, SIZE);
        survive(&bytes);
    }
}

#[test]
fn every_byte_of_a_small_database_can_be_any_of_some() {
    let small = tree([
        ("b", Node::Bucket(tree((0..30).map(|n| (format!("{n:02}"), value("text that fills the page")))))),
        ("i", Node::Bucket(tree([("k", value("v"))]))),
        ("v", value("w")),
    ]);
    let good = build::database(&small, SIZE);
    let mut sound = 0;
    for at in 0..good.len() {
        for byte in [0, 1, 2, 0x7F, 0x80, 0xFF, good[at].wrapping_add(1)] {
            let mut bytes = good.clone();
            bytes[at] = byte;
            build::repair(&mut bytes, SIZE);
            sound += usize::from(survive(&bytes));
        }
    }
    // Changes to values and to unused bytes are sound; most others are not.
    assert!(sound > good.len() && sound < 7 * good.len());
}
