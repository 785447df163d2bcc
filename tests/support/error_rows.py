"""Every error that the relay sends: code, SQLSTATE and text, and how they stand to what its source says to the same.

A row names the function that makes the error, what brings it about, and how it stands:
same    equal to the source's, all of it
code    code and SQLSTATE are equal, the text is not
own     a source has no such error there
What differs says why.
"""

import collections
import re
import struct

from said_errors import (command, dump, dump_by_position, dump_by_set, dump_of_cut_file, kill_of_another, login,
                         one_too_many, packets, places_taken, prepared, second_dump, sql, too_large, while_source_is_asked)

Row = collections.namedtuple("Row", "error ask how text why")
STATEMENTS = 1000  # that a connection may prepare
COM_INIT_DB, COM_QUERY, COM_FIELD_LIST, COM_CHANGE_USER, COM_REGISTER_SLAVE = 0x02, 0x03, 0x04, 0x11, 0x15
COM_STMT_PREPARE, COM_STMT_EXECUTE, COM_STMT_SEND_LONG_DATA, COM_STMT_RESET = 0x16, 0x17, 0x18, 0x1A
COM_SET_OPTION, COM_STMT_FETCH = 0x1B, 0x1C
COM_BINLOG_DUMP, COM_BINLOG_DUMP_GTID = 0x12, 0x1E
REGISTRATION = struct.pack("<I", 4702) + b"\0\0\0" + struct.pack("<HII", 3307, 0, 0)
EXECUTE_TEXT = (COM_STMT_EXECUTE, struct.pack("<BIBBBB", 0, 1, 0, 1, 0xFD, 0) + b"\1x")
EXECUTION = struct.pack("<IBI", 4242, 0, 1)


def same(error, *asks):
    return [Row(error, ask, "same", None, "") for ask in asks]


def code(error, ask, text, why):
    return [Row(error, ask, "code", text, why)]


def own(error, ask, number, sqlstate, text, why):
    return [Row(error, ask, "own", (number, sqlstate, text), why)]


class Places:
    """Where the source's log is."""

    first = last = "binlog.000001"
    size = end = inside = bogus = 4
    uuid, server_id, by_row, executed, flavour = "00000000-0000-0000-0000-000000000000", 1, True, "", "mysql"

    def __init__(self, source=None):
        if source is None:
            return
        names = source.binlog_names()
        self.first, (self.last, self.end) = names[0], source.binlog_position()
        self.size = source.binlog_files()[0].stat().st_size
        self.inside = source.binlog_events(self.first)[-2][0]
        self.bogus = _looks_bogus(source.binlog_files()[0].read_bytes(), self.inside)
        self.server_id, self.flavour, self.executed = source.server_id, source.flavour, source.gtid_executed()
        self.by_row = source.value("SELECT @@global.binlog_format") == "ROW"
        if source.flavour == "mysql":
            self.uuid = source.value("SELECT @@server_uuid")


def _looks_bogus(file, behind):
    """Where what would be an event's size is too small for one."""
    return next(place for place in range(behind + 1, len(file)) if int.from_bytes(file[place + 9:place + 13], "little") < 19)


# ---- the table

