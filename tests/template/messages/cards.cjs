// Lets Microsoft's own reader of Adaptive Cards read cards, and prints what it objects to: one line each, the file first.
// usage: node cards.cjs <folder with node_modules> <files of messages>

'use strict';

const fs = require('node:fs');
const { createRequire } = require('node:module');
const path = require('node:path');

const [tools, ...files] = process.argv.slice(2);
const { AdaptiveCard, SerializationContext, Versions } = createRequire(path.join(tools, 'x'))('adaptivecards/dist/adaptivecards.js');

// The highest version that Teams shows everywhere.
const VERSION = Versions.v1_4;

function objections(card) {
  const context = new SerializationContext(VERSION);
  const read = new AdaptiveCard();
  read.parse(card, context);
  const found = [];
  for (let index = 0; index < context.eventCount; index += 1) {
    const event = context.getEventAt(index);
    found.push(event.message || String(event.event));
  }
  // What it does not know it leaves out; so what it writes must be what it was given.
  const kept = JSON.stringify(read.toJSON());
  for (const text of texts(card)) {
    if (!kept.includes(JSON.stringify(text))) found.push('it leaves out ' + JSON.stringify(text));
  }
  return found;
}

function texts(value) {
  if (value === null || typeof value !== 'object') return [];
  if (Array.isArray(value)) return value.flatMap(texts);
  const own = typeof value.text === 'string' ? [value.text] : [];
  return own.concat(Object.values(value).flatMap(texts));
}

for (const file of files) {
  const { teams } = JSON.parse(fs.readFileSync(file, 'utf8'));
  if (teams.type !== 'message' || teams.attachments.length !== 1) console.log(file + ': not one card in a message');
  for (const { contentType, content } of teams.attachments) {
    if (contentType !== 'application/vnd.microsoft.card.adaptive') console.log(file + ': ' + contentType);
    for (const objection of objections(content)) console.log(file + ': ' + objection);
  }
}
