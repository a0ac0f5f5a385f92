// Brings the database, a file of JSON, to the version that this commit needs.
'use strict';
const fs = require('node:fs');

const file = process.env.DATABASE_FILE;
if (!file) {
  throw new Error('the parameter DATABASE_FILE is not set');
}
const database = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : { version: 0, orders: [] };
const steps = [
  (db) => { db.orders = []; },
  (db) => { for (const order of db.orders) order.currency ??= 'EUR'; },
];
for (const step of steps.slice(database.version)) {
  step(database);
  database.version += 1;
}
fs.writeFileSync(`${file}.new`, JSON.stringify(database));
fs.renameSync(`${file}.new`, file);
console.log(`the database is at version ${database.version}`);