def statements():
    """Of either family."""
    return [
        *same("syntax_error", *map(sql, ("nonsense", "SELECT 1 +", "SELECT 'open", "SHOW NONSENSE", "SHOW VARIABLES LIKE", "KILL",
                                         "SET", "SELECT")), command(COM_STMT_PREPARE, b"nonsense")),
        *same("empty_query", sql("")),
        *same("unknown_variable", sql("SELECT @@no_such_variable"), sql("SELECT @@global.no_such_variable"),
              sql("SET no_such_variable = 1"), sql("SET SESSION no_such_variable = 1"),
              sql("SET @@session.no_such_variable = DEFAULT"), command(COM_STMT_PREPARE, b"SELECT @@no_such_variable")),
        *same("variable_is_global", sql("SET max_binlog_size = 4096"), sql("SET binlog_checksum = 'NONE'")),
        *same("variable_is_not_of_session", sql("SELECT @@session.max_binlog_size")),
        *same("variable_is_read_only", sql("SET version = '1'"), sql("SET log_bin = 0")),
        *same("wrong_variable_value", sql("SET autocommit = 'maybe'"), sql("SET autocommit = NULL")),
        *same("wrong_variable_type", sql("SET wait_timeout = 'long'"), sql("SET wait_timeout = NULL")),
        *same("unknown_character_set", sql("SET NAMES no_such_set")),
        *same("unknown_column", sql("SELECT no_such_column")),
        *same("unknown_function", sql("SELECT no_such_function(1)", database="mysql")),
        *same("wrong_argument_count", sql("SELECT unix_timestamp(1, 2)"), sql("SELECT VERSION(1)")),
        *code("number_out_of_range", sql("SELECT 9223372036854775807 + 1"), "BIGINT value is out of range",
              "a source adds the expression as it has rewritten it"),
        *own("too_many_user_variables", sql("SET " + ", ".join(f"@v{number} = 1" for number in range(257))), 1105, "HY000",
             "binrelay: this connection has set too many user variables", "a source bounds them by its memory alone"),
        *own("variable_too_long", sql(f"SET @v = '{'x' * 3_000_000}'", *(f"SET @v{number} = @v" for number in range(5))), 1105, "HY000",
             "binrelay: the value for 'v4' is too long", "a source bounds them by its memory alone"),
        *own("expression_too_long", sql(f"SET @v = '{'x' * 3_000_000}'", "SELECT CONCAT(@v, @v, @v, @v, @v, @v)"), 1105, "HY000",
             "binrelay: the result of an expression is too long", "a source has max_allowed_packet here, and answers NULL"),
        *own("variable_was_lost", sql("SELECT @master_binlog_checksum"), 1053, "08S01",
             "@master_binlog_checksum has not been set on this connection, which was probably lost and opened anew by the client "
             "library since; connect again", "a source's NULL stops a replica for good"),
        *same("unknown_database", sql("USE no_such_database"), command(COM_INIT_DB, b"no_such_database"),
              login(database="no_such_database"), sql("USE no_such_database", user="metadata")),
        *same("unknown_thread", sql("KILL 98765432"), sql("KILL QUERY 98765432")),
        *same("not_owner_of_thread", kill_of_another),
        *same("no_database_selected", sql("USE ``"), command(COM_INIT_DB), command(COM_FIELD_LIST, b"no_such_table\0"), sql("SHOW TABLES", user="bounded")),
        *same("database_denied", sql("SHOW TABLES FROM mysql", user="bounded"), sql("SHOW CREATE DATABASE mysql", user="bounded"),
              sql("USE sys", user="bounded")),
        *same("unknown_command", command(0x7F), command(COM_SET_OPTION, struct.pack("<H", 7))),
        *same("packet_too_large", too_large),
        *same("long_data_too_long", prepared("SET @a = ?", *[(COM_STMT_SEND_LONG_DATA, b"\0\0" + b"x" * 3_000_000)] * 6, EXECUTE_TEXT)),
        *same("long_data_misplaced", prepared("SET @a = ?", (COM_STMT_SEND_LONG_DATA, b"\7\0x"), EXECUTE_TEXT)),
        *same("malformed_execution", prepared("SET @a = ?", (COM_STMT_EXECUTE, struct.pack("<BIBB", 0, 1, 0, 0)))),
        *same("too_many_placeholders", command(COM_STMT_PREPARE, b"SELECT " + b",".join([b"?"] * 65536))),
        *same("no_open_cursor", prepared("SET @a = 1", (COM_STMT_FETCH, struct.pack("<I", 1)))),
        *same("too_many_prepared_statements", prepared("SET @a = 1", times=STATEMENTS + 1)),
        *same("binlog_events_failed", sql("SHOW BINLOG EVENTS IN 'no.000042'")),
        *same("unknown_binary_log", sql("PURGE BINARY LOGS TO 'no.000042'")),
        *same("access_denied:binlog_names", sql("SHOW BINARY LOGS", user="none")),
        *same("access_denied:binlog_events", sql("SHOW BINLOG EVENTS", user="none")),
        *same("access_denied:purge", sql("PURGE BINARY LOGS TO 'no.000042'", user="none")),
        *same("access_denied:page_compression", sql("SELECT page_size FROM information_schema.innodb_cmp", user="none")),
        *same("access_denied:dump", dump("no.000042", user="none")),
        *own("refused_by_view", sql("SHOW BINLOG EVENTS", user="filtered"), 1227, "42000",
             "Access denied; binrelay: SHOW BINLOG EVENTS shows every event, and this account sees only some",
             "a source has no such accounts"),
        *code("refused_by_relay", sql("INSERT INTO shop.orders VALUES (1)"), refused("INSERT"),
              "a source with read_only says that it cannot now; the relay says what it is, and where to go instead"),
        *own("refused_by_relay", sql("SET GLOBAL max_binlog_size = 4096"), 1290, "HY000", refused("SET GLOBAL"), "a source does it"),
    ]


