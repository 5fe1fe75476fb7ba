//! Keys and signatures made by OpenSSL 3.0 for the tests of the key and signature modules.
//!
//! The keys were made for this file (`openssl genpkey`), the signatures over [`MESSAGE`] with `openssl
//! pkeyutl -sign -rawin` (Ed25519) and `openssl dgst -sign`; the private halves were thrown away. Signatures
//! are base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What every signature below is over.
pub(crate) const MESSAGE: &[u8] = b"portcullis: one message for every scheme";

/// The bytes of a base64 constant.
pub(crate) fn bytes(base64: &str) -> Vec<u8> {
    STANDARD.decode(base64).expect("the constant is base64")
}

/// Ed25519.
pub(crate) const ED25519_PEM: &str = "\
-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAea5AnnM+drrcPjlOAzg+RPV1KXwz50ZKkE5TiSZL1B4=
-----END PUBLIC KEY-----
";

/// ECDSA P-256.
pub(crate) const P256_PEM: &str = "\
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAESR5Uhgix4sEJh/whwYIzbcal+nUf
kQ37/s3agO8wXNS1Gpy0Aa7ExUG/cW/4APVn90SrPVsfatGx3P5JcEhH5Q==
-----END PUBLIC KEY-----
";

/// The same key with its point compressed.
pub(crate) const P256_COMPRESSED_PEM: &str = "\
-----BEGIN PUBLIC KEY-----
MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgADSR5Uhgix4sEJh/whwYIzbcal+nUf
kQ37/s3agO8wXNQ=
-----END PUBLIC KEY-----
";

/// ECDSA P-384.
pub(crate) const P384_PEM: &str = "\
-----BEGIN PUBLIC KEY-----
MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAExT5Si8sHEtmzx8idN7UKj26M38TMA5Ws
luERSu41Vgm9Dmkoge+A07oR7ietJPBSOMBDR5xV/KmPESCYGhyLg/bIUVtzkSU+
FlZRylSd5Ll21lRWx4ZEwyHscHXs8jPr
-----END PUBLIC KEY-----
";

/// ECDSA P-521, which is not supported.
pub(crate) const P521_PEM: &str = "\
-----BEGIN PUBLIC KEY-----
MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQBHnYLyGPYpto2SG28bLCPF5tACWQA
ZVCPNwh4wRpBAlzqwytbjhJe4e5F8Wd0ndWoghevAxmWBRftw+4DPeY1Ui4AKCkJ
Ba1ix1leBMJiMRnJJiItc+d+6eb9de1VUVqo/7oql2LgjZVvRj4/CIZy9C+HfqJR
MID0Ew5Z+pgiFlHnU/M=
-----END PUBLIC KEY-----
";

/// ECDSA secp256k1, which is not supported.
pub(crate) const SECP256K1_PEM: &str = "\
-----BEGIN PUBLIC KEY-----
MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEu4I0JlVNrauhjFYZBPEjZXwc9JNO2/Ed
Y9NF6RWSKasnONuVowvxdJ7HaTvfGuTsxp3Z+bKwOj/23aeUcDDM3Q==
-----END PUBLIC KEY-----
";

/// X25519, no signature key.
pub(crate) const X25519_PEM: &str = "\
-----BEGIN PUBLIC KEY-----
MCowBQYDK2VuAyEA7hBaQIK9eJre8RhxKoquorjm0lMuyk66k0aJLMuhLnE=
-----END PUBLIC KEY-----
";

/// RSA, 2048 bits.
pub(crate) const RSA2048_PEM: &str = "\
-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAnzB/smjNew10b+iawk3m
jSCShoR0m14b7putRhJ+f/37h5davJAExGwLTNLEfETZjpOtea/9m9QuwttFL/lT
NCEIJK+BO6Yw3ojYUP7t+QdG4Y7dpGtrGHM/kpSABBZDQ0NYhgZyJ3nBZWUUc54U
SX0EYMLTbX7tSrVuo1S/QHUGRjW9rRrli2AE5JIOCIf9wAfTvvynOqkQo6WjSWma
cJofwAcXYN6bix8z4vD5c5r39I9Q/5kbMBWOe+shS2oAEAMKLBUdSp3Uzrd5c3S8
IAxlr67Xk03WuxGwSW+deh8lKO1JYKRw3J6v77coUDNi3KIH/XAeN9TN2NZlCGlI
cQIDAQAB
-----END PUBLIC KEY-----
";

