// Makes elements. Text only ever becomes text nodes: nothing of the description or of an answer is
// read as HTML.

/**
 * An element. Attributes that are functions listen to the event of their name, those that are
 * null or false are left out.
 * @param {string} tag
 * @param {Record<string, unknown> | null} [attributes]
 * @param {...(Node | string | null | undefined | (Node | string | null)[])} children
 */
export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === 'function') element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** Paragraphs and lists of text with `code` and **strong**: as much of CommonMark as the description uses. */
export function markdown(text = '') {
  return text.split(/\n{2,}/).filter((block) => block.trim() !== '').map((block) => {
    const lines = block.split('\n');
    if (!lines.every((line) => line.startsWith('- '))) return h('p', null, inline(block));
    return h('ul', null, lines.map((line) => h('li', null, inline(line.slice(2)))));
  });
}

/** One line of such text. */
export function inline(text = '') {
  return text.split(/(`[^`]+`|\*\*[^*]+\*\*)/).map((part) => {
    if (part.startsWith('`') && part.length > 1) return h('code', null, part.slice(1, -1));
    if (part.startsWith('**') && part.length > 4) return h('strong', null, part.slice(2, -2));
    return part;
  });
}

/** A table that can be scrolled by itself, so that the page never is. */
export function table(caption, heads, rows) {
  return h(
    'div',
    { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': caption },
    h(
      'table',
      null,
      h('caption', { class: 'visually-hidden' }, caption),
      h('thead', null, h('tr', null, heads.map((head) => h('th', { scope: 'col' }, head)))),
      h('tbody', null, rows),
    ),
  );
}

/** A block of code with a button that copies it. */
export function codeBlock(text, label) {
  const button = h('button', { type: 'button', class: 'copy', click: copy, 'aria-label': `Copy ${label}` }, 'Copy');
  async function copy() {
    const copied = await navigator.clipboard.writeText(text).then(() => true, () => false);
    button.textContent = copied ? 'Copied' : 'Select and copy by hand';
    setTimeout(() => (button.textContent = 'Copy'), 2_000);
  }
  return h('div', { class: 'block' }, button, h('pre', { tabindex: '0', 'aria-label': label }, text));
}

export const pretty = (value) => JSON.stringify(value, null, 2);
