"""What `scripts/make-fixtures` is made of.

`tar`, `compress`, `signing` and `dsse` turn values into bytes, hostile ones included; `case` describes one test
case; `devportal`, `draft`, `evidence` and `plain` build whole bundles; the modules under `cases` list what is right
and what is wrong with each; `catalogue` gathers them and writes the table in fixtures/README.md.
"""
