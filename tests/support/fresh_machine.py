#!/usr/bin/python3
"""Runs a command in a fresh clone of this checkout on a machine with none of the packages: a bare Debian 12 in a directory.

    sudo tests/support/fresh_machine.py tools/quickstart --seconds 20
    sudo tests/support/fresh_machine.py tests/run

The last commit is cloned, not the work tree. The directory (under /var/tmp, several GB) is removed at the end unless
BINRELAY_KEEP is set. The exit code is the command's.
"""

import os
import pathlib
import shutil
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))

import bare_root  # noqa: E402
from lab import chroots, machine  # noqa: E402

def make(root):
    root.chmod(0o755)
    machine.run(["debootstrap", "--variant=minbase", "bookworm", root, chroots.debian_mirror()])
    shutil.rmtree(root / "etc/apt")
    shutil.copytree("/etc/apt", root / "etc/apt", symlinks=True)
    for name in ("resolv.conf", "hosts"):
        shutil.copy(f"/etc/{name}", root / "etc" / name)
    machine.run(["git", "clone", "--quiet", "--no-hardlinks", machine.ROOT, root / "srv/binrelay"])


def main():
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    machine.become_root()
    root = pathlib.Path(tempfile.mkdtemp(prefix="binrelay-fresh-", dir="/var/tmp"))
    try:
        make(root)
        print(f"a bare Debian 12 is in {root}; running {' '.join(sys.argv[1:])}", flush=True)
        began = time.monotonic()
        code = bare_root.run(root, *sys.argv[1:])
        print(f"ended with {code} after {(time.monotonic() - began) / 60:.1f} minutes", flush=True)
    finally:
        if os.environ.get("BINRELAY_KEEP"):
            print(f"kept: {root}")
        else:
            shutil.rmtree(root, ignore_errors=True)
    sys.exit(code)


main()
