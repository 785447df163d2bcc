"""Rule tables of every kind that somebody may leave at the name: no one of them stops the relay, what can be understood counts, what is
ignored is said once, and a proper table is followed again."""

import collections
import pathlib
import re
import sys

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "support"), str(pathlib.Path(__file__).resolve().parent)]

import canal_rules  # noqa: E402
import pymysql  # noqa: E402
import scenario  # noqa: E402
from canal_rules import DATABASE, RULES, TABLE  # noqa: E402
from dump_client import DumpClient  # noqa: E402
from lab.machine import wait_until  # noqa: E402
from row_stream import RowStream  # noqa: E402

DIGITS = "(select 0 n union all select 1 union all select 2 union all select 3 union all select 4 union all select 5 union all select 6 " \
         "union all select 7 union all select 8 union all select 9)"
NUMBERS = "(select a.n + 10 * b.n + 100 * c.n + 1000 * d.n + 10000 * e.n as n from " + \
          ", ".join(f"{DIGITS} {name}" for name in "abcde") + ") numbers"
FLAGS = "monitor_insert {0}, monitor_update {0}, monitor_delete {0}"
# (what, columns, a rule for one table by the columns it names, whether that counts)
SHAPES = [
    ("columns in another order", f"tb_name varchar(64), note text, {FLAGS.format('bit(1)')}, db_name varchar(64), id int primary key",
     "(id, note, db_name, tb_name, monitor_insert) values (1, 'x', 'g', '{probe}', 1)", True),
    ("columns missing", "id int primary key, db_name varchar(64), tb_name varchar(64), monitor_insert tinyint",
     "values (1, 'g', '{probe}', 5)", True),
    ("other types", f"id bigint unsigned primary key, db_name char(64), tb_name tinytext, {FLAGS.format('int')}",
     "values (18446744073709551615, 'g', '{probe}', -1, 0, 0)", True),
    ("flags as text", f"id smallint primary key, db_name varchar(64), tb_name varchar(64), {FLAGS.format('varchar(3)')}",
     "values (-3, 'g', '{probe}', '1', '0', '')", True),
    ("names that are binary", f"id int primary key, db_name varbinary(64), tb_name blob, {FLAGS.format('bit(1)')}",
     "values (1, 'g', '{probe}', 1, 0, 0)", True),
    ("no names and no flags", f"id int primary key, db_name varchar(64), tb_name varchar(64), {FLAGS.format('bit(1)')}",
     "values (1, null, null, null, null, null)", False),
    ("no id", f"number int primary key, db_name varchar(64), tb_name varchar(64), {FLAGS.format('bit(1)')}",
     "values (1, 'g', '{probe}', 1, 1, 1)", False),
    ("an id of text", f"id varchar(20) primary key, db_name varchar(64), tb_name varchar(64), {FLAGS.format('bit(1)')}",
     "values ('one', 'g', '{probe}', 1, 1, 1)", False),
    ("something else altogether", "what json, shape geometry", "values ('{{}}', null)", False),
] + [(f"names in {charset}", f"id int primary key, db_name varchar(64) character set {charset}, tb_name varchar(64) character set {charset}, "
      f"{FLAGS.format('bit(1)')}", "values (1, 'g', '{probe}', 1, 0, 0)", True)
     for charset in ("latin1", "gbk", "ucs2", "utf16", "utf32", "utf16le", "utf8mb3", "ascii")]


class Probe:
    """Tables of which one after the other is written to; each step has a binary log file of its own."""

    def __init__(self, stage, source, relay):
        self.stage, self.source, self.relay, self.number = stage, source, relay, 0
        source.sql("create database g")

    def run(self, *statements):
        with self.source.connect(DATABASE) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def seen(self):
        """The relay has seen everything, and asked what it had to ask."""
        self.relay.caught_up_with(self.source)

    def table(self):
        self.number += 1
        name = f"probe_{self.number}"
        self.source.sql(f"create table g.{name} (id int primary key auto_increment)")
        self.source.sql("flush binary logs")
        return name

    def check(self, what, table, lets_out):
        self.source.sql(f"insert into g.{table} values ()")
        self.seen()
        stream = RowStream()
        for event in DumpClient(self.relay.connect, self.source.flavour == "mysql").from_file(self.source.binlog_names()[-1], 4).everything():
            stream(event)
        found = [row[1] for row in stream.rows if row[0] == "g"]
        assert found == ([table] if lets_out else []), f"{what}: {table} {'is' if lets_out else 'is not'} let out, but {found} came"
        self.stage.say(f"{what}: {'a rule' if lets_out else 'no rule'}")


def _knows_rules(relay, source):
    try:
        return DumpClient(relay.connect, source.flavour == "mysql").from_file(source.binlog_names()[-1], 4).digest(1)
    except pymysql.err.OperationalError as refused:
        assert refused.args[0] == 1236 and "no filter rules yet" in refused.args[1], refused
        return None


