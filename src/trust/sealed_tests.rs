use super::*;
use proptest::prelude::*;

fn bytes_of(hex: &str) -> Vec<u8> {
    unhex(hex).unwrap()
}

fn key(text: &str) -> DataKey {
    DataKey::from_bytes(&bytes_of(text)).unwrap()
}

/// Seals with the same library: what is opened by another implementation's hand are the vectors below.
fn seal(key: &DataKey, nonce: Nonce, aad: &[u8], plain: &[u8]) -> Vec<u8> {
    let mut bytes = plain.to_vec();
    key.0.seal_in_place_append_tag(GcmNonce::assume_unique_for_key(nonce), Aad::from(aad), &mut bytes).unwrap();
    bytes
}

fn prefixed(key: &DataKey, nonce: Nonce, aad: &[u8], plain: &[u8]) -> Vec<u8> {
    [nonce.as_slice(), &seal(key, nonce, aad, plain)].concat()
}

fn run_key() -> DataKey {
    DataKey::from_bytes(&[7; 32]).unwrap()
}

/// Test cases 13, 14 and 16 of the GCM specification as submitted to NIST: key, nonce, additional data, plain text, cipher
/// text, tag.
const VECTORS: [[&str; 6]; 3] = [
    [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "000000000000000000000000",
        "",
        "",
        "",
        "530f8afbc74536b9a963b4f1c4cb738b",
    ],
    [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "000000000000000000000000",
        "",
        "00000000000000000000000000000000",
        "cea7403d4d606b6e074ec5d3baf39d18",
        "d0d1c8a799996bf0265b98b5d48ab919",
    ],
    [
        "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
        "cafebabefacedbaddecaf888",
        "feedfacedeadbeeffeedfacedeadbeefabaddad2",
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72\
         1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa\
         8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
        "76fc6ece0f4e1768cddf8853bb2d551b",
    ],
];

#[test]
fn the_vectors_of_the_specification_open_in_both_framings() {
    for [secret, nonce, aad, plain, cipher, tag] in VECTORS {
        let (key, nonce, aad, plain) = (key(secret), bytes_of(nonce), bytes_of(aad), bytes_of(plain));
        let sealed = [bytes_of(cipher), bytes_of(tag)].concat();
        let mut buffer = sealed.clone();
        assert_eq!(key.open(nonce.as_slice().try_into().unwrap(), &aad, &mut buffer).unwrap(), plain);
        let beside = SealedFile::with_nonce(sealed.clone(), nonce_of_document(&nonce).unwrap()).unwrap();
        assert_eq!(beside.open(&key, &aad).unwrap().plain(), plain);
        let before = SealedFile::with_prefix([nonce, sealed].concat()).unwrap();
        assert_eq!(before.open(&key, &aad).unwrap().plain(), plain);
    }
}

#[test]
fn every_flipped_bit_is_found_and_nothing_is_left_in_the_buffer() {
    let [secret, nonce, aad, _, cipher, tag] = VECTORS[2];
    let (key, aad) = (key(secret), bytes_of(aad));
    let nonce: Nonce = bytes_of(nonce).try_into().unwrap();
    let sealed = [bytes_of(cipher), bytes_of(tag)].concat();
    for bit in 0..sealed.len() * 8 {
        let mut bad = sealed.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(key.open(nonce, &aad, &mut bad), Err(OpenError::Tag), "bit {bit}");
        assert!(bad.iter().all(|byte| *byte == 0), "bit {bit}");
    }
    for length in TAG_BYTES..sealed.len() {
        assert_eq!(key.open(nonce, &aad, &mut sealed[..length].to_vec()), Err(OpenError::Tag), "cut to {length}");
    }
    let mut longer = [sealed.as_slice(), b"\0"].concat();
    assert_eq!(key.open(nonce, &aad, &mut longer), Err(OpenError::Tag));
    assert_eq!(key.open(nonce, b"", &mut sealed.clone()), Err(OpenError::Tag));
    assert_eq!(key.open([0; 12], &aad, &mut sealed.clone()), Err(OpenError::Tag));
}

