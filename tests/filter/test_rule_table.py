"""Filter rules in the source's own table: a change of a rule changes the stream from its transaction on, and not before, for
whoever reads live and for whoever reads again from the start, after a restart without the source, and without the index."""

import pathlib
import shutil
import sys

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "support"), str(pathlib.Path(__file__).resolve().parent)]

import canal_rules  # noqa: E402
import pymysql  # noqa: E402
import scenario  # noqa: E402
from dump_client import DumpClient  # noqa: E402
from lab import machine  # noqa: E402

KINDS = {19: None, 23: "insert", 24: "update", 25: "delete", 30: "insert", 31: "update", 32: "delete", 39: "update",
         166: "insert", 167: "update", 168: "delete", 169: "insert", 170: "update", 171: "delete"}


def _changes(relay, name, password, is_mysql):
    """(table, kind) of every rows event that the account is sent, and the digest of all its events."""
    def connect():
        return relay.connect(user=name, password=password)
    seen, tables = [], {}
    for event in DumpClient(connect, is_mysql).from_file(relay.binlog_names()[0], 4):
        if event[4] not in KINDS:
            continue
        table_id = int.from_bytes(event[19:25], "little")
        if event[4] == 19:
            database_end = 28 + event[27]
            table_begin = database_end + 2
            tables[table_id] = event[table_begin:table_begin + event[database_end + 1]].decode()
        else:
            seen.append((tables[table_id], KINDS[event[4]]))
    digest = DumpClient(connect, is_mysql).from_file(relay.binlog_names()[0], 4).digest(10**9)
    return seen, digest


class Script:
    """Statements on the source, and what a consumer is to be sent of them."""

    def __init__(self, source):
        self.source, self.expected = source, []

    def __call__(self, statement, *expected, before=()):
        with self.source.connect() as connection, connection.cursor() as cursor:
            for each in (*before, *([statement] if isinstance(statement, str) else statement)):
                cursor.execute(each)
        self.expected += expected


RULE, ARTICLE, TAG = canal_rules.TABLE, "blog_article", "blog_tag"


def _begin(script, collation):
    script(canal_rules.CREATE_DATABASE)
    script(["use baker_sys_canal", canal_rules.CREATE_TABLE.format(collation=collation)])
    script("create database baker_blog_blog")
    script(["use baker_blog_blog", "create table blog_article (id int primary key, v int)",
            "create table blog_tag (id int primary key, v int)", "create table blog_user (id int primary key, v int)"])
    script("insert into baker_blog_blog.blog_article values (1, 1)")
    script(["use baker_sys_canal", canal_rules.FIRST_RULES], (RULE, "insert"))
    script("insert into baker_blog_blog.blog_article values (2, 1)", (ARTICLE, "insert"))
    script("insert into baker_blog_blog.blog_tag values (1, 1)")


def _set(script, text, kind):
    script(f"{text}", (RULE, kind))


def _change_rules(script):
    rules, blog = "baker_sys_canal.baker_canal_config", "baker_blog_blog"
    _set(script, f"insert into {rules} (id, db_name, tb_name, monitor_insert) values (3, 'baker_blog_*', 'blog_t?g', 1)", "insert")
    script(f"insert into {blog}.blog_tag values (2, 1)", (TAG, "insert"))
    script(f"update {blog}.blog_tag set v = 2")
    _set(script, f"update {rules} set monitor_insert = 0 where id = 2", "update")
    script(f"insert into {blog}.blog_article values (3, 1)")
    script(f"update {blog}.blog_article set v = 3 where id = 3", (ARTICLE, "update"))
    # A rule that comes in the same transaction as a change it lets out.
    script(["begin", f"insert into {blog}.blog_user values (1, 1)",
            f"insert into {rules} (id, db_name, tb_name, monitor_insert) values (4, 'baker_blog_blog', 'blog_user', 1)", "commit"],
           ("blog_user", "insert"), (RULE, "insert"))
    _set(script, f"delete from {rules} where id = 3", "delete")
    script(f"insert into {blog}.blog_tag values (3, 1)")
    _set(script, f"update {rules} set id = 9, tb_name = 'blog_tag' where id = 4", "update")
    script(f"insert into {blog}.blog_user values (2, 1)")
    script(f"insert into {blog}.blog_tag values (4, 1)", (TAG, "insert"))
    # XA: from the commit on.
    script(["xa start 'r'", f"update {rules} set monitor_insert = 1 where id = 2", "xa end 'r'", "xa prepare 'r'"], (RULE, "update"))
    script(f"insert into {blog}.blog_article values (4, 1)")
    script("xa commit 'r'")
    script(f"insert into {blog}.blog_article values (5, 1)", (ARTICLE, "insert"))