def refused(verb):
    return f"This server is binrelay, a binlog relay: it runs as with the --read-only option and cannot execute {verb}. " \
        "Run it on the source server"


def statements_of_mysql():
    unknown = [(code_, body) for code_, body in ((COM_STMT_EXECUTE, EXECUTION), (COM_STMT_RESET, struct.pack("<I", 4242)),
                                                 (COM_STMT_FETCH, struct.pack("<II", 4242, 1)))]
    return [
        *same("syntax_error", sql("select $$")),
        *same("unknown_variable", sql("SELECT @@gtid_binlog_pos")),
        *same("variable_is_not_of_session", sql("SELECT @@session.server_uuid")),
        *same("wrong_argument_count", sql("SELECT gtid_subset('')")),
        *own("unknown_function", sql("SELECT no_such_function(1)"), 1305, "42000", "FUNCTION no_such_function does not exist",
             "a source first asks for a database where it could be"),
        *code("malformed_gtid_text", sql("SELECT GTID_SUBSET('nonsense', '')"), "Malformed GTID set specification 'nonsense'.",
              "a source quotes the character that its parser stopped at"),
        *same("unknown_prepared_statement", *(command(*each) for each in unknown)),
        *same("malformed_packet", command(COM_BINLOG_DUMP, b"\0\0"), command(COM_BINLOG_DUMP_GTID, b"\0\0")),
        *same("table_denied", sql("SHOW CREATE TABLE shop.secret", user="bounded"), sql("DESC shop.secret", user="bounded")),
        *same("unknown_table", command(COM_FIELD_LIST, b"no_such_table\0", database="information_schema")),
        *same("access_denied:replicas", sql("SHOW REPLICAS", user="none")),
        *same("access_denied:replica_status", sql("SHOW REPLICA STATUS", user="none")),
        *own("access_denied:binlog_names", sql("SELECT @@gtid_executed", user="none"), 1227, "42000",
             "Access denied; you need (at least one of) the SUPER, REPLICATION CLIENT privilege(s) for this operation",
             "a source shows its GTIDs to everybody"),
    ]


def statements_of_mariadb():
    unknown = [(code_, body) for code_, body in ((COM_STMT_EXECUTE, EXECUTION), (COM_STMT_RESET, struct.pack("<I", 4242)),
                                                 (COM_STMT_FETCH, struct.pack("<II", 4242, 1)))]
    return [
        *same("unknown_variable", sql("SELECT @@gtid_executed")),
        *own("syntax_error", sql("select $$"), 1064, "42000", "You have an error in your SQL syntax; check the manual that corresponds "
             "to your MariaDB server version for the right syntax to use near '$$' at line 1",
             "a source takes it for a column; clients that ask it want an error"),
        *same("variable_is_not_of_session", sql("SELECT @@session.gtid_strict_mode")),
        *same("variable_is_global", sql("SET gtid_slave_pos = ''")),
        *same("unknown_prepared_statement", *(command(*each) for each in unknown)),
        *own("malformed_packet", command(COM_BINLOG_DUMP, b"\0\0"), 1835, "HY000", "Malformed communication packet.",
             "a source takes what lies behind the packet for the rest of it, and has no such file"),
        *same("table_denied", sql("SHOW CREATE TABLE shop.secret", user="bounded"), sql("DESC shop.secret", user="bounded")),
        *same("unknown_table", command(COM_FIELD_LIST, b"no_such_table\0", database="information_schema")),
        *same("unknown_command", command(COM_BINLOG_DUMP_GTID, bytes(40))),
        *same("binlog_events_failed", sql("SHOW BINLOG EVENTS FROM 5"), sql("SHOW BINLOG EVENTS FROM 4000000000")),
        *same("access_denied:replicas", sql("SHOW SLAVE HOSTS", user="none")),
        *same("access_denied:replica_status", sql("SHOW SLAVE STATUS", user="none")),
    ]