#[test]
fn lengths_are_checked_before_anything_is_computed() {
    let short = |least, found| OpenError::TooShort { least, found };
    assert_eq!(run_key().open([0; 12], b"", &mut [0; 15]), Err(short(16, 15)));
    assert_eq!(SealedFile::with_nonce(vec![0; 15], [0; 12]).unwrap_err(), short(16, 15));
    assert_eq!(SealedFile::with_prefix(vec![0; 27]).unwrap_err(), short(28, 27));
    assert!(SealedFile::with_prefix(vec![0; 28]).is_ok());
    let found = MAX_SEALED + 1;
    assert_eq!(SealedFile::with_prefix(vec![0; found]).unwrap_err(), OpenError::TooLarge { found });
    assert!(DataKey::from_bytes(&[0; 31]).is_none() && DataKey::from_bytes(&[0; 33]).is_none());
    assert!(short(28, 27).to_string().contains("at least 28 bytes (a nonce of 12 and a tag of 16), found 27"));
}

#[test]
fn nonces_are_read_in_three_forms() {
    let nonce: Nonce = *b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\xfd\xfe\xff";
    for good in [&nonce[..], b"000102030405060708FDfeff", b"000102030405060708fdfeff\n", b"AAECAwQFBgcI/f7/\r\n"] {
        assert_eq!(nonce_of_document(good).as_ref(), Ok(&nonce), "{good:?}");
    }
    // Twelve bytes are the nonce whatever they look like.
    assert_eq!(nonce_of_document(b"abcdefghijk\n").unwrap(), *b"abcdefghijk\n");
    for (bad, found) in [
        (&b""[..], "0 bytes"),
        (b"0123456789abc", "13 bytes"),
        (b"000102030405060708fdfefg", "24 characters that are not hex digits"),
        (b"+00102030405060708fdfeff", "24 characters that are not hex digits"),
        (b"AAECAwQFBgcI_f7_", "16 characters that are not base64"),
        (b"AAECAwQFBgcI/f4=", "16 characters that are not base64"),
        (b"000102030405060708fdfeff\n\n", "26 bytes"),
        (b" AAECAwQFBgcI/f7/", "17 bytes"),
    ] {
        assert_eq!(nonce_of_document(bad).unwrap_err().found, found, "{bad:?}");
    }
}

const ONE: Nonce = [1; 12];
const TWO: Nonce = [2; 12];

fn candidate<'a>(path: &'a str, aad: &'a [u8], nonce: Nonce) -> Candidate<'a> {
    Candidate { path, aad, nonce: Some(nonce) }
}

fn refused(file: SealedFile, aad: &[u8]) -> SealedFile {
    let refused = file.open(&run_key(), aad).unwrap_err();
    assert_eq!(refused.error, OpenError::Tag);
    refused.sealed.unwrap()
}

#[test]
fn a_file_that_was_moved_is_told_from_exchanged_nonces() {
    let key = run_key();
    let others = [candidate("data/z", b"r:data/z", [9; 12]), candidate("data/x", b"r:data/x", ONE)];
    // With its nonce in front, data/x lies at data/y.
    let file = SealedFile::with_prefix(prefixed(&key, ONE, b"r:data/x", b"plain")).unwrap();
    let told = diagnose(&key, &refused(file, b"r:data/y"), b"r:data/y", &others);
    assert_eq!(told, Diagnosis::Moved { from: "data/x".into() });
    assert_eq!(told.to_string(), "it opens as \"data/x\": the file was moved");
    // data/y, sealed with TWO, has ONE in front, which belongs to data/x.
    let mut bytes = prefixed(&key, TWO, b"r:data/y", b"plain");
    bytes[..12].copy_from_slice(&ONE);
    let file = refused(SealedFile::with_prefix(bytes).unwrap(), b"r:data/y");
    let others = [candidate("data/x", b"r:data/x", TWO)];
    let told = diagnose(&key, &file, b"r:data/y", &others);
    assert_eq!(told, Diagnosis::NonceOf { path: "data/x".into() });
    assert_eq!(told.to_string(), "it opens with the nonce of \"data/x\": nonces were exchanged");
    // The cipher text of data/x beside the nonce that data/y has always had.
    let file = SealedFile::with_nonce(seal(&key, ONE, b"r:data/x", b"plain"), TWO).unwrap();
    let others = [candidate("data/x", b"r:data/x", ONE)];
    let told = diagnose(&key, &refused(file, b"r:data/y"), b"r:data/y", &others);
    assert_eq!(told, Diagnosis::MovedWithoutNonce { from: "data/x".into() });
}

