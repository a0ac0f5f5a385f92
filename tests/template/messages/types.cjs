// Writes messages down in TypeScript, each as what its vendor's own types call it, for the compiler to judge.
// usage: node types.cjs <files of messages>

'use strict';

const fs = require('node:fs');
const path = require('node:path');

const lines = [
  "import type { KnownBlock } from '@slack/types';",
  "import type { Schema } from 'bitbucket/lib/bitbucket';",
  'type Deep<T> = T extends object ? { [P in keyof T]?: Deep<T[P]> } : T;',
  'type Ours<T, K extends keyof T> = { [P in K]-?: Deep<NonNullable<T[P]>> };',
];

for (const file of process.argv.slice(2)) {
  const name = path.basename(file, '.json');
  const message = JSON.parse(fs.readFileSync(file, 'utf8'));
  const app = message.slack_app;
  const told = { slack: message.slack, post: app.post, update: app.update, details: app.details, call: app.call_for_a_person };
  for (const [which, content] of Object.entries(told)) {
    if (content !== null) lines.push(`export const ${which}_${name}: KnownBlock[] = ${JSON.stringify(content.blocks)};`);
  }
  const status = "Ours<Schema.Commitstatus, 'key' | 'state' | 'name' | 'description' | 'url'>";
  if (message.build_status !== null) lines.push(`export const status_${name}: ${status} = ${JSON.stringify(message.build_status)};`);
  if (message.tag !== null) {
    lines.push(`export const tag_${name}: Ours<Schema.Tag, 'name' | 'message' | 'target'> = ${JSON.stringify(message.tag)};`);
  }
}
console.log(lines.join('\n'));
