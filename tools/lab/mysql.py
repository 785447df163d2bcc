"""MySQL 9.7, from Debian unstable in a directory of its own."""

import re

from . import chroots, machine
from .server import Server

MAJOR_MINOR = "9.7"


def _finish(root):
    (root / "var/lib/mysql-files").mkdir(mode=0o755, parents=True, exist_ok=True)
    # Lets a data directory name the components it needs (binlog encryption needs a keyring).
    (root / "usr/sbin/mysqld.my").write_text('{"read_local_manifest": true}\n')
    plugins = next((root / "usr/lib").glob("**/component_keyring_file.so")).parent
    (plugins / "component_keyring_file.cnf").write_text('{"read_local_config": true}\n')


class MySql(Server):
    """`gtid` gives gtid_mode=ON; `encryption` gives it a keyring and binlog_encryption=ON."""

    flavour = "mysql"
    program = "/usr/sbin/mysqld"
    own_options = {"mysqlx": "OFF"}
    tidy_accounts = ()
    replication_rights = ("REPLICATION SLAVE, REPLICATION CLIENT",)
    binlog_status = "SHOW BINARY LOG STATUS"

    def __init__(self, name="mysql", gtid=True, encryption=False, **options):
        if gtid:
            options = {"gtid_mode": "ON", "enforce_gtid_consistency": "ON", **options}
        else:
            options = {"gtid_mode": "OFF", "enforce_gtid_consistency": "OFF", **options}
        self.gtid, self.encryption = gtid, encryption
        super().__init__(name, **options)

    @staticmethod
    def _provide():
        return chroots.provide("mysql-9.7", "sid", ["mysql-server-core", "mysql-client-core"], _finish)

    def _version(self):
        said = machine.run([self.program, "--version"], chroot=self.root).stdout.decode()
        found = re.search(r"Ver (\d+\.\d+)\.\d+", said)
        if not found or found[1] != MAJOR_MINOR:
            raise RuntimeError(f"the tests are written for MySQL {MAJOR_MINOR}, Debian unstable now has: {said.strip()}")
        return found[0].removeprefix("Ver ")

    def _initialise(self, datadir):
        machine.run([self.program, "--no-defaults", "--initialize-insecure", f"--datadir={self.inside(datadir)}"],
                    chroot=self.root, drop_root=True)
        (datadir / "auto.cnf").unlink()  # every copy makes a server_uuid of its own

    def start(self, **options):
        if self.encryption and not self.datadir.exists():
            self._copy_template()
            for name, text in (("mysqld.my", '{"components": "file://component_keyring_file"}'),
                               ("component_keyring_file.cnf",
                                f'{{"path": "{self.inside(self.dir)}/keyring", "read_only": false}}')):
                (self.datadir / name).write_text(text)
                machine.give_to_servers(self.datadir / name)
            self.options["binlog_encryption"] = "ON"
        return super().start(**options)

    def gtid_executed(self):
        return self.value("SELECT @@global.gtid_executed").replace("\n", "")

    def has_transactions_of(self, source):
        if not (self.gtid and source.gtid):
            return True
        return not self.value("SELECT GTID_SUBTRACT(%s, @@global.gtid_executed)", source.gtid_executed())

    def start_replica(self, host, port, user, password, mode="gtid", file=None, pos=4, **more):
        """Follows a source: mode "gtid" by auto-position, mode "file" from file and pos."""
        place = {"SOURCE_AUTO_POSITION": 1}
        if mode == "file":
            place = {"SOURCE_AUTO_POSITION": 0, "SOURCE_LOG_FILE": file, "SOURCE_LOG_POS": pos}
        settings = {"SOURCE_HOST": host, "SOURCE_PORT": port, "SOURCE_USER": user, "SOURCE_PASSWORD": password,
                    "SOURCE_CONNECT_RETRY": 1, "SOURCE_RETRY_COUNT": 600, "GET_SOURCE_PUBLIC_KEY": 1, **place, **more}
        self.sql("STOP REPLICA")
        self.sql("CHANGE REPLICATION SOURCE TO " + ", ".join(f"{name} = %s" for name in settings), *settings.values())
        self.sql("START REPLICA")

    def stop_replica(self):
        self.sql("STOP REPLICA")

    def resume_replica(self):
        self.sql("START REPLICA")

    def replica_status(self):
        return self.row("SHOW REPLICA STATUS")

    def replica_errors(self):
        status = self.replica_status()
        texts = [status.get("Last_SQL_Error")]
        if status.get("Replica_IO_Running") == "No":  # "Connecting" tries again by itself
            texts.append(status.get("Last_IO_Error"))
        return [text for text in texts if text]

    def replica_position(self):
        """(file, position) of the source that it has executed."""
        status = self.replica_status()
        return status.get("Relay_Source_Log_File"), status.get("Exec_Source_Log_Pos")
