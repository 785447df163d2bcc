"""The relay as other Debians build it: newer compilers and libraries, and Oracle's client library in place of MariaDB's."""

import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import bare_root  # noqa: E402
import scenario  # noqa: E402
from lab import Unavailable, chroots, machine  # noqa: E402

LIBRARIES = "usr/lib/x86_64-linux-gnu"
BUILD = "cmake --preset release -Wno-dev && cmake --build --preset release -j$(nproc)"  # -Werror is in it
# What the client library has its hands in. Oracle's knows no mysql_native_password from 9.0 on: MariaDB's own accounts are
# not for it.
WITH_MYSQL = (("test_source_tls.py", "mysql_source_tls"), ("test_mysql.py", "mysql_by_gtid"))
WITH_MARIADB = (("test_source_tls.py", "mariadb_source_tls"), ("test_mariadb.py", "mariadb_1011_by_gtid_row"))


def _provide(suite, client_library):
    root = chroots.provide(f"build-{suite}", suite, [client_library])
    for name in ("resolv.conf", "hosts"):
        shutil.copy(f"/etc/{name}", root / "etc" / name)
    shutil.copytree("/etc/apt/apt.conf.d", root / "etc/apt/apt.conf.d", dirs_exist_ok=True)
    checkout = root / "srv/binrelay"
    shutil.rmtree(checkout, ignore_errors=True)
    machine.run(["git", "clone", "--quiet", "--no-hardlinks", machine.ROOT, checkout])
    return root


def _program(root):
    """The binary with the libraries it was built with, run from here."""
    libraries = root / LIBRARIES
    program = machine.scratch("toolchain") / "binrelay"
    program.write_text(f"""#!/bin/sh
export MARIADB_PLUGIN_DIR={libraries}/libmariadb3/plugin
exec {root}/lib64/ld-linux-x86-64.so.2 --library-path {libraries} {root}/srv/binrelay/build/release/binrelay "$@"
""")
    program.chmod(0o755)
    program.parent.chmod(0o755)
    return program


def _builds_and_relays(stage, suite, client_library, scenarios):
    stage.needs_relay()
    if not stage.full:
        raise Unavailable("builds the whole project: only with --full")
    root = _provide(suite, client_library)
    for what, command in (("its packages are installed", "tools/install-packages build"), ("it compiles without warnings", BUILD)):
        assert bare_root.run(root, "sh", "-c", command) == 0, command
        stage.say(what)
    for name in ("protocol", "storage", "relay"):
        assert bare_root.run(root, f"build/release/tests/{name}_tests", "--gtest_brief=1") == 0
    stage.say("the unit tests pass")
    environment = {**os.environ, "BINRELAY": str(_program(root))}
    for file, name in scenarios:
        played = subprocess.run([sys.executable, f"tests/system/{file}", "--only", name], cwd=machine.ROOT, env=environment,
                                stdin=subprocess.DEVNULL)
        assert played.returncode == 0, name
        stage.say(f"{name} passes")


def with_oracles_client_library(stage):
    _builds_and_relays(stage, "sid", "libmysqlclient-dev", WITH_MYSQL)


def on_debian_13(stage):
    _builds_and_relays(stage, "trixie", "default-libmysqlclient-dev", WITH_MYSQL + WITH_MARIADB)


scenario.main(with_oracles_client_library, on_debian_13)
