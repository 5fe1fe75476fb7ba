"""Runs one command and reports what it used. A part of scripts/bench.

`python -ISB bench_launch.py FD PROGRAM ARG...` writes "wall cpu peak-KiB exit" to the open file FD. A child starts from the
peak memory of the process that forks it, so this one imports next to nothing: the floor is then 5 to 7 MiB.
"""

import os
import sys
import time


def main() -> None:
    report, argv = int(sys.argv[1]), sys.argv[2:]
    start = time.perf_counter()
    child = os.fork()
    if child == 0:
        execute(argv)
    _, status, usage = os.wait4(child, 0)
    wall = time.perf_counter() - start
    cpu, code = usage.ru_utime + usage.ru_stime, os.waitstatus_to_exitcode(status)
    os.write(report, f"{wall} {cpu} {usage.ru_maxrss} {code}".encode())


def execute(argv: list[str]) -> None:
    """Becomes the command, or ends as a shell does that cannot find it."""
    try:
        os.execvp(argv[0], argv)
    except OSError as error:
        os.write(2, f"{argv[0]}: {error.strerror}\n".encode())
    os._exit(127)


main()
