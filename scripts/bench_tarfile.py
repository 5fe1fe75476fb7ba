"""The script that one would write instead: check a tar against the SHA256SUMS inside it. A peer in scripts/bench."""

import hashlib
import sys
import tarfile


def main() -> int:
    found, claimed = {}, None
    with tarfile.open(sys.argv[1]) as tar:
        for entry in tar:
            if not entry.isfile():
                continue
            file = tar.extractfile(entry)
            if entry.name == "SHA256SUMS":
                claimed = file.read().decode()
            else:
                found[entry.name] = hashlib.file_digest(file, "sha256").hexdigest()
    if claimed is None:
        sys.exit("no SHA256SUMS inside")
    wanted = {name: digest for digest, name in (line.split("  ", 1) for line in claimed.splitlines())}
    return 0 if wanted == found else 1


if __name__ == "__main__":
    sys.exit(main())
