"""MariaDB 10.11 and 11.8: from this machine's packages where they are of that series, else in a directory of its own."""

import pathlib
import re
import secrets
import shutil

from . import chroots, machine
from .machine import Unavailable
from .server import Server


SUITES = {"10.11": "bookworm", "11.8": "trixie"}


def _version_of(program, root=None):
    said = machine.run([program, "--version"], chroot=root).stdout.decode()
    return re.search(r"Ver (\d+\.\d+\.\d+)", said)[1]


def _series(version):
    return version.rpartition(".")[0]


class MariaDb(Server):
    """`series` is "10.11" or "11.8", or None for whatever this machine has; `encryption` gives it a key and
    encrypt_binlog=ON."""

    flavour = "mariadb"
    program = "/usr/sbin/mariadbd"
    own_options = {}
    tidy_accounts = ("DELETE FROM mysql.global_priv WHERE User = '' OR (User = 'root' AND Host <> 'localhost');",
                     "FLUSH PRIVILEGES;")
    replication_rights = ("REPLICATION SLAVE", "BINLOG MONITOR", "REPLICATION MASTER ADMIN")
    binlog_status = "SHOW MASTER STATUS"
    gtid = True

    def __init__(self, name="mariadb", series=None, encryption=False, **options):
        self.series, self.encryption = series, encryption
        super().__init__(name, **options)
        if encryption:
            self._add_key()

    def _provide(self):
        here = pathlib.Path(self.program).exists() and _series(_version_of(self.program))
        if here and self.series in (None, here):
            return None
        if self.series is None:
            raise Unavailable("mariadb-server-core is not installed (tools/install-packages demo)")
        return chroots.provide(f"mariadb-{self.series}", SUITES[self.series],
                               ["mariadb-server-core", "mariadb-client-core", "mariadb-client"])

    def _version(self):
        version = _version_of(self.program, self.root)
        if self.series not in (None, _series(version)):
            raise RuntimeError(f"the tests are written for MariaDB {self.series}, Debian {SUITES[self.series]} now has {version}")
        return version

    def _initialise(self, datadir):
        machine.run(["/usr/bin/mariadb-install-db", "--no-defaults", f"--datadir={self.inside(datadir)}",
                     "--auth-root-authentication-method=normal", "--skip-test-db", "--force",
                     f"--user={machine.server_account().pw_name}"], chroot=self.root, drop_root=True)

    def _add_key(self):
        plugins = self.dir / "plugins"
        plugins.mkdir()
        shutil.copy(file_key_plugin(self.root), plugins)
        machine.give_to_servers(plugins)
        key = self.dir / "key"
        key.write_text(f"1;{secrets.token_hex(32)}\n")
        machine.give_to_servers(key)
        self.options = {"plugin_dir": self.inside(plugins), "plugin_load_add": "file_key_management",
                        "file_key_management_filename": self.inside(key), "encrypt_binlog": "ON", **self.options}

    def gtid_executed(self):
        return self.value("SELECT @@global.gtid_binlog_pos")

    def gtid_applied(self):
        return self.value("SELECT @@global.gtid_slave_pos")

    def has_transactions_of(self, source):
        return _by_domain(self.gtid_applied()) == _by_domain(source.gtid_executed())

    def start_replica(self, host, port, user, password, mode="gtid", file=None, pos=4, **more):
        """Follows a source: mode "gtid" from gtid_slave_pos, mode "file" from file and pos."""
        place = "MASTER_USE_GTID = slave_pos"
        if mode == "file":
            place = f"MASTER_USE_GTID = no, MASTER_LOG_FILE = '{file}', MASTER_LOG_POS = {pos}"
        settings = {"MASTER_HOST": host, "MASTER_PORT": port, "MASTER_USER": user, "MASTER_PASSWORD": password,
                    "MASTER_CONNECT_RETRY": 1, **more}
        self.sql("STOP SLAVE")
        self.sql("CHANGE MASTER TO " + ", ".join(f"{name} = %s" for name in settings) + ", " + place,
                 *settings.values())
        self.sql("START SLAVE")

    def stop_replica(self):
        self.sql("STOP SLAVE")

    def resume_replica(self):
        self.sql("START SLAVE")

    def replica_status(self):
        return self.row("SHOW SLAVE STATUS")

    def replica_errors(self):
        status = self.replica_status()
        texts = [status.get("Last_SQL_Error")]
        if status.get("Slave_IO_Running") == "No":  # "Connecting" tries again by itself
            texts.append(status.get("Last_IO_Error"))
        return [text for text in texts if text]

    def replica_position(self):
        """(file, position) of the source that it has executed."""
        status = self.replica_status()
        return status.get("Relay_Master_Log_File"), status.get("Exec_Master_Log_Pos")


def _by_domain(position):
    return {gtid.split("-")[0]: gtid for gtid in position.split(",") if gtid}


def file_key_plugin(root):
    """file_key_management.so; Debian ships it in the package that also starts a service, so only the file is taken."""
    folder = (root / "opt" if root else machine.cache_dir()) / "mariadb-plugins"
    plugin = folder / "usr/lib/mysql/plugin/file_key_management.so"
    with machine.cache_lock("mariadb-plugins"):
        if not plugin.exists():
            folder.mkdir(parents=True, exist_ok=True)
            machine.run(["/usr/bin/apt-get", "-q", "download", "mariadb-server"], chroot=root,
                        cwd=None if root else folder)
            fetched = sorted((root or folder).glob("mariadb-server_*.deb"))[-1]
            machine.run(["/usr/bin/dpkg-deb", "-x", fetched, folder])
            fetched.unlink()
    return plugin
