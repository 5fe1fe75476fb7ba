//! Keys and files for tests, made by `age-keygen` and `age` 1.1.1, the Go implementation. Published and worthless.

pub(crate) const OURS: &str = "AGE-SECRET-KEY-147K9YEANA2JT3CF4J72V45X9U593DFX3774H27LT4PT68MGSZ3WQVWYZRN";
pub(crate) const OURS_PUBLIC: &str = "age1ll77txgguxzl9yv6tdckl2y34cuttn6hhpjdr4nlw649sauw3stqkjzacj";
pub(crate) const STRANGER: &str = "AGE-SECRET-KEY-16QXPJH4UU559Y06ULKNW3NDJQSA6SFEQ28HF73Q9VDY2FNM7H69SQWT8JR";
pub(crate) const STRANGER_PUBLIC: &str = "age188hzwarft9vjx4ee87zkqzj6qu0qugg2wdju4j3pcqu5dgvvtslqq4fjpy";

/// The 32 bytes that are wrapped below.
pub(crate) const KEY: &str = "9mvir1PnMOAU6rsTtrhQXW1a2fDlwDeW90GW5kzNUEc=";
/// `age -r OURS`
pub(crate) const BINARY: &str = "\
     YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSAySXVFRnh2aGJ6ZFN1dlpsemoxc1JBMUtuWmJDNjFVZWh5WEhrZ1V1U1hRCjRXOEFa\
     WEtBd1lLNjczcmJ2ZEtmWlNxN25EcjFrdWJudjRLSzd1M0xKNWsKLS0tICtXWXJybjBJWUVVQ1huV002K2E1YW5WVXNsRWFwWkFjQkJ4UENJ\
     NGtwd28KhZTbOU2hN1oyDmPbIa+aWZmZvc9fbmppr4QKq1Ez8BPCKeuHqxEf98SubHO5NL3wDr2QIzk6cvn9iv4NyR4MYg==";
/// `age -r STRANGER -r OURS`
pub(crate) const TWO: &str = "\
     YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSA0SncyUFd5eDVOME8yZHpRSHJYMHY2ZUFYQVFlRzNTWXJRMXVoL1l3Rnc0Ck52SHBh\
     ZDJ1bjF3VFRTRyt4YTQ0a0p6YysyTVBrcGNNL1BxNFhIdTVDVjAKLT4gWDI1NTE5IHNmT003cTlNOG5KN0cwUThBM0UyOEdIVEo4QkhWMFJx\
     UjNxSmI3MEZDR3MKdGpqOVp3MytYblNMb25Ed2ZrZXdjNENrR00rZDhtSWVTTkdxaWNiVDB6cwotLS0gelpiZlk3cWdMSU9OR09wRDQ1NkxF\
     RUVMUXV1anBPQ29EUjhSYnhIbzAxUQqyAs44ViatMWnL+h0Nd1ygt8dHyH9i1gg5Ruw/FeXVczXLhuh0AdWzyeBwIVYvTGbN9pB+nitiWIC2\
     XEcopUct";
/// 31 bytes
pub(crate) const SHORT: &str = "\
     YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSBac3ZPWmJMWUtRNVJCZU44aEdlL0ZOVzFOeGJobTRjSURDSlVDbEgyTW5rCmVMSHRi\
     Y0tYM0NWS2p2TmNINHdpY00yQ2hJQVE4dnNnMkhpTWpZQzZhcjQKLS0tIEtUeStGdTRhY3dBZlNKVm1NbTVwNUdickJGenJiK3ZGT1FKUDBo\
     bGpkcHcKR4ww1ps+2KRzRHI7GQf0wDB+VsLGs+WyDFZx87cn8yPB096DS3HFvps02Glpm1o+I9Svd4dT4k35+As4+iUj";
