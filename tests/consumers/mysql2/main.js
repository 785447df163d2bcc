'use strict';
// mysql2 with its defaults: <folder of packages> host port user password file-of-statements.
const fs = require('fs');
const path = require('path');
const [, , packages, host, port, user, password, list] = process.argv;
const mysql = require(path.join(packages, 'node_modules', 'mysql2', 'promise'));

function report(how, statement, [rows, fields]) {
  const columns = (fields || []).map((field) => field.name).join(',');
  console.log([how, statement, columns, String(Array.isArray(rows) && rows.length > 0)].join('\t'));
}

async function main() {
  const connection = await mysql.createConnection({ host, port: Number(port), user, password });
  await connection.ping();
  for (const statement of fs.readFileSync(list, 'utf8').split('\n').filter(Boolean)) {
    report('text', statement, await connection.query(statement));
    report('prepared', statement, await connection.execute(statement));
  }
  await connection.beginTransaction();
  await connection.rollback();
  await connection.changeUser({ user, password, database: 'information_schema' });
  const [[row]] = await connection.query('SELECT DATABASE() AS d');
  console.log('catalog\t' + row.d);
  await connection.end();
}

main().catch((error) => { console.error(error); process.exit(1); });