def logins():
    return [
        *same("login_denied", login(user="full", password="wrong"), login(user="full", password=""),
              login(user="nobody_known", password="wrong"), login(user="tls", ssl_disabled=True),
              command(COM_REGISTER_SLAVE, REGISTRATION, user="none"),
              command(COM_CHANGE_USER, b"nobody_known\0\0\0\x21\0mysql_native_password\0\0")),
        *same("bad_handshake", packets(b"\0\0\0")),
        *same("bad_change_of_user", command(COM_CHANGE_USER, b"x")),
        *same("old_authentication", packets(user="old")),
        *same("too_many_connections", places_taken),
        *same("too_many_connections_of", one_too_many(user="none")),
    ]


def dumps(at):
    return [
        *same("file_not_found", dump("no.000042"), dump("../../etc/passwd"), dump("x" * 300)),
        *same("position_too_small", dump(at.first, 1)),
        *same("position_past_end", dump(at.first, at.size + 1), dump(at.last, at.end + 1)),
        *same("checksum_not_announced", dump(at.first, before=("SELECT 1",)), dump(at.first, at.inside, before=("SELECT 1",))),
        *own("session_was_lost", dump(at.first, before=()), 1317, "70100",
             "Query execution was interrupted: this connection asks for events without the SET @master_binlog_checksum that replicas "
             "say before; it was probably lost and opened anew by the client library; connect again",
             "a source's 1236 stops a replica for good"),
        *same("position_inside_event", dump(at.first, at.bogus)),
        *own("position_inside_event", dump(at.first, at.inside + 1), 1236, "HY000",
             re.compile(f"bogus data in log event; the first event '{at.first}' at {at.inside + 1}, .*"),
             "a source has three texts, by what the bytes there look like, or sends them"),
        *same("replaced_by_same_replica", second_dump(at, at.end), second_dump(at, 4)),
        *own("view_unavailable", dump(at.first, user="filtered"), 1236, "HY000",
             'binrelay: there are no filter rules yet, and this account has view = "rules": create the rule table at the source, or '
             "name a file of rules in [stream.rules]" if at.by_row else
             "binrelay: the source logs in MIXED format: changes arrive as statements, which no filter can judge. SET GLOBAL "
             "binlog_format = ROW at the source, and connect its clients anew", "a source has no such accounts"),
    ]


def dumps_of_mysql(at):
    return [
        *same("malformed_gtid_set", dump_by_set(b""), dump_by_set(b"\xff" * 40)),
        *same("replica_is_ahead", dump_by_set(f"{at.uuid}:1-999999")),
        *same("anonymous_group", dump_by_set("", name=at.first)),
        *same("position_too_small", dump_by_set("", name=at.first, position=1)),
        *same("checksum_not_announced", dump_by_set("", before=("SELECT 1",))),
    ]


def dumps_of_mariadb(at):
    return [
        *same("unusable_gtid_list", dump_by_position("zzz"), dump_by_position("0-1-1,0-1-2"),
              dump_by_position("", "SET @slave_until_gtid = 'zzz'")),
        *same("gtid_not_in_log", dump_by_position(f"0-{at.server_id}-999999"), dump_by_position(f"0-{at.server_id + 1}-2")),
        *same("gtid_is_hole", dump_by_position(f"0-{at.server_id}-1,7-{at.server_id}-15", "SET @slave_gtid_strict_mode = 1")),
    ]


