// Turns the catalogue into the page that the server serves.
'use strict';
const fs = require('node:fs');

const catalogue = JSON.parse(fs.readFileSync('catalogue.json', 'utf8'));
if (!Array.isArray(catalogue.products)) {
  throw new Error('catalogue.json: "products" must be a list');
}
const rows = catalogue.products.map(({ name, cents }) => `${name}: ${(cents / 100).toFixed(2)}`);
fs.mkdirSync('dist', { recursive: true });
fs.writeFileSync('dist/page.txt', `${catalogue.title}\n${rows.join('\n')}\n`);
console.log(`built a page of ${rows.length} products`);