def _drop_and_swap(script, seen):
    """`seen`: waits for the relay. It asks the source for the columns after each change of the table, which must not change again meanwhile."""
    rules, blog = "baker_sys_canal.baker_canal_config", "baker_blog_blog"
    script(f"alter table {rules} add column owner varchar(20) after id")
    seen()
    _set(script, f"insert into {rules} (id, db_name, tb_name, monitor_delete) values (20, '{blog}', 'blog_user', 1)", "insert")
    script(f"delete from {blog}.blog_user where id = 1", ("blog_user", "delete"))
    seen()
    script(f"drop table {rules}")
    script(f"insert into {blog}.blog_article values (6, 1)", (ARTICLE, "insert"))
    script(["use baker_sys_canal", "create table baker_canal_config (monitor_insert tinyint, tb_name varchar(64), db_name char(64), "
            "id bigint primary key) default charset = latin1"])
    seen()
    script(f"insert into {blog}.blog_article values (7, 1)")
    script(f"insert into {rules} values (1, 'blog_article', '{blog}', 5)")
    script(f"insert into {blog}.blog_article values (8, 1)", (ARTICLE, "insert"))
    script(f"truncate table {rules}")
    script(f"insert into {blog}.blog_article values (9, 1)")


def _rules_known(relay, account, is_mysql):
    """It listens before it has asked the source, and refuses such an account till then."""
    def answered():
        try:
            return _changes(relay, *account, is_mysql) is not None
        except pymysql.err.OperationalError as refused:
            assert refused.args[0] == 1236 and "no filter rules yet" in refused.args[1], refused
            return False
    machine.wait_until("filter rules", answered, 30)


def _check(stage, relay, account, script, what):
    relay.caught_up_with(relay.source)
    seen, digest = _changes(relay, *account, relay.source.flavour == "mysql")
    assert seen == script.expected, f"{what}: expected\n{script.expected}\nreceived\n{seen}"
    stage.say(f"{what}: {len(seen)} changes, as the rules said at their place")
    return digest


def _play(stage, source, collation=""):
    script = Script(source)
    _begin(script, collation)
    relay = stage.relay(source)
    source.unlogged(f"GRANT SELECT ON baker_sys_canal.* TO `{relay.name}`@'127.0.0.1'")
    account = relay.add_account("consumer", view="rules")
    relay.restart()
    relay.caught_up_with(source)
    _rules_known(relay, account, source.flavour == "mysql")
    _check(stage, relay, account, script, "rules that were there before the relay")
    _change_rules(script)
    _check(stage, relay, account, script, "rules that changed")
    script("flush binary logs")
    _drop_and_swap(script, lambda: relay.caught_up_with(source))
    before = _check(stage, relay, account, script, "a table that was altered, dropped, made anew and emptied")
    source.stop()
    relay.stop()
    shutil.rmtree(relay.data_dir / relay.stream_name / "index")
    relay.start_again()
    after = _changes(relay, *account, source.flavour == "mysql")[1]
    assert before == after, "other bytes after a restart without the source"
    stage.say("the same bytes after a restart without source and index")


def mysql_rule_table(stage):
    _play(stage, stage.mysql("source"), canal_rules.MYSQL_COLLATION)


def mysql_rule_table_with_names(stage):
    _play(stage, stage.mysql("source", binlog_row_metadata="FULL"))


def mariadb_rule_table(stage):
    _play(stage, stage.mariadb("source", binlog_format="ROW", log_bin_compress=1, log_bin_compress_min_len=10))


scenario.main(mysql_rule_table, mysql_rule_table_with_names, mariadb_rule_table)
