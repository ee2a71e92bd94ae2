// The reference: asks for the description, shows it in groups, and narrows it to what is searched.

import { codeBlock, h, inline, markdown, pretty, table } from './dom.js';
import { bodyPart, methodBadge, operationSection, operationsOf, parametersPart, pathText, searchText } from './operations.js';
import { schemaTable } from './schemas.js';
import { token } from './tryIt.js';

const element = (id) => document.getElementById(id);

/** A part of the page with its link, both hidden when a search does not find it. */
const entry = (text, section, link) => ({ text: text.toLowerCase(), section, link });

async function start() {
  keepToken(element('token'));
  keepMenu(element('menu'));
  const response = await fetch(new URL('openapi.json', document.baseURI));
  if (!response.ok) throw new Error(`the description was answered ${response.status}`);
  const description = await response.json();
  document.title = `${description.info.title} reference`;
  element('title').textContent = description.info.title;
  element('version').textContent = description.info.version;
  const groups = groupsOf(description);
  element('nav').replaceChildren(...groups.map((group) => group.navigation));
  element('sections').replaceChildren(introduction(description), ...groups.map((group) => group.part));
  searchBy(element('search'), groups);
  if (location.hash !== '') element(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
}

function introduction({ info }) {
  return h(
    'section',
    { id: 'introduction' },
    h('h1', null, info.title),
    markdown(info.description),
    h('p', { class: 'hint' }, 'To try calls, paste a token above: it stays in this tab. For machines: ', h('a', { href: 'openapi.json' }, 'openapi.json'), '.'),
  );
}

/** Everything below the introduction: a group a tag, then errors, headers and schemas. */
function groupsOf(description) {
  const operations = operationsOf(description);
  const sent = Object.entries(description.webhooks ?? {});
  const tagged = description.tags.map(({ name, description: text }) => {
    const called = operations.filter(({ tag }) => tag === name).map((operation) => operationEntry(description, operation));
    const told = sent.filter(([, { post }]) => post.tags[0] === name).map(([topic, { post }]) => webhookEntry(description, topic, post));
    return group(name, `tag-${name.replaceAll(' ', '-')}`, [...called, ...told], markdown(text));
  });
  const { schemas, headers, examples } = description.components;
  const schemaEntries = Object.entries(schemas).map(([name, schema]) => schemaEntry(description, name, schema));
  const errors = group('Errors', 'errors', [errorEntry(examples)], []);
  const headerGroup = group('Headers', 'headers', [headerEntry(headers)], []);
  return [...tagged, errors, headerGroup, group('Schemas', 'schemas', schemaEntries, [])];
}

function group(name, id, entries, intro) {
  const part = h('div', { class: 'group' }, h('h2', { id }, name), intro, entries.map(({ section }) => section));
  const items = entries.flatMap(({ link }) => (link === null ? [] : [h('li', null, link)]));
  const navigation = h('div', null, h('h2', null, h('a', { href: `#${id}` }, name)), items.length === 0 ? null : h('ul', null, items));
  return { part, navigation, entries };
}

function operationEntry(description, operation) {
  const { operationId, method, path, summary } = operation;
  const link = h('a', { href: `#${operationId}`, title: summary }, methodBadge(method), ' ', h('span', null, pathText(path)));
  return entry(searchText(operation), operationSection(description, operation), link);
}

/** What a webhook endpoint is sent under a topic. */
function webhookEntry(description, topic, operation) {
  const id = `sent-${topic.replaceAll('.', '-')}`;
  const section = h(
    'section',
    { id, 'aria-labelledby': `${id}-title` },
    h('h3', { id: `${id}-title` }, h('a', { href: `#${id}`, class: 'anchor' }, topic)),
    markdown(`${operation.summary}.\n\n${operation.description}`),
    parametersPart(description, operation),
    bodyPart(description, operation),
  );
  return entry(`webhook ${topic} ${operation.summary}`, section, h('a', { href: `#${id}` }, topic));
}

function schemaEntry(description, name, schema) {
  const id = `schema-${name}`;
  const example = schema.examples?.[0];
  const section = h(
    'section',
    { id, 'aria-labelledby': `${id}-title` },
    h('h3', { id: `${id}-title` }, h('a', { href: `#${id}`, class: 'anchor' }, name)),
    markdown(schema.description),
    schemaTable(description, schema, `Fields of ${name}`),
    example === undefined ? null : codeBlock(pretty(example), `an example of ${name}`),
  );
  return entry(`schema ${name} ${schema.description ?? ''} ${Object.keys(schema.properties ?? {}).join(' ')}`, section, h('a', { href: `#${id}` }, name));
}

/** Every code, its status, and what it means. */
function errorEntry(examples) {
  const rows = Object.entries(examples).map(([code, { summary, value, 'x-status': status }]) =>
    h(
      'tr',
      { id: `error-${code}` },
      h('td', null, h('span', { class: 'status' }, String(status))),
      h('th', { scope: 'row' }, h('code', null, code)),
      h('td', null, inline(summary), value.details.length === 0 ? null : h('div', { class: 'example' }, h('code', null, JSON.stringify(value)))),
    ),
  );
  const section = h('section', null, h('p', null, 'Every error has the shape ', h('a', { href: '#schema-Error' }, 'Error'), '.'), table('Errors', ['Status', 'Code', 'When'], rows));
  return entry(`errors ${Object.keys(examples).join(' ')}`, section, null);
}

function headerEntry(headers) {
  const rows = Object.entries(headers).filter(([name]) => !name.endsWith('-Always')).map(([name, { description, example }]) =>
    h('tr', { id: `header-${name}` }, h('th', { scope: 'row' }, h('code', null, name)), h('td', null, inline(description), h('div', { class: 'example' }, h('code', null, String(example))))),
  );
  return entry(`headers ${Object.keys(headers).join(' ')}`, h('section', null, table('Headers of answers', ['Header', 'Meaning'], rows)), null);
}

/** Shows only what holds every word that is typed. */
function searchBy(input, groups) {
  const narrow = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    for (const { part, navigation, entries } of groups) {
      let any = false;
      for (const { text, section, link } of entries) {
        const fits = words.every((word) => text.includes(word));
        section.hidden = !fits;
        if (link !== null) link.parentElement.hidden = !fits;
        any ||= fits;
        found += Number(fits);
      }
      part.hidden = !any;
      navigation.hidden = !any;
    }
    element('introduction').hidden = words.length > 0;
    element('found').textContent = words.length === 0 ? '' : found === 0 ? `Nothing holds “${input.value}”` : `${found} found`;
  };
  input.addEventListener('input', narrow);
  document.addEventListener('keydown', (event) => {
    const typing = event.target instanceof HTMLElement && /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
    if (event.key === '/' && !typing) {
      event.preventDefault();
      input.focus();
    } else if (event.key === 'Escape' && event.target === input) {
      input.value = '';
      narrow();
    }
  });
}

/** The menu is always there on a desk; on a phone it opens when asked for. */
function keepMenu(menu) {
  const wide = matchMedia('(min-width: 56.01rem)');
  const fit = () => (menu.open = wide.matches);
  wide.addEventListener('change', fit);
  menu.addEventListener('click', (event) => {
    if (!wide.matches && event.target.closest('a') !== null) menu.open = false;
  });
  fit();
}

function keepToken(input) {
  input.form.addEventListener('submit', (event) => event.preventDefault());
  input.value = token.get();
  input.addEventListener('input', () => token.set(input.value.trim().replace(/^Bearer\s+/i, '')));
}

start().catch((error) => {
  element('sections').replaceChildren(h('p', { class: 'answered s5' }, `The reference cannot be shown: ${error.message}`));
});