def _many(probe):
    """So many rows of garbage at once, changed and removed again, while they are followed."""
    words = ["concat('zz', n)", "repeat('*', n % 200)", "concat('zz*', repeat('?*', n % 90))", "concat(char(n % 128), '\\\\', '`', \"'\")",
             "'zz'", "''", "'表*'", "concat('zz', repeat('长', n % 60))"]
    names = "elt(1 + n % 8, " + ", ".join(words) + ")"
    rows = 100_000
    table = probe.table()
    probe.run(f"alter table {TABLE} drop index uk_db_name_tb_name")
    probe.seen()
    probe.run(f"insert into {TABLE} (db_name, tb_name, monitor_insert) select concat('zz', {names}), concat({names}, 'x'), n % 2 from {NUMBERS} where n < {rows}",
              f"insert into {TABLE} (id, db_name, tb_name, monitor_insert) values (900001, 'g*', '{table[:-1]}?', 1), "
              f"(900002, 'g*', '{table[:-1]}?', 0), (900003, 'g*', '{table[:-1]}?', 0)")
    probe.check(f"{rows} rows of garbage and the same pattern three times", table, True)
    table = probe.table()
    probe.run(f"update {TABLE} set monitor_delete = 1, db_name = concat(db_name, '!') where id < 900000", f"delete from {TABLE} where id = 900001")
    probe.check("all of them changed, the first of the patterns removed", table, False)
    table = probe.table()
    probe.run(f"delete from {TABLE}", f"insert into {TABLE} (db_name, tb_name, monitor_insert) values ('g', '{table}', 1)")
    probe.check("all of them removed", table, True)


def _shapes(probe):
    for what, columns, rule, lets_out in SHAPES:
        name = probe.table()
        probe.run(f"drop table {TABLE}", f"create table {TABLE} ({columns})")
        probe.seen()
        probe.run(f"insert into {TABLE} " + rule.format(probe=name))
        probe.check(what, name, lets_out)


def _moves(probe, source):
    """Dropped with its database, made anew, altered without a pause, swapped as gh-ost does, and a view in its place."""
    rule = f"insert into {{}} (id, db_name, tb_name, monitor_insert) values ({{}}, 'g', '{{}}', 1)"
    proper = canal_rules.CREATE_TABLE.format(collation="")
    first, second, third, fourth, fifth = (probe.table() for _ in range(5))
    probe.run(f"drop table {TABLE}", proper)
    probe.seen()
    probe.run(rule.format(TABLE, 1, first))
    probe.check("a proper table again", first, True)
    probe.run(f"create table _gho like {TABLE}", "alter table _gho add column owner int first", rule.format("_gho", 7, second),
              f"rename table {TABLE} to _del, _gho to {TABLE}")
    probe.seen()
    source.sql("flush binary logs")
    probe.check("another table took its name", second, True)
    source.sql("flush binary logs")
    probe.check("the one before it is no longer asked", first, False)
    probe.run("drop table _del", rule.format(TABLE, 8, third))
    source.sql("flush binary logs")
    probe.check("rows of the table that took its name", third, True)
    source.sql(f"drop database {DATABASE}")
    source.sql("flush binary logs")
    probe.check("gone with its database: the last rules stay", third, True)
    source.sql(canal_rules.CREATE_DATABASE)
    probe.run(f"create view {TABLE} as select 1 as id", f"drop view {TABLE}", proper)
    for number in range(10):  # without a pause, rows between
        probe.run(f"alter table {TABLE} add column c{number} int first", f"insert into {TABLE} (db_name, tb_name) values ('zz', '{number}')",
                  f"rename table {TABLE} to away", f"rename table away to {TABLE}")
    probe.seen()
    source.sql("flush binary logs")
    probe.run(rule.format(TABLE, 500, fourth))
    probe.check("altered and renamed without a pause", fourth, True)
    probe.run(f"truncate table {TABLE}")
    source.sql("flush binary logs")
    probe.check("emptied", fourth, False)
    source.sql("flush binary logs")
    probe.run(f"lock tables {TABLE} write", rule.format(TABLE, 501, fifth), "unlock tables")
    probe.check("after all of that", fifth, True)


def _said_once(stage, relay):
    said = collections.Counter(re.sub(r"^\S+", "", line) for line in relay.log.read_text().splitlines() if " warn " in line)
    often = {line: count for line, count in said.items() if count > 1 and "filter rules" in line and "dropped" not in line}
    assert not often, often
    stage.say("; ".join(line.split("filter rules: ")[-1] for line in said if "filter rules" in line))


def _play(stage, source):
    stage.needs_relay()
    mysql = source.flavour == "mysql"
    source.sql(canal_rules.CREATE_DATABASE)
    relay = stage.relay(source)
    source.unlogged(f"GRANT SELECT ON {DATABASE}.* TO `{relay.name}`@'127.0.0.1'")
    relay.user, relay.password = relay.add_account("canal", view="rules")
    relay.restart()
    probe = Probe(stage, source, relay)
    probe.run(canal_rules.CREATE_TABLE.format(collation=canal_rules.MYSQL_COLLATION if mysql else ""), canal_rules.FIRST_RULES)
    relay.caught_up_with(source)
    wait_until("its rules are known", lambda: _knows_rules(relay, source), 60)
    _many(probe)
    _shapes(probe)
    _moves(probe, source)
    assert relay.alive()
    _said_once(stage, relay)


def mysql_garbage_rules(stage):
    _play(stage, stage.mysql("source"))


def mariadb_garbage_rules(stage):
    _play(stage, stage.mariadb("source", binlog_format="ROW"))


scenario.main(mysql_garbage_rules, mariadb_garbage_rules)