/// 33 bytes, the last a line end
pub(crate) const LONG: &str = "\
     YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSA1Q3EzeHY2QjB3M1ZxZ2hFTXVFckMvMXU3RkVGK2thS2JmY2U5Z2UrZmtvCi9ZUFN2\
     RWRCV1BVeWRDaUYrV080enRlN3grUFRiS29DcHNPMjNVeG5rSlEKLS0tIGpWc2g4Zk9FVG9tSXYzckhwY3NqSUthVVREaEt3QVQwWldkdlF5\
     emdhWncK6xzEVBn2TGF6UkpAVsrA0hME/COrVDVedZ5NzbpJ+kcXluGWUbdsrZub3kPvHf8OOb6fiL5H405A2P50mLcT/jE=";
/// no bytes
pub(crate) const NOTHING: &str = "\
     YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSBrMUUrZXlNZVl6S1hNMWprQmRNbHhwSnQxUEZGMjZPZ0x5R2Rqd0JZUGlVCkkxRnN4\
     RWpqM0FWTDZKQzJYcWV0MWYrRVlOalRhTFkzOFByY0l4Q3JIeUkKLS0tIDBhd1lnTHAyT0YxTVNrVmQwcFNGOHFTaUs5dEZOQ0ZhWEdFdnFx\
     SGxxYUkKPgux8cRB1yk3yNNHUXQN9uxTbbvOl4x5h/l+BTDjlEI=";
/// `age -r ssh-ed25519...`
pub(crate) const SSH: &str = "\
     YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IHNzaC1lZDI1NTE5IHk3TmZLZyBVL05BaXF1YW5IbGpKdVBOYWxTeFBxOGVFMXF3YkRBdko0aWFp\
     aWNFUTBNClExc1VBWUpsK0ZzMVVSSzFSZExLcjZoUTRsdmJ0TkZ3Y0k1UWxVU3I2QWsKLS0tIFdsOGV4MlJHM05wbEk1SE03anJuMHJ4STZz\
     VDJzbjNjUWZ1eEtwSHEwZDgKahcAbhrJOZKBS8XhU6JBWtIcBEI4uzzvdYrBhh7QX6dGPGxqOY+5fVNBfS2cQfQff5lLXvtvNy2Pe+wflYCz\
     8A==";
/// `age -p`, work factor 18
pub(crate) const SCRYPT: &str = "\
     YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IHNjcnlwdCBvbEhORm0zaU9JSWdmVzRhamZhN0pnIDE4CmFDcXlnV3dmcFEyRlQyTHJCbTJwS2F2\
     TmdYaXI3VWtiUURmc1IyaG1rUmcKLS0tIFIzcXlVc1VkWjMyTkFGUGxOcnVNVWpNWGhZRjFuaktrMHhPc1hsS3MyTlEK+2QwqJKdMAn4te5L\
     +ptJbBD1UjNJpzWnq0v5YzT/I1Q3X0DlDrBj3WRyU/A8myAfz4v9ma90B7zkC1/u+Nx++w==";
/// `age -a -r OURS`
pub(crate) const ARMORED: &str = "\
-----BEGIN AGE ENCRYPTED FILE-----
YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSBKVjdLbXdvNUxTVEp3Wnl5
aHg4ei9XQTFHVG00TkErUGNFSlcxSnEwOGs0CkliamxQMUVVUzhjdW9OYkZXenA4
WWUzV2dWR01BQ2VwSy83UlNlRmdsaDgKLS0tIDVZb2VRVzE3b0lzZzIwbGdKMmw1
a2Ztb1BlNWw5N1lwb3QvdVNlQmJpVkUKZ4XdlsTzqzS12ApRryOJHgJoE//ZY4dH
oFShJY9izTsANOMrUYSbsYJzQX8cu9ReIFVTh52m5IgvLRWi7b66xA==
-----END AGE ENCRYPTED FILE-----
";

/// A line of JSON under KEY, nonce 00 01 .. 0b in front, additional data `run-7:data/raw/x.jsonl.zst`; sealed by OpenSSL.
pub(crate) const SEALED: &str = "AAECAwQFBgcICQoLHQxzqwwWZSr9rLDMPOKvsdwUpulOG+TSiHXfQk1jjWP2SxcsGM6N";
