#!/usr/bin/env python3
"""Walks the tree and fails on what the house style forbids and a compiler does not see.

usage: check_tree.py ROOT

The folders depend on each other in one direction only: tools -> relay -> storage -> protocol. Each rule below says what
it looks for; the checks try themselves on a small tree with one fault of each kind before they are trusted.
"""

import pathlib
import re
import sys
import tempfile

LAYERS = ["protocol", "storage", "relay", "tools"]  # each may include itself and what stands before it
TOP_LEVEL = {"CMakeLists.txt", "CMakePresets.json", "LICENSE", "README.md", "README.zh-CN.md", "conf", "protocol", "relay",
             "storage", "tests", "tools"}
SKIPPED = {".git", "build", "__pycache__", ".cache"}

SOCKETS = r"sys/socket\.h|sys/un\.h|netinet/.*|arpa/.*|netdb\.h|poll\.h|sys/epoll\.h|sys/select\.h"
FILES = r"fcntl\.h|unistd\.h|dirent\.h|sys/stat\.h|sys/uio\.h|sys/file\.h|sys/mman\.h"
THREADS = r"thread|mutex|shared_mutex|condition_variable|future|latch|barrier|semaphore|stop_token|pthread\.h"
CLOCKS = r"chrono|ctime|time\.h|sys/time\.h"
STREAMS = r"fstream|iostream|filesystem"

# (where, system headers that may not be included there, what the rule is)
FORBIDDEN_HEADERS = [
    (r"protocol/", rf"{SOCKETS}|{FILES}|{THREADS}|{CLOCKS}|{STREAMS}|spdlog/.*|boost/.*|rocksdb/.*|mysql.*",
     "protocol/ has no sockets, files, threads, clocks or logging"),
    (r"storage/", rf"{SOCKETS}|spdlog/.*|boost/.*", "storage/ has no sockets, Asio or logging"),
    (r"storage/(?!file/)", FILES, "POSIX files only in storage/file/"),
    (r"(?!storage/index/|tests/)", r"rocksdb/.*", "RocksDB only in storage/index/"),
    (r"(?!relay/upstream/mysql_source\.cc$)", r"(mysql|mariadb)/.*|mysql\.h|errmsg\.h|mysqld_error\.h",
     "the client library only in relay/upstream/mysql_source.cc"),
    (r"(?!relay/config/relay_config\.cc$)", r"toml.*", "TOML only in relay/config/relay_config.cc"),
    (r"(?!tools/)", r"CLI/.*", "CLI11 only in tools/"),
    (r"(?!relay/admin/)", r"boost/beast.*", "Beast only in relay/admin/"),
]

MAX_LINES = {".h": 250, ".cc": 700}
LONGER = {}  # path: lines it may have, where cutting a file in two would hide what it says

RECORDED = ("tests/golden/", "tests/fuzz/seeds/")  # bytes as something else wrote them
TEXT_SUFFIXES = {".cc", ".h", ".py", ".md", ".txt", ".toml", ".json", ".service", ".cmake", ".sh", ".supp", ".cnf", ""}
FILE_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*\.(h|cc)")
WEAK_NAME = re.compile(r"(^|_)(manager|helpers?|utils?|common|misc|base|impl|data|info)$")
FORBIDDEN_TEXT = [
    (re.compile(r"/work\b|/root\b"), "a path of somebody's machine"),
    (re.compile(r"\b(TODO|FIXME|XXX|HACK)\b"), "an unfinished thought; finish it or drop it"),
    (re.compile(r"for \(.*: .*catalog\(\)->segments\(\)"), "the catalog does not outlive a loop that does not name it"),
    (re.compile(r"shared/design|\b(facts-(source|filter)|architecture|browsing|performance)\.md\b|\bissue #?\d+\b"),
     "names a note that a reader of the project does not have"),
]
INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)')
CONFIG_KEY = re.compile(r'(?:section|root)\.(?:text|path|file|flag|number|choice|parsed)\("([a-z_]+)"')


def files_below(root):
    """Every file of the tree with its path from the root, build trees and caches left out."""
    for path in sorted(root.iterdir()):
        if path.name in SKIPPED:
            continue
        if path.is_dir():
            yield from files_below(path)
        elif path.suffix != ".pyc":
            yield path


