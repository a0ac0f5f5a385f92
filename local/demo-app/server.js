// A small shop: a page, and a health check that looks at what the page needs.
'use strict';
const fs = require('node:fs');
const http = require('node:http');

const greeting = process.env.GREETING;
if (!greeting) {
  throw new Error('the parameter GREETING is not set');
}
const page = fs.readFileSync('dist/page.txt', 'utf8');
const settings = JSON.parse(fs.readFileSync('settings.json', 'utf8'));
let taken = 0;

// A connection pool that leaks, as in real life: nothing is wrong when the app starts, and every check takes a connection for good.
// It is counted and not timed, so that a slow machine sees it in the same moment as a fast one.
function poolIsDry() {
  taken += 1;
  return settings.poolSize !== undefined && taken > settings.poolSize;
}

const server = http.createServer((request, response) => {
  if (request.url === '/health') {
    const database = JSON.parse(fs.readFileSync(process.env.DATABASE_FILE, 'utf8'));
    if (poolIsDry()) {
      console.error(`Error: timed out while waiting for a database connection (pool of ${settings.poolSize} exhausted)`);
      response.writeHead(500).end('unhealthy');
      return;
    }
    response.end(`healthy, database version ${database.version}`);
    return;
  }
  response.end(`${greeting}\n${page}`);
});
server.listen(Number(process.env.PORT), '127.0.0.1', () => process.send?.('ready'));