/// The same key as a bare PKCS#1 structure.
pub(crate) const RSA2048_PKCS1_PEM: &str = "\
-----BEGIN RSA PUBLIC KEY-----
MIIBCgKCAQEAnzB/smjNew10b+iawk3mjSCShoR0m14b7putRhJ+f/37h5davJAE
xGwLTNLEfETZjpOtea/9m9QuwttFL/lTNCEIJK+BO6Yw3ojYUP7t+QdG4Y7dpGtr
GHM/kpSABBZDQ0NYhgZyJ3nBZWUUc54USX0EYMLTbX7tSrVuo1S/QHUGRjW9rRrl
i2AE5JIOCIf9wAfTvvynOqkQo6WjSWmacJofwAcXYN6bix8z4vD5c5r39I9Q/5kb
MBWOe+shS2oAEAMKLBUdSp3Uzrd5c3S8IAxlr67Xk03WuxGwSW+deh8lKO1JYKRw
3J6v77coUDNi3KIH/XAeN9TN2NZlCGlIcQIDAQAB
-----END RSA PUBLIC KEY-----
";

/// RSA, 1024 bits, too small.
pub(crate) const RSA1024_PEM: &str = "\
-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDlZeyDojwO2Us0n+a2tGc1dR5g
Dpe6Cj7SLXdsdVdwqrktYMW6d6RMAkb9Zv2qOH17zgQ5uXF1qbnrMvfH4TqufqAl
K33yvrpyVX7lgYqFbl359EqKqIaTrUxf24iwtNbXv0NsZFAOpHoxp0Fb3GJespB5
aRAuTYi3e5bdTPvqPwIDAQAB
-----END PUBLIC KEY-----
";

/// The Ed25519 key as JWK (RFC 8037).
pub(crate) const ED25519_JWK: &str = concat!(
    r#"{"kty":"OKP","crv":"Ed25519","kid":"ed","alg":"EdDSA","use":"sig","x":"#,
    r#""ea5AnnM-drrcPjlOAzg-RPV1KXwz50ZKkE5TiSZL1B4"}"#
);

/// The P-256 key as JWK (RFC 7518).
pub(crate) const P256_JWK: &str = concat!(
    r#"{"kty":"EC","crv":"P-256","kid":"p256","key_ops":["verify"],"x":"SR5Uhgix4sEJh_whwYIzbcal-"#,
    r#"nUfkQ37_s3agO8wXNQ","y":"tRqctAGuxMVBv3Fv-AD1Z_dEqz1bH2rRsdz-SXBIR-U"}"#
);

/// The P-384 key as JWK.
pub(crate) const P384_JWK: &str = concat!(
    r#"{"kty":"EC","crv":"P-384","x":"xT5Si8sHEtmzx8idN7UKj26M38TMA5WsluERSu41Vgm9Dmkoge-A07oR7ie"#,
    r#"tJPBS","y":"OMBDR5xV_KmPESCYGhyLg_bIUVtzkSU-FlZRylSd5Ll21lRWx4ZEwyHscHXs8jPr"}"#
);

/// The RSA key as JWK.
pub(crate) const RSA2048_JWK: &str = concat!(
    r#"{"kty":"RSA","alg":"PS256","e":"AQAB","n":"nzB_smjNew10b-iawk3mjSCShoR0m14b7putRhJ-f_37h5d"#,
    r#"avJAExGwLTNLEfETZjpOtea_9m9QuwttFL_lTNCEIJK-BO6Yw3ojYUP7t-QdG4Y7dpGtrGHM_kpSABBZDQ0NYhgZyJ"#,
    r#"3nBZWUUc54USX0EYMLTbX7tSrVuo1S_QHUGRjW9rRrli2AE5JIOCIf9wAfTvvynOqkQo6WjSWmacJofwAcXYN6bix8"#,
    r#"z4vD5c5r39I9Q_5kbMBWOe-shS2oAEAMKLBUdSp3Uzrd5c3S8IAxlr67Xk03WuxGwSW-deh8lKO1JYKRw3J6v77coU"#,
    r#"DNi3KIH_XAeN9TN2NZlCGlIcQ"}"#
);