class Tree:
    """One walk over the tree; problems() is what it found, a line each."""

    def __init__(self, root):
        self.root = root
        self.found = []

    def complain(self, path, line, text):
        self.found.append(f"{path}:{line}: {text}")

    def problems(self):
        self.check_top_level()
        for path in files_below(self.root):
            name = path.relative_to(self.root).as_posix()
            recorded = name.startswith(RECORDED) and path.suffix not in (".cc", ".h", ".py", ".md")
            if recorded or path.suffix not in TEXT_SUFFIXES:
                continue
            text = self.read(path, name)
            if text is None:
                continue
            self.check_text(name, text)
            if path.suffix in (".cc", ".h"):
                self.check_source(name, text)
        self.check_config()
        return self.found

    def read(self, path, name):
        raw = path.read_bytes()
        if b"\0" in raw:
            self.complain(name, 1, "binary content in a text file")
            return None
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as error:
            self.complain(name, raw[:error.start].count(b"\n") + 1, "not UTF-8")
            return None

    def check_top_level(self):
        for path in self.root.iterdir():
            if path.name not in TOP_LEVEL and path.name not in SKIPPED and not path.name.startswith("."):
                self.complain(path.name, 1, "the top level is fixed; this belongs into a folder")

    def check_text(self, name, text):
        if text and not text.endswith("\n"):
            self.complain(name, text.count("\n") + 1, "no newline at the end")
        own_rules = name.startswith("tests/tidy/")  # spells what it looks for
        for number, line in enumerate(text.split("\n"), 1):
            if line != line.rstrip():
                self.complain(name, number, "blanks at the end of the line")
            if "\t" in line:
                self.complain(name, number, "a tab")
            for pattern, what in FORBIDDEN_TEXT:
                if not own_rules and pattern.search(line):
                    self.complain(name, number, what)

    def check_source(self, name, text):
        path = pathlib.PurePosixPath(name)
        if not FILE_NAME.fullmatch(path.name):
            self.complain(name, 1, "file names are snake_case")
        if WEAK_NAME.search(path.stem):
            self.complain(name, 1, "a weak name: say what it is")
        if path.suffix == ".h" and "#pragma once" not in text.split("\n"):
            self.complain(name, 1, "no #pragma once")
        lines, most = text.count("\n"), LONGER.get(name, MAX_LINES[path.suffix])
        if lines > most:
            self.complain(name, 1, f"{lines} lines, more than {most}: two ideas share this file")
        for number, line in enumerate(text.split("\n"), 1):
            include = INCLUDE.match(line)
            if include and include.group(1):
                self.check_arrow(name, number, include.group(1))
            elif include:
                self.check_header(name, number, include.group(2))
            if "co_await" in condition_of(line):
                self.complain(name, number, "GCC 12 miscompiles a condition that awaits; name the awaited value first")

    def check_arrow(self, name, number, included):
        if not (self.root / included).exists():
            self.complain(name, number, f'"{included}" is no path from the root')
        own, other = name.split("/")[0], included.split("/")[0]
        if own not in LAYERS:
            return
        if other not in LAYERS or LAYERS.index(other) > LAYERS.index(own):
            self.complain(name, number, f"wrong arrow: {own} may not include {other}")

    def check_header(self, name, number, header):
        for where, headers, rule in FORBIDDEN_HEADERS:
            if re.match(where, name) and re.fullmatch(headers, header):
                self.complain(name, number, f"<{header}>: {rule}")

    def check_config(self):
        reader, documented = self.root / "relay/config/relay_config.cc", self.root / "conf/binrelay.toml"
        if not reader.exists():
            return
        shown = documented.read_text("utf-8") if documented.exists() else ""
        keys = sorted(set(CONFIG_KEY.findall(reader.read_text("utf-8"))))
        if not keys:
            self.complain("relay/config/relay_config.cc", 1, "no configuration key found: this check looks for section.text(\"key\", …)")
        for key in keys:
            if not re.search(rf"^(# )?{key} = ", shown, re.MULTILINE):
                self.complain("conf/binrelay.toml", 1, f"lacks the key {key}")


# ---- the checks, checked: one fault each, and a part of the complaint it must bring

