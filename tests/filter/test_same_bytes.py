"""What a filtered consumer is sent of one stretch of log stays the same, byte for byte: from a second relay that came later, without
the source, after a restart and a crash, after segments were purged past changes of rules, and without the index."""

import hashlib
import pathlib
import random
import shutil
import sys

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "support"), str(pathlib.Path(__file__).resolve().parent)]

import canal_rules  # noqa: E402
import pymysql  # noqa: E402
import scenario  # noqa: E402
from canal_rules import BLOG, RULES  # noqa: E402
from dump_client import DumpClient, ROTATE  # noqa: E402
from lab import Relay  # noqa: E402
from lab.machine import wait_until  # noqa: E402
from row_stream import RowStream  # noqa: E402

PURGER = "purger"
TABLES = ("blog_article", "blog_tag", "blog_comment")
FILES, PURGED = 8, 4
XA_TABLES = KEPT, LATER = "committed_in_a_kept_file", "committed_later"


class Changes:
    """Changes of rows and of rules, in an order that a seed says."""

    def __init__(self, source, seed=3):
        self.source, self.random = source, random.Random(seed)

    def write(self, steps):
        with self.source.connect(BLOG) as connection, connection.cursor() as cursor:
            for _ in range(steps):
                for statement in self._step():
                    cursor.execute(statement)

    def _step(self):
        pick = self.random
        table, flag = pick.choice(TABLES), pick.choice(["monitor_insert", "monitor_update", "monitor_delete"])
        some = pick.randint(1, 40)
        pattern = table[:pick.randint(6, 12)] + "*"
        rule = (f"insert into {RULES} (db_name, tb_name, {flag}) values ('{BLOG}', '{pattern}', 1) "
                f"on duplicate key update {flag} = 1 - {flag}")
        insert = f"insert into {table} (article_id) values ({some})" if table != "blog_article" else \
            f"insert into blog_article (title, body) values ('{some}', repeat('b', {some * 20}))"
        column = "views" if table == "blog_article" else "article_id"
        # Rules are changed by their whole key: nothing then waits for what an XA transaction has prepared.
        one_rule = f"where db_name = '{BLOG}' and tb_name = '{pick.choice([pattern, 'blog_article'])}'"
        return pick.choice([
            [insert], [insert], ["begin", insert, f"update {table} set {column} = {column} + 1 where id < {some}", "commit"],
            [f"update blog_article a, blog_tag t set a.views = 1 + a.views, t.article_id = 1 where a.id > {some} and t.id > {some}"],
            [f"delete from {table} where id > {some} order by id limit 2"],
            [rule], [f"update {RULES} set {flag} = 1 - {flag} {one_rule}"],
            [f"delete from {RULES} {one_rule}"], ["begin", insert, rule, insert, "commit"],
        ])

    def prepare_rule(self, table):
        """An XA transaction that lets inserts of a table out; what ends it."""
        with self.source.connect() as connection, connection.cursor() as cursor:
            for statement in (f"xa start '{table}'", f"insert into {RULES} (db_name, tb_name, monitor_insert) values ('xa', '{table}', 1)",
                              f"xa end '{table}'", f"xa prepare '{table}'"):
                cursor.execute(statement)
        return f"xa commit '{table}'"


def _begin(source):
    story = canal_rules.Story(source)
    canal_rules.begin(story)
    canal_rules.write_blog(story, "begun")
    source.sql("create database xa")
    for table in XA_TABLES:
        source.sql(f"create table xa.{table} (id int primary key auto_increment)")


def _relay(stage, source, name="relay"):
    relay = Relay(source, name=name, retention={"purge_hold_seconds": 0})
    relay.add_account(PURGER, may_purge=True)
    relay.user, relay.password = relay.add_account("canal", view="rules")
    stage.enter(relay)
    source.unlogged(f"GRANT SELECT ON {canal_rules.DATABASE}.* TO `{name}`@'127.0.0.1'")
    return relay.restart()


def _sent(relay, is_mysql, first, gtids):
    """({file: digest of what is sent of it} by file and position from `first` on, digest of all that is sent behind `gtids`)"""
    files, state = {}, None
    for event in DumpClient(relay.connect, is_mysql).from_file(first, 4).everything():
        if event[4] == ROTATE and not int.from_bytes(event[13:17], "little"):
            state = files.setdefault(event[27:-4].decode(), hashlib.sha256())
        elif event[4] != 27:
            state.update(event)
    by_gtid = DumpClient(relay.connect, is_mysql).from_gtids(gtids).digest(10**9)
    return {name: digest.hexdigest() for name, digest in files.items()}, by_gtid


