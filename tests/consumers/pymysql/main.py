"""PyMySQL with its defaults: host port user password file-of-statements. It knows no prepared statements."""

import sys

import pymysql

host, port, user, password, statements = sys.argv[1:]
connection = pymysql.connect(host=host, port=int(port), user=user, password=password)
connection.ping()
with open(statements, encoding="utf-8") as file, connection.cursor() as cursor:
    for statement in file.read().splitlines():
        cursor.execute(statement)
        columns = [column[0] for column in cursor.description or ()]
        print("text", statement, ",".join(columns), str(bool(columns and cursor.fetchall())).lower(), sep="\t")
connection.begin()
connection.rollback()
connection.select_db("information_schema")
connection.autocommit(True)
connection.close()