CLEAN = {
    "README.md": "# x\n",
    "protocol/ids.h": "#pragma once\n#include <cstdint>\n",
    "storage/event_log.h": '#pragma once\n#include "protocol/ids.h"\n#include <mutex>\n',
    "storage/file/disk.cc": "#include <fcntl.h>\n",
    "storage/index/index_store.cc": "#include <rocksdb/db.h>\n",
    "relay/stream.cc": '#include "storage/event_log.h"\n#include <boost/asio.hpp>\n',
    "relay/config/relay_config.cc": '#include <toml++/toml.h>\nvoid f() { section.text("host", &host); }\n',
    "relay/admin/http_server.cc": "#include <boost/beast.hpp>\n",
    "relay/upstream/mysql_source.cc": "#include <mysql.h>\n",
    "tools/binrelay.cc": '#include "relay/config/relay_config.cc"\n#include <CLI/CLI.hpp>\n',
    "conf/binrelay.toml": 'host = "x"\n',
}
FAULTS = [
    ("protocol/a.h", '#pragma once\n#include "storage/event_log.h"\n', "wrong arrow: protocol may not include storage"),
    ("storage/a.cc", '#include "relay/stream.cc"\n', "wrong arrow: storage may not include relay"),
    ("relay/a.cc", '#include "tools/binrelay.cc"\n', "wrong arrow: relay may not include tools"),
    ("relay/a.cc", '#include "tests/support/x.h"\n', "wrong arrow: relay may not include tests"),
    ("relay/a.cc", '#include "stream.cc"\n', "no path from the root"),
    ("protocol/a.cc", "#include <sys/socket.h>\n", "protocol/ has no sockets"),
    ("protocol/a.cc", "#include <mutex>\n", "protocol/ has no sockets, files, threads"),
    ("protocol/a.cc", "#include <chrono>\n", "protocol/ has no sockets, files, threads, clocks"),
    ("storage/a.cc", "#include <unistd.h>\n", "POSIX files only in storage/file/"),
    ("storage/a.cc", "#include <rocksdb/db.h>\n", "RocksDB only in storage/index/"),
    ("storage/a.cc", "#include <boost/asio.hpp>\n", "no sockets, Asio"),
    ("storage/a.cc", "#include <spdlog/spdlog.h>\n", "no sockets, Asio or logging"),
    ("relay/a.cc", "#include <mysql.h>\n", "client library only"),
    ("relay/a.cc", "#include <mysql/mysql.h>\n", "client library only"),
    ("relay/a.cc", "#include <toml++/toml.h>\n", "TOML only"),
    ("relay/a.cc", "#include <CLI/CLI.hpp>\n", "CLI11 only"),
    ("relay/a.cc", "#include <boost/beast/core.hpp>\n", "Beast only"),
    ("notes/a.md", "# x\n", "top level is fixed"),
    ("relay/BadName.cc", "", "snake_case"),
    ("relay/socket_helper.cc", "", "weak name"),
    ("relay/a.h", "#include <string>\n", "no #pragma once"),
    ("relay/a.h", "#pragma once\n" + "//\n" * 250, "251 lines"),
    ("relay/a.cc", "//\n" * 701, "701 lines"),
    ("tools/a.py", "x = '/root/x'\n", "somebody's machine"),
    ("relay/a.cc", "// TODO later\n", "unfinished"),
    ("relay/a.cc", "// see facts-source.md\n", "does not have"),
    ("relay/a.cc", "  if (auto x = co_await f()) co_return *x;\n", "awaits"),
    ("relay/a.cc", "int x; \n", "blanks at the end"),
    ("relay/a.cc", "\tint x;\n", "a tab"),
    ("relay/a.cc", "int x;", "no newline at the end"),
    ("relay/a.cc", b"// \xff\n", "not UTF-8"),
    ("relay/config/relay_config.cc", 'void f() { root.number("port", 1); }\n', "lacks the key port"),
]


def condition_of(line):
    """What stands between the parentheses of an if, while or switch; "" where there is none."""
    found = re.search(r"\b(if|while|switch) \(", line)
    if not found:
        return ""
    depth = 1
    for end in range(found.end(), len(line)):
        depth += {"(": 1, ")": -1}.get(line[end], 0)
        if depth == 0:
            return line[found.end():end]
    return line[found.end():]


def problems_of(files):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return Tree(root).problems()


def try_the_checks():
    unexpected = problems_of(CLEAN)
    assert not unexpected, f"a clean tree has problems: {unexpected}"
    for name, content, complaint in FAULTS:
        found = problems_of({**CLEAN, name: content})
        assert any(complaint in text for text in found), f"{name} with {content!r} passes; expected: {complaint}; found {found}"


def main(arguments):
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    try_the_checks()
    found = Tree(pathlib.Path(arguments[0]).resolve()).problems()
    for text in found:
        print(text)
    print(f"{len(found)} problems" if found else "the tree is tidy")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