/// By the Ed25519 key.
pub(crate) const ED25519_SIG: &str = "bNpaurqvaJlwgoFiiysTchToZntbqsr2V1UXkjkWIFjCM+n3x9oDoBojf0tjrk\
    RWTagLj8JCLtDONhlMNt+aAg==";

/// By the Ed25519 key: R is the neutral element and S fits it, so that lax verifiers accept it.
pub(crate) const ED25519_SMALL_R_SIG: &str = "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAfe5PZ5chD+sE7T8mvce\
    2EnsqY81SoxbxhOWM7pkCCBA==";

/// [`ED25519_SIG`] with the group order added to S.
pub(crate) const ED25519_LARGE_S_SIG: &str = "bNpaurqvaJlwgoFiiysTchToZntbqsr2V1UXkjkWIFivB99U4j0W+PC/du5BqC\
    NrTagLj8JCLtDONhlMNt+aEg==";

/// By the P-256 key, SHA-256, DER.
pub(crate) const P256_SIG: &str = "MEYCIQCbYcwFVIBo2HUfTChTe6LKEk65f3+OT51G45Thnk/KqQIhALQlB/65Rc\
    tz8Phu5k8sOtXTQZ+dtUzgLNX7CMuIRHq1";

/// [`P256_SIG`] as r and s side by side.
pub(crate) const P256_FIXED_SIG: &str = "m2HMBVSAaNh1H0woU3uiyhJOuX9/jk+dRuOU4Z5Pyqm0JQf+uUXLc/D4buZPLD\
    rV00GfnbVM4CzV+wjLiER6tQ==";

/// By the P-384 key, SHA-384, DER.
pub(crate) const P384_SIG: &str = "MGYCMQDTeupitiIivdtIv7s7TOfMPQnHhjVEFY6IOeXk1h4pqQAwTePfoMFoww\
    yviFu1f8kCMQDdxrcnqTNe2zbBCoWBLZIdjMUNxItT1o/WpOnvA33EqvJ5MKIF\
    SO0vsmO9+ujNLec=";

/// [`P384_SIG`] as r and s side by side.
pub(crate) const P384_FIXED_SIG: &str = "03rqYrYiIr3bSL+7O0znzD0Jx4Y1RBWOiDnl5NYeKakAME3j36DBaMMMr4hbtX\
    /J3ca3J6kzXts2wQqFgS2SHYzFDcSLU9aP1qTp7wN9xKryeTCiBUjtL7Jjvfro\
    zS3n";

/// By the P-384 key, SHA-256, DER.
pub(crate) const P384_SHA256_SIG: &str = "MGQCMGF1Jv/sgVeMt2UayrrrBjeKdz2Anf1uQbYFrl/SCQA3dB8lFkgUP/NHkJ\
    7jIEIu9QIwU+1Am68miq1QLu8MzXLuRwaV8je7WJRuOvYG/8l2D0KmzqDdjdZ+\
    uwcEx5g/t6Gy";

/// By the RSA key, PSS, SHA-256, salt of 32 bytes.
pub(crate) const RSA_PSS_SIG: &str = "WSBv0P3xijp/ax6eefLSsn3l/KgOeXHqcrL/5EbiJHvBEBnv86tAOcRAUod6sl\
    71mU8JtXOOcRSyeXAhoiDoMh2bjZTOvjNPwKI19Ub1t61NqcL3PQEblwdDJ0z7\
    pRD49uVacJGjG+NhDZ+UZbu8m1GDngwtDEsoLjzDNZT/vTPGdHb0dkGcnhkUqD\
    er3+fCEmW5MfK7PnBBWgPC0jRT8oYnU56cxH6ZrmnL0AEklll9SrbmoyFfvh0r\
    ulWKDeYYXLVrbv/tahJO9Yc7m473fNfOVEwx4oC5GjfMN/DZTZ26eg2uk6sZ0R\
    nTW2CnlbZd1LQnIJffS4s/6sTipaHlEA==";

