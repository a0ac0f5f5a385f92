// Elements, and nothing but elements: a text becomes a text node, never markup, so that whatever comes from outside stays a text.

const SVG = 'http://www.w3.org/2000/svg';
/** The only addresses that a link may have: a place of this page. */
const HERE = /^#\//u;

/** An element with its properties and children; a child that is missing is left out. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === 'on') {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (name === 'href') {
      if (!HERE.test(value)) throw new Error('a link leads out of the page');
      element.setAttribute('href', value);
    } else {
      element.setAttribute(name, value === true ? '' : String(value));
    }
  }
  element.append(...present(children));
  return element;
}

/** A drawing of straight parts; it is for the eye, and whatever it says is said in words beside it. */
export function drawing(width, height, parts, more = {}) {
  const root = document.createElementNS(SVG, 'svg');
  for (const [name, value] of Object.entries({ viewBox: `0 0 ${width} ${height}`, width, height, 'aria-hidden': 'true', ...more })) {
    root.setAttribute(name, String(value));
  }
  for (const [tag, attributes] of parts) {
    const part = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) part.setAttribute(name, String(value));
    root.append(part);
  }
  return root;
}

function present(children) {
  return children.flat(Infinity).filter((child) => child !== undefined && child !== null && child !== false);
}

/** Fills an element anew, but only when what it shows has changed; whoever was in it keeps their place. */
export function show(element, seen, make) {
  const mark = JSON.stringify(seen);
  if (element.shown === mark) return;
  element.shown = mark;
  const focused = element.contains(document.activeElement) ? document.activeElement.getAttribute('data-key') : null;
  const open = new Set([...element.querySelectorAll('details[open][data-key]')].map((one) => one.getAttribute('data-key')));
  element.replaceChildren(...present([make()]));
  for (const one of element.querySelectorAll('details[data-key]')) {
    if (open.has(one.getAttribute('data-key'))) one.open = true;
  }
  if (focused !== null) {
    [...element.querySelectorAll('[data-key]')].find((one) => one.getAttribute('data-key') === focused)?.focus();
  }
}

/** Says something to whoever listens to the page. */
export function announce(text) {
  const place = document.getElementById('said');
  // The same words twice are news, too.
  place.textContent = '';
  requestAnimationFrame(() => {
    place.textContent = text;
  });
}

/** A form in a dialog: what it asks for is given to `act`, whose refusal it shows. Resolves when it closes. */
export function ask({ title, text, fields = [], confirm, tone, act }) {
  const problem = h('p', { class: 'problem', role: 'alert', hidden: true });
  const submit = h('button', { class: `button ${tone ?? 'primary'}`, type: 'submit' }, confirm);
  const cancel = h('button', { class: 'button', type: 'button', on: { click: () => dialog.close() } }, 'Not now');
  const inputs = fields.map(field);
  const heading = h('h2', { id: 'ask-title', tabindex: '-1' }, title);
  const form = h(
    'form',
    { on: { submit: (event) => void send(event) } },
    heading,
    text,
    inputs.map(({ row }) => row),
    problem,
    h('div', { class: 'buttons' }, submit, cancel),
  );
  const dialog = h('dialog', { 'aria-labelledby': 'ask-title' }, form);
  async function send(event) {
    event.preventDefault();
    submit.disabled = true;
    problem.hidden = true;
    try {
      await act(Object.fromEntries(inputs.map(({ name, input }) => [name, input.value.trim()])));
      dialog.close();
    } catch (error) {
      problem.replaceChildren(...told(error));
      problem.hidden = false;
      submit.disabled = false;
      submit.focus();
    }
  }
  document.body.append(dialog);
  dialog.showModal();
  (inputs[0]?.input ?? heading).focus();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve();
    });
  });
}

/** What went wrong, in words: the API's own where it has some. */
export function told(error) {
  const words = [h('strong', {}, error.message)];
  if (error.next) words.push(' ', error.next);
  return words;
}

let fieldsMade = 0;

function field({ name, label, hint, choices, required }) {
  fieldsMade += 1;
  const id = `field-${fieldsMade}`;
  const common = { id, name, required, 'aria-describedby': hint ? `${id}-hint` : undefined };
  const input = choices
    ? h('select', common, choices.map(([value, word]) => h('option', { value }, word)))
    : h('input', { ...common, type: 'text', maxlength: '200', autocomplete: 'off' });
  const row = h(
    'div',
    { class: 'field' },
    h('label', { for: id }, label, required ? '' : h('span', { class: 'quiet' }, ' (may stay empty)')),
    input,
    hint ? h('p', { id: `${id}-hint`, class: 'hint' }, hint) : undefined,
  );
  return { name, input, row };
}