#[test]
fn what_nothing_opens_is_altered_and_says_how_much_was_tried() {
    let key = run_key();
    let mut bytes = prefixed(&key, ONE, b"r:data/x", b"plain");
    *bytes.last_mut().unwrap() ^= 1;
    let file = refused(SealedFile::with_prefix(bytes).unwrap(), b"r:data/x");
    let others = [candidate("data/y", b"r:data/y", TWO)];
    let told = diagnose(&key, &file, b"r:data/x", &others);
    assert_eq!(told, Diagnosis::Unknown { tried: 1, of: 1 });
    assert_eq!(told.to_string(), "it was altered, cut, or sealed with another key");
    let stranger = DataKey::from_bytes(&[8; 32]).unwrap();
    assert_eq!(diagnose(&stranger, &file, b"r:data/x", &[]), Diagnosis::Unknown { tried: 0, of: 0 });
}

#[test]
fn tries_are_bounded() {
    let key = run_key();
    let file = || SealedFile::with_prefix(prefixed(&key, ONE, b"r:data/x", b"plain")).unwrap();
    let names: Vec<String> = (0..40).map(|number| format!("r:data/{number}")).collect();
    let mut others: Vec<Candidate<'_>> =
        names.iter().map(|name| Candidate { path: name, aad: name.as_bytes(), nonce: None }).collect();
    // One try each: the 16th is tried, the 17th is not.
    others[15] = Candidate { path: "data/x", aad: b"r:data/x", nonce: None };
    let moved = Diagnosis::Moved { from: "data/x".into() };
    assert_eq!(diagnose(&key, &refused(file(), b"r:here"), b"r:here", &others), moved);
    others.swap(15, 16);
    let told = diagnose(&key, &refused(file(), b"r:here"), b"r:here", &others);
    assert_eq!(told, Diagnosis::Unknown { tried: 16, of: 40 });
    assert!(told.to_string().contains("(16 of 40 other files were tried"));
    // The combination that has failed already costs no try.
    others[0] = candidate("data/here", b"r:here", ONE);
    assert_eq!(diagnose(&key, &refused(file(), b"r:here"), b"r:here", &others), moved);
}

#[test]
fn large_files_are_opened_and_not_tried_out() {
    let key = run_key();
    let plain = vec![5; MAX_DIAGNOSED];
    let bytes = prefixed(&key, ONE, b"r:data/x", &plain);
    let opened = SealedFile::with_prefix(bytes.clone()).unwrap().open(&key, b"r:data/x").unwrap();
    assert!(opened.plain() == plain);
    let refused = SealedFile::with_prefix(bytes.clone()).unwrap().open(&key, b"r:data/y").unwrap_err();
    assert!(refused.sealed.is_none());
    let file = SealedFile::with_prefix(bytes).unwrap();
    let others = [candidate("data/x", b"r:data/x", ONE)];
    assert_eq!(diagnose(&key, &file, b"r:data/y", &others), Diagnosis::Unknown { tried: 0, of: 1 });
}

#[test]
fn debug_shows_no_bytes() {
    let opened = SealedFile::with_prefix(prefixed(&run_key(), ONE, b"", b"plain")).unwrap();
    assert_eq!(format!("{opened:?}"), "SealedFile { bytes: 33, .. }");
    assert_eq!(format!("{:?}", opened.open(&run_key(), b"").unwrap()), "Opened { bytes: 5, .. }");
    assert_eq!(format!("{:?}", run_key()), "DataKey { .. }");
}

proptest! {
    #[test]
    fn hostile_bytes_never_open(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(file) = SealedFile::with_prefix(bytes) {
            prop_assert!(file.open(&run_key(), b"r:data/x").is_err());
        }
    }
}
