// Slack's Block Kit as HTML, in the look of Slack: our own drawing, for the pictures of messages alone. It knows the blocks that Longshore
// sends, and refuses every other (https://docs.slack.dev/reference/block-kit/blocks).

const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** A text as HTML. */
export const escaped = (text) => text.replace(/[&<>"]/gu, (character) => ENTITIES[character]);

/** A text that came with Slack's three entities, as HTML. Slack shows the characters that they stand for. */
const unescaped = (text) => escaped(text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&'));

/** What of Slack's markup Longshore sends: a fence, code, bold, and a link with its text. */
const MARKUP = /^```\n(?<fence>[^`]*)\n```$|^`(?<code>[^`]+)`$|^\*(?<bold>[^*<]+)\*$|^<(?<url>[^|>]+)\|(?<label>[^>]+)>$/u;

function marked(text) {
  const found = MARKUP.exec(text)?.groups;
  if (found?.fence !== undefined) return `<pre>${unescaped(found.fence)}</pre>`;
  if (found?.code !== undefined) return `<code>${unescaped(found.code)}</code>`;
  if (found?.bold !== undefined) return `<b>${unescaped(found.bold)}</b>`;
  if (found?.label !== undefined) return `<a>${unescaped(found.label)}</a>`;
  throw new Error(`a text with markup that is not drawn: ${JSON.stringify(text)}`);
}

function text(object) {
  if (object.type === 'plain_text') return unescaped(object.text);
  if (object.type === 'mrkdwn') return marked(object.text);
  throw new Error(`a text of a kind that is not drawn: ${object.type}`);
}

function button({ type, style, text: label }) {
  if (type !== 'button') throw new Error(`an action that is not drawn: ${type}`);
  return `<span class="button ${style ?? ''}">${text(label)}</span>`;
}

function section({ text: content, fields = [] }) {
  const words = content === undefined ? '' : `<div>${text(content)}</div>`;
  const cells = fields.map((field) => `<div>${text(field)}</div>`).join('');
  return cells === '' ? words : `${words}<div class="fields">${cells}</div>`;
}

function input({ label, optional, element }) {
  if (element.type !== 'plain_text_input') throw new Error(`an input that is not drawn: ${element.type}`);
  const hint = optional ? ' <small>(optional)</small>' : '';
  return `<b>${text(label)}</b>${hint}<div class="box"></div>`;
}

const DRAWN = {
  header: (block) => text(block.text),
  section,
  input,
  actions: (block) => block.elements.map(button).join(''),
  context: (block) => block.elements.map(text).join(' '),
};

/** Blocks, one below the other. */
export function blocks(all) {
  return all
    .map((block) => {
      if (!(block.type in DRAWN)) throw new Error(`a block that is not drawn: ${block.type}`);
      return `<div class="block ${block.type}">${DRAWN[block.type](block)}</div>`;
    })
    .join('');
}

/** A message of the app, with a line of where it stands above it. */
export function message(content, where = '') {
  const above = where === '' ? '' : `<div class="where">${escaped(where)}</div>`;
  const name = '<div class="name"><b>Longshore</b> <span class="app">APP</span></div>';
  return `<div class="post"><div class="face">L</div><div class="words">${name}${above}${blocks(content.blocks)}</div></div>`;
}