def _write(source, relay, changes):
    """FILES files; (names, the GTIDs before the first that is kept, what commits an XA transaction that was prepared before it)"""
    for number in range(FILES):
        changes.write(25)
        if number == 1:
            commit_in_kept, commit_later = map(changes.prepare_rule, XA_TABLES)
        if number == PURGED + 1:
            source.sql(commit_in_kept)
        for table in XA_TABLES:
            source.sql(f"insert into xa.{table} values ()")
        source.sql("FLUSH BINARY LOGS")
        if number + 1 == PURGED:
            gtids = source.gtid_executed()
    names = source.binlog_names()
    if source.flavour == "mariadb":  # it notes a checkpoint some time after it has begun a file
        wait_until("the last file is quiet", lambda: source.sql(f"SHOW BINLOG EVENTS IN '{names[-1]}'")[-1][5] == names[-1], 30)
    relay.caught_up_with(source)
    return names, gtids, commit_later


def _play(stage, source):
    mysql = source.flavour == "mysql"
    _begin(source)
    changes = Changes(source)
    relay = _relay(stage, source)
    names, gtids, commit_later = _write(source, relay, changes)
    before, by_gtid = _sent(relay, mysql, names[0], gtids)
    assert list(before) == names and by_gtid[0] > 50, (before, by_gtid)
    kept = {name: before[name] for name in names[PURGED:]}

    later = _relay(stage, source, "later")
    later.caught_up_with(source)
    wait_until("its rules are known", lambda: _knows_rules(later, mysql, names[0]), 30)
    _equal("from a relay that came later", (before, by_gtid), _sent(later, mysql, names[0], gtids))
    later.stop()
    stage.say(f"{len(names)} files: a relay that came later sends the same bytes")

    source.stop()
    _purge(relay, names[PURGED])
    assert relay.binlog_names() == names[PURGED:]

    def check(how):
        _equal(how, (kept, by_gtid), _sent(relay, mysql, names[PURGED], gtids))
        stage.say(f"the same bytes {how}")
    check("without the source and the first files")
    relay.stop()
    relay.start_again()
    check("after a restart")
    relay.kill()
    shutil.rmtree(relay.data_dir / relay.stream_name / "index")
    relay.start_again()
    check("after a crash, without the index")
    source.start()
    relay.caught_up_with(source)
    again = _sent(relay, mysql, names[PURGED], gtids)[0]
    ended = names[PURGED:-1]  # the last goes on when the source stops
    _equal("with the source again", [kept[name] for name in ended], [again[name] for name in ended])
    _go_on(stage, source, relay, changes, commit_later)


def _equal(how, expected, found):
    assert expected == found, f"other bytes {how}: expected {expected}, found {found}"


def _go_on(stage, source, relay, changes, commit_later):
    """What was prepared in a file that is gone changes the rules when it is committed."""
    name = source.binlog_names()[-1]
    for statement in (f"insert into xa.{LATER} values ()", commit_later, f"insert into xa.{LATER} values ()",
                      f"insert into xa.{KEPT} values ()"):
        source.sql(statement)
    changes.write(25)
    relay.caught_up_with(source)
    stream = RowStream()
    for event in DumpClient(relay.connect, source.flavour == "mysql").from_file(name, 4).everything():
        stream(event)
    seen = [row[1] for row in stream.rows if row[0] == "xa"]
    assert seen == [LATER, KEPT], seen
    stage.say("a rule that was prepared in a file that is gone holds from its commit on")


def _knows_rules(relay, is_mysql, first):
    """It listens before it has asked the source, and refuses filtered accounts till then."""
    try:
        return DumpClient(relay.connect, is_mysql).from_file(first, 4).digest(1)
    except pymysql.err.OperationalError as refused:
        assert refused.args[0] == 1236 and "no filter rules yet" in refused.args[1], refused
        return None


def _purge(relay, name):
    with relay.connect(user=PURGER, password=relay.accounts[PURGER][0]) as connection, connection.cursor() as cursor:
        cursor.execute(f"PURGE BINARY LOGS TO '{name}'")


def mysql_same_bytes(stage):
    _play(stage, stage.mysql("source", binlog_transaction_compression=1))


def mariadb_same_bytes(stage):
    _play(stage, stage.mariadb("source", binlog_format="ROW"))


scenario.main(mysql_same_bytes, mariadb_same_bytes)