/// The same with the longest salt that fits.
pub(crate) const RSA_PSS_MAX_SALT_SIG: &str = "M8F+xv48mBaeJ/POyABKsXOVn4dZQ/vfEKteeEZ3CAov822+SppG79xfh5k1iy\
    +I1EkhpQfo4tUnB0hlkyiv1IDQV2vxCnTaOilKVFRKQHwLfDLmBlC7/DeCXWsk\
    k5kMEv2GfBA9+zOanZ5YpDTh2/cTJCx+jKkvLKqgDGCwk3l8KSHrBB68k83E1v\
    /RA9AO7GiYuyTTNh1cgGA7Q3R2MWx0Tolzs2m6S8WfDainz3VQpdiOp9Dgqp0r\
    QZDgjYcqau+wy4WfMaRT6eoHawV6i3IEzokkRLUJqIc6LbVPcWCH0YJkxoiBHE\
    Bi8GwawiNYodhaHRSoQpUqXipcy6+UIw==";

/// By the RSA key, PKCS#1 v1.5, SHA-256.
pub(crate) const RSA_PKCS1_SIG: &str = "Hx9mj4j3xBl07ITqY6AeR/AaoUHoNCpUCEOW5ErhKvsnw2TJxnLuLp9L37VvMN\
    l4o422DR9d+Yoe9IHO79+6XfI5Dm+XqwvVJgeXi0L1cl4S9oUft6gbb+8nN5rv\
    1HZg9vfKA8PJgv5oRJluEEAnYVQYvvwvPtjFL4ql4Xu8mGjkBU3YgdlsC9zWw1\
    FWUgQl4fNAcqjDYyFN2DZxZGq+aCWSVRGBsofFQX8VgBTaggvVwLJeOPcfxsIU\
    OHD50iBeeL7pwX8IVW7uJHoOaE/a6l6/wJd9mFsJD067/LxYoKxcgOWPY1gN2O\
    VCdBawgqGVSBcss6j243YAwzf66oRF/A==";

/// The same with SHA-512.
pub(crate) const RSA_PKCS1_SHA512_SIG: &str = "ZS7Ww1kwWhZKFn+5Q/pqa+gXEVC491+B/3QyzW9Adrb+5y1aL/Bw5A2BnmQjNI\
    DfRxqVhFXk+dd0m1n6/+IC6c7aP6FraQulPMl9dZYZ5ajkj7HqS603gDpOObh3\
    TgTbo5a++CTu/lh/f3USfOp8U5JmbkFUIJaEtJ74UMbLnZU411xfJhhGf6vswf\
    FZ5PyW2cqDRSqG8XpsiX6VkESMYfd9GpsvD3qzAJVfV5+uzE8knfCfMLnmS8yz\
    WFVuITJhA3UJcKmGxD0SHs4zx4Vtlt/j/biJpUmVZI7aYL/Zxi1Kj2UrIKZ1af\
    TuHYoYvi4UWJvWBusw5CN4YkYP1HZqfA==";

/// A shared secret, and the tag that `openssl dgst -sha256 -hmac` makes with it.
pub(crate) const SECRET: &[u8] = b"sixteen or more bytes";

/// The HMAC-SHA256 of [`MESSAGE`] under [`SECRET`].
pub(crate) const HMAC_TAG: &str = "VBmGBEpf588SGl8/oKd8O55W4UNMvq1446uE6oKMVrQ=";

/// [`P256_SIG`] with s replaced by the group order minus s.
pub(crate) const P256_OTHER_S_SIG: &str = "MEUCIQCbYcwFVIBo2HUfTChTe6LKEk65f3+OT51G45Thnk/KqQIgS9r4AEa6NI\
    0PB5EZsNPFKemlWw/xyr5YHb7B93Qeqpw=";
