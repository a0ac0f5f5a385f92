'use strict';
// Puts load on one address until standard input ends, then prints what autocannon counted as one line of JSON.
// node load.cjs URL CONNECTIONS (keep-alive|close)

const autocannon = require(process.env.AUTOCANNON);

const [url, connections, connection] = process.argv.slice(2);
const told = {};
const run = autocannon({ url, connections: Number(connections), duration: 600, timeout: 10,
  headers: { connection } }, (error, result) => {
  if (error) throw error;
  const { errors, timeouts, non2xx, resets } = result;
  process.stdout.write(JSON.stringify({ errors, timeouts, non2xx, resets, requests: result.requests.total,
    p50: result.latency.p50, p99: result.latency.p99, max: result.latency.max, told }) + '\n');
  process.exit(0);
});
run.on('reqError', (error) => { told[error.code || error.message] = (told[error.code || error.message] || 0) + 1; });
process.stdin.resume().on('end', () => run.stop());
process.stdout.on('error', () => process.exit(1));
