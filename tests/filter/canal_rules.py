"""The rule table as users have it, and a blog whose changes it lets out or not."""

DATABASE, TABLE = "baker_sys_canal", "baker_canal_config"
MYSQL_COLLATION = " COLLATE = utf8mb4_0900_ai_ci"  # MariaDB 10.11 has no such collation: its variant goes without
CREATE_DATABASE = "create database if not exists baker_sys_canal default char set utf8mb4"
CREATE_TABLE = """CREATE TABLE `baker_canal_config` (
  `id`             int unsigned NOT NULL AUTO_INCREMENT COMMENT '主键',
  `db_name`        varchar(255) NOT NULL DEFAULT '' COMMENT '数据库名',
  `tb_name`        varchar(255) NOT NULL DEFAULT '' COMMENT '表名',
  `monitor_insert` bit(1)       NOT NULL DEFAULT b'0' COMMENT '监听插入',
  `monitor_update` bit(1)       NOT NULL DEFAULT b'0' COMMENT '监听更新',
  `monitor_delete` bit(1)       NOT NULL DEFAULT b'0' COMMENT '监听删除',
  `create_time`    timestamp    NOT NULL DEFAULT CURRENT_TIMESTAMP,
  `update_time`    timestamp    NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (`id`),
  UNIQUE KEY `uk_db_name_tb_name` (`db_name`, `tb_name`)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4{collation}"""
FIRST_RULES = """insert into baker_canal_config(id, db_name, tb_name, monitor_insert, monitor_update, monitor_delete)
values (1, 'baker_sys_canal', 'baker_canal_config', true, true, true),
       (2, 'baker_blog_blog', 'blog_article',       true, true, true)"""
RULES = f"{DATABASE}.{TABLE}"
BLOG = "baker_blog_blog"


class Story:
    """Statements on the source, each with the row changes it makes: "+table insert" is let out, "-table insert" is not."""

    def __init__(self, source):
        self.source, self.marked = source, []

    def __call__(self, statements, *changes):
        with self.source.connect() as connection, connection.cursor() as cursor:
            for statement in [statements] if isinstance(statements, str) else statements:
                cursor.execute(statement)
        self.marked += [(change[1:].split(), change[0] == "+") for change in changes]

    @property
    def made(self):
        return [change for change, _ in self.marked]

    @property
    def let_out(self):
        return [change for change, out in self.marked if out]


def begin(story):
    """The table with its two rows, and a blog that was there before them."""
    mysql = story.source.flavour == "mysql"
    story(CREATE_DATABASE)
    story([f"create database {BLOG} default char set utf8mb4", f"use {BLOG}",
           "create table blog_article (id int primary key auto_increment, title varchar(200), body text, views int default 0)",
           "create table blog_tag (id int primary key auto_increment, article_id int, name varchar(50))",
           "create table blog_comment (id int primary key auto_increment, article_id int, text varchar(200))",
           "create database baker_shop_shop", "create table baker_shop_shop.shop_order (id int primary key, total decimal(10,2))"])
    story(f"insert into {BLOG}.blog_article (title) values ('before there were rules')", "-blog_article insert")
    story([f"use {DATABASE}", CREATE_TABLE.format(collation=MYSQL_COLLATION if mysql else ""), FIRST_RULES], f"+{TABLE} insert")


def write_blog(story, marker):
    """Monitored and other tables, alone and together; only articles are let out."""
    story([f"use {BLOG}", "insert into blog_article (title, body) values ('文章一', 'text'), ('two', repeat('b', 3000))"],
          "+blog_article insert")
    story([f"use {BLOG}", "insert into blog_tag (article_id, name) values (2, 'c++'), (3, '数据库')"], "-blog_tag insert")
    story("insert into baker_shop_shop.shop_order values (1, 9.99)", "-shop_order insert")
    story([f"use {BLOG}", "begin", "update blog_article set views = views + 1 where id > 1",
           "insert into blog_comment (article_id, text) values (2, 'first!')", "delete from blog_tag where id = 1",
           "insert into blog_article (title) values ('three')", "commit"],
          "+blog_article update", "-blog_comment insert", "-blog_tag delete", "+blog_article insert")
    story([f"use {BLOG}", "begin", "insert into blog_comment (article_id, text) values (3, 'only this')",
           "update blog_comment set text = 'nothing here is monitored'", "commit"], "-blog_comment insert", "-blog_comment update")
    story([f"use {BLOG}", "delete from blog_article where id = 3"], "+blog_article delete")
    say(story, marker)


def say(story, marker):
    story(f"insert into {BLOG}.blog_article (title) values ('{marker}')", "+blog_article insert")


def change_rules(story):
    """INSERT, UPDATE and DELETE of rules: each holds from its transaction on, and not before."""
    story(f"insert into {RULES} (id, db_name, tb_name, monitor_insert) values (3, '{BLOG}', 'blog_tag', true)", f"+{TABLE} insert")
    story(f"insert into {BLOG}.blog_tag (article_id, name) values (2, 'now monitored')", "+blog_tag insert")
    story(f"update {BLOG}.blog_tag set name = 'updates are not' where article_id = 2", "-blog_tag update")
    story(f"update {RULES} set monitor_update = 0 where id = 2", f"+{TABLE} update")
    story(f"update {BLOG}.blog_article set views = 100 where id = 2", "-blog_article update")
    story(f"insert into {BLOG}.blog_article (title) values ('inserts are still monitored')", "+blog_article insert")
    # A rule changes inside a transaction: the whole of it is judged by the rules it leaves.
    story(["begin", f"insert into {BLOG}.blog_comment (article_id, text) values (2, 'in the same transaction')",
           f"insert into {RULES} (db_name, tb_name, monitor_insert, monitor_delete) values ('{BLOG}', 'blog_comment', 1, 1)",
           f"delete from {BLOG}.blog_comment where id = 1", "commit"],
          "+blog_comment insert", f"+{TABLE} insert", "+blog_comment delete")
    # One that is undone changes nothing.
    story(["begin", f"delete from {RULES}", f"insert into {BLOG}.blog_tag (name) values ('gone')", "rollback"])
    story(f"delete from {RULES} where id = 3", f"+{TABLE} delete")
    story(f"insert into {BLOG}.blog_tag (article_id, name) values (2, 'no longer monitored')", "-blog_tag insert")
    story(f"update {RULES} set monitor_update = 1, tb_name = 'blog_a*' where id = 2", f"+{TABLE} update")
    story(f"update {BLOG}.blog_article set views = 200 where id = 2", "+blog_article update")
    story([f"update {RULES} set db_name = 'baker_shop_shop', tb_name = '*' where tb_name = 'blog_comment'",
           "insert into baker_shop_shop.shop_order values (2, 1.5)", f"insert into {BLOG}.blog_comment (text) values ('hidden again')",
           "delete from baker_shop_shop.shop_order where id = 1"],
          f"+{TABLE} update", "+shop_order insert", "-blog_comment insert", "+shop_order delete")
    # From here on rule changes themselves are not told.
    story(f"update {RULES} set monitor_update = 0 where id = 1", f"-{TABLE} update")
    story(f"update {RULES} set tb_name = 'blog_article' where id = 2", f"-{TABLE} update")