def after_purge_of_mysql(at):
    return [
        *same("transactions_purged", dump_by_set(""), dump_by_set(f"{at.uuid}:1"),
              dump_by_set(",".join(f"{number:08x}-0000-0000-0000-000000000000:1" for number in range(20)))),
    ]


def after_purge_of_mariadb(at):
    return [*same("gtid_state_purged", dump_by_position(""), dump_by_position(f"0-{at.server_id}-1"))]


def definitions():
    """Of the account `metadata`, whose statements about tables the source answers."""
    return [
        *own("too_many_metadata_rows", sql("SELECT * FROM information_schema.collations", user="metadata"), 1104, "42000",
             "The answer has more than 100 rows (limits.metadata_rows): ask for less", "a source counts what it examines"),
        *own("source_refuses_metadata_user", sql("SHOW TABLES FROM shop", user="mistaken"), 1105, "HY000",
             "the source refuses the account's metadata_user; the relay's log says why", "a source asks nobody else"),
        *own("too_many_metadata_questions", lambda relay: while_source_is_asked(relay, sql("SHOW TABLES FROM shop", user="metadata")),
             1040, "08004", "Too many connections: 1 statements about table definitions are being answered "
             "(limits.metadata_connections)", "it adds to a source's text which of the limits it is"),
        *own("source_gave_no_answer", lambda relay: while_source_is_asked(relay, None), 1105, "HY000",
             "the connection to the source was lost, or it did not answer in time; try again", "a source asks nobody else"),
    ]


def after_switch(at):
    """Of places in a history that the source has lost."""
    given_up = "binrelay: the consumer has transactions that the relay's source lost, and that were given up with " \
        "`binrelay switch-source`: .*. Build the replica anew from the source"
    by_gtid = dump_by_set(at.executed) if at.flavour == "mysql" else dump_by_position(at.executed)
    return [
        *own("history_ended", dump(at.last), 1236, "HY000", re.compile(
             f"binrelay: a history of the source ends with {at.last}; what follows does not continue it, because the source was reset or "
             r"lost transactions. Build the replica anew from the source, and start it at binlog\.\d{6} or by GTID"),
             "a source that was reset knows nothing of it"),
        *own("holds_abandoned", by_gtid, 1236, "HY000", re.compile(given_up), "a source that was reset knows nothing of it"),
    ]


def without_log(flavour):
    """Of a source without binary logs, and of a relay that has none yet."""
    return [*same("no_binary_logging", sql("SHOW BINARY LOGS")),
            *same("no_binary_log", dump(""), *([dump_by_set("")] if flavour == "mysql" else []))]


def without_source(patient):
    """`patient`: a dump waits half a minute for what a disk has lost."""
    unreachable = own("source_unreachable", sql("SHOW TABLES FROM shop", user="metadata"), 1105, "HY000",
                      "the source cannot be reached for table definitions now; the relay's log says why", "a source asks nobody else")
    unreadable = own("log_unreadable", dump_of_cut_file, 1236, "HY000", re.compile(
                     r"I/O error reading log event; the first event '(binlog.*)' at 4, the last event read from '.*\1' at .*"),
                     "a source sends what is left of an event, or has other words; a relay never serves what it has not stored")
    return [*unreachable, *(unreadable if patient else [])]


def gtids_off():
    return [*same("gtid_mode_not_on", dump_by_set(""))]


def rows_of(flavour, at):
    """All of a family that need no other account, and no more than a source and its relay."""
    of_either = [*statements(), *logins(), *dumps(at), *after_switch(at), *without_log(flavour)]
    if flavour == "mysql":
        return of_either + [*statements_of_mysql(), *dumps_of_mysql(at), *gtids_off(), *after_purge_of_mysql(at)]
    return of_either + [*statements_of_mariadb(), *dumps_of_mariadb(at), *after_purge_of_mariadb(at)]
