"""What `scripts/make-fixtures` is made of.

`tar`, `compress`, `signing`, `dsse`, `tuf`, `aead` and `age` turn values into bytes, hostile ones included; `case`
describes one test case; `devportal`, `draft`, `evidence`, `mirror` (with `sealing`, `delta` and `run`), `thin` and
`plain` build whole bundles; the modules under `cases` list what is right and what is wrong with each; `catalogue`
gathers them and writes the table in fixtures/README.md.
"""
