// Zongji and its descendants as consumers: prints what they decode, a JSON object a line. See ../README.md for the form.
//   main.js FOLDER-WITH-PACKAGES WISH
'use strict';
const fs = require('fs');
const path = require('path');
const { pathToFileURL } = require('url');

const [folder, file] = process.argv.slice(2);
const wish = JSON.parse(fs.readFileSync(file));

// What an event holds of the stream; the reader that decoded it and the tables of other events are left out.
const LEFT_OUT = ['_zongji', 'zongji', 'tableMap', '_parser', 'parser', 'buffer', '_buffer', 'options', 'Class', 'useChecksum'];

function plain(key, value) {
  if (LEFT_OUT.includes(key) || typeof value === 'function') return undefined;
  if (typeof value === 'bigint') return String(value);
  if (value && value.type === 'Buffer') return Buffer.from(value.data).toString('hex');
  return value;
}

function say(what) {
  process.stdout.write(JSON.stringify(what, plain) + '\n');
}

async function main() {
  const module = await import(pathToFileURL(path.join(folder, 'node_modules', wish.program, 'index.js')));
  const ZongJi = module.default || module.ZongJi;
  const address = { host: wish.host, port: wish.port, user: wish.user, password: wish.password };
  const zongji = new ZongJi(address);
  let current = wish.file;
  zongji.on('error', (error) => {
    if (/binlog_transaction_compression/.test(error.message)) {  // it leaves packed transactions out, says so, and goes on
      say({ kind: 'error', fields: error.message });
      return;
    }
    console.error(error);
    process.exit(1);
  });
  zongji.on('binlog', (event) => {
    const kind = event.getTypeName();
    if (kind === 'Rotate') current = event.binlogName;
    const table = event.tableMap && event.tableId !== undefined && event.tableMap[event.tableId];
    say({ kind, fields: { ...event }, table: table && { schema: table.parentSchema, name: table.tableName, columns: table.columns } });
    // What begins with # stands in the middle of a transaction, for an event that the client does not know.
    const ends = kind === 'Xid' || (kind === 'Query' && event.query !== 'BEGIN' && !event.query.startsWith('#'));
    if (ends) say({ at: { file: current, position: event.nextPosition } });
  });
  zongji.start({ serverId: wish.server_id, filename: wish.file, position: wish.position });
}

main();
