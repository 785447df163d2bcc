"""Steps that many scenarios share."""

import struct

import compare
from dump_client import DumpClient
from lab.machine import wait_until
from workload import Workload

MYSQL_GTID, MARIADB_GTID = 33, 162  # event types


def follow(replica, relay, mode, file=None, pos=4, **more):
    """The replica follows the relay from the first file, or from the place given."""
    replica.start_replica(relay.host, relay.port, relay.user, relay.password, mode,
                          file=file or relay.source.binlog_names()[0], pos=pos, **more)


def settle(stage, source, relay, *replicas):
    """Waits until everybody has everything, then compares everything."""
    for replica in replicas:
        replica.wait_replica_caught_up(source)
    relay.caught_up_with(source)
    stage.say("caught up")
    tables = compare.same_tables(source, *replicas)
    compare.same_gtids(source, *replicas)
    stage.say(f"{tables} tables and all transactions equal on {len(replicas)} replica(s)")
    if not getattr(source, "encryption", False):
        files, size = compare.same_files(source, relay)
        stage.say(f"{files} files, {size} bytes equal")


def whole_workload(stage, source, make_replica, mode, **workload):
    """Everything the workload can do passes through a relay to a replica that follows it live."""
    relay = stage.relay(source)
    replica = make_replica()
    follow(replica, relay, mode)
    Workload(source).run(say=stage.say, **workload)
    settle(stage, source, relay, replica)


def raw_copies(client, program, server, port, user, password, first, *arguments):
    """Lets `client`'s mysqlbinlog copy a server's files from `first` on; {name: path}."""
    folder = client.scratch("raw")
    client.run_client(program, "--no-defaults", "--read-from-remote-server", "--raw", "--to-last-log", "--host=127.0.0.1",
                      f"--port={port}", f"--user={user}", f"--password={password}", *arguments,
                      f"--result-file={client.inside(folder)}/", first)
    copies = {path.name: path for path in sorted(folder.iterdir())}
    assert copies, f"{program} wrote no file"
    return copies


def address(server):
    return f"127.0.0.1:{server.port}"


def relay_before(stage, *sources, **settings):
    """A relay that knows several sources and follows the first; `settings` are more of its [stream.source]."""
    relay = stage.relay(sources[0], source_settings={"sources": [address(source) for source in sources], "host": None,
                                                     "port": None, "heartbeat_ms": 300, "connect_timeout_ms": 2000,
                                                     **settings})
    for source in sources[1:]:
        source.add_replication_account(relay.name, relay.source_password())
    return relay


def attach(replica, source):
    """`replica` replicates from `source` by GTID, wherever it stands."""
    user, password = source.add_replication_account("chain", source.password)
    if replica.flavour == "mariadb":
        replica.sql("SET GLOBAL gtid_slave_pos = @@global.gtid_binlog_pos")
    replica.start_replica("127.0.0.1", source.port, user, password, "gtid")


def detach(replica):
    replica.stop_replica()
    replica.sql("RESET REPLICA ALL" if replica.flavour == "mysql" else "RESET SLAVE ALL")


def executed_gtids(end, flavour):
    if flavour == "mysql":
        return end.sql("SELECT @@global.gtid_executed")[0][0].replace("\n", "")
    return end.sql("SELECT @@global.gtid_binlog_pos")[0][0]


def relay_has(relay, source):
    wanted = executed_gtids(source, source.flavour)
    wait_until(lambda: f"the relay has {wanted}\n{relay.log_tail()}",
               lambda: executed_gtids(relay, source.flavour) == wanted, 120, 0.2)


def gtids_from_file(relay, flavour, name, position=4):
    """Every GTID a consumer by file and position is sent, in order."""
    found = []
    for event in DumpClient(relay.connect, flavour == "mysql").from_file(name, position):
        if flavour == "mysql" and event[4] == MYSQL_GTID:
            found.append((event[20:36].hex(), struct.unpack_from("<Q", event, 36)[0]))
        elif flavour == "mariadb" and event[4] == MARIADB_GTID:
            sequence, domain = struct.unpack_from("<QI", event, 19)
            found.append((domain, struct.unpack_from("<I", event, 5)[0], sequence))
    return found
