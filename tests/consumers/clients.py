"""The clients: what their programs are called, how they are made, and what they can be tried with."""

import dataclasses
import re
import typing

import toolchains
from toolchains import HERE

OLD_DECODER = "this version's decoder, mysql-binlog-connector-java 0.20.0, does not read what MySQL 9.7 logs"


@dataclasses.dataclass(eq=False)
class Program:
    """One program of a client; `excluded` says for a family of sources why it is not tried with it."""

    label: str
    version: str
    command: typing.Callable[[], list]
    name: str = ""
    modes: tuple = ("gtid", "file")
    excluded: dict = dataclasses.field(default_factory=dict)
    settings: dict = dataclasses.field(default_factory=dict)
    native_only: bool = False  # knows no other login than mysql_native_password
    older: bool = False  # cannot log in to MySQL 9.7, or asks it for what is gone: reads it through OlderLogin
    begins_now: bool = False  # where the log ends; it remembers where it was by itself


@dataclasses.dataclass
class Client:
    name: str
    programs: list


def _locked(pattern, *path):
    """A version as a lock file has it."""
    return re.search(pattern, HERE.joinpath(*path).read_text())[1]


def _maven(folder, artifact):
    return _locked(rf"<artifactId>{artifact}</artifactId>\s*<version>([^<]+)<", folder, "pom.xml")


def _python():
    return Client("python", [Program("python-mysql-replication", _locked(r"mysql-replication==(\S+)", "python", "requirements.txt"),
                                     lambda: toolchains.python_program("python"))])


def _java_client():
    return Client("java-client", [Program("mysql-binlog-connector-java", _maven("java-client", "mysql-binlog-connector-java"),
                                          lambda: toolchains.java_program("java-client", "Main"))])


def _go_mysql():
    version = _locked(r"go-mysql v(\S+)", "go-mysql", "go.mod")
    return Client("go-mysql", [Program("go-mysql/replication", version, lambda: toolchains.go_program("go-mysql", (1, 24)),
                                       name="replication"),
                               Program("go-mysql/canal", version, lambda: toolchains.go_program("go-mysql", (1, 24)),
                                       name="canal")])


def _debezium():
    version = _maven("debezium", "debezium-embedded")

    def program(mode):
        return Program(f"Debezium ({mode})", version, lambda: toolchains.java_program("debezium", "Main"),
                       modes=("gtid",), settings={"snapshot": mode}, begins_now=mode == "no_data")
    return Client("debezium", [program("never"), program("no_data")])


def _zongji():
    """They know no GTIDs to start at, but for the youngest of @vlasky/zongji."""
    def program(folder, package, native_only):
        version = _locked(rf'"{package}": "([^"]+)"', "zongji", folder, "package.json")
        return Program(package, version, lambda: toolchains.node_program("zongji", folder, 18), name=package, modes=("file",),
                       native_only=native_only, older=native_only)
    return Client("zongji", [program("zongji", "zongji", True), program("vlasky", "@vlasky/zongji", False),
                             program("powersync", "@powersync/mysql-zongji", True)])


def _canal():
    def program(label, begin, **more):
        return Program(label, _maven("canal", "canal.parse"), lambda: toolchains.java_program("canal", "Main"),
                       settings={"begin": begin}, **more)
    return Client("canal", [program("Canal (from a place)", "place"),
                            program("Canal (from the end)", "now", begins_now=True, older=True)])


def _maxwell():
    return Client("maxwell", [Program(
        "Maxwell", _maven("maxwell", "maxwell"), lambda: ["/usr/bin/python3", HERE / "maxwell/main.py", *toolchains.java_program(
            "maxwell", "com.zendesk.maxwell.Maxwell")], begins_now=True, modes=("file",),
        excluded={"mysql": OLD_DECODER})])


CLIENTS = {client.name: client for client in (_python(), _java_client(), _go_mysql(), _zongji(), _debezium(), _maxwell(), _canal())}
