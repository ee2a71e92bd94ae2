// An operation as a section: what it takes, what it answers, and a form to try it.

import { codeBlock, h, inline, markdown, pretty, table } from './dom.js';
import { limitsOf, resolve, schemaTable, typeOf } from './schemas.js';
import { tryForm } from './tryIt.js';

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

/** Every operation of the description, in its order. */
export function operationsOf(api) {
  return Object.entries(api.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method] !== undefined).map((method) => {
      const operation = item[method];
      const base = (item.servers ?? api.servers)[0].url.replace(/\/$/, '');
      // Every request may have an X-Request-Id: said once, among the headers.
      const parameters = (operation.parameters ?? []).map((parameter) => resolve(api, parameter)).filter(({ name }) => name !== 'X-Request-Id');
      const security = operation.security ?? api.security;
      return { ...operation, method: method.toUpperCase(), path, base, parameters, needsToken: security.length > 0, tag: operation.tags[0] };
    }),
  );
}

/** All that a search for an operation looks into, in lower case. */
export function searchText(operation) {
  const { method, base, path, summary, description, tag, operationId, parameters } = operation;
  const named = parameters.map(({ name }) => name).join(' ');
  return [method, base + path, summary, description, tag, operationId, named].join(' ').toLowerCase();
}

export const methodBadge = (method) => h('span', { class: `method ${method.toLowerCase()}` }, method);

/** The path, its parameters set apart, and places to break a long one. */
export function pathText(path) {
  return path.split(/(\{\w+\}|\/)/).flatMap((part) => {
    if (part.startsWith('{')) return [h('em', null, part)];
    return part === '/' ? [h('wbr'), '/'] : [part];
  });
}

export function operationSection(api, operation) {
  const { operationId, method, base, path, summary, description } = operation;
  return h(
    'section',
    { id: operationId, class: 'operation', 'aria-labelledby': `${operationId}-title` },
    h('h3', { id: `${operationId}-title` }, h('a', { href: `#${operationId}`, class: 'anchor' }, summary)),
    h('p', { class: 'route' }, methodBadge(method), ' ', h('code', null, pathText(base + path))),
    markdown(description),
    ...parametersPart(api, operation),
    ...bodyPart(api, operation),
    h('h4', null, 'Answers'),
    Object.entries(operation.responses).map(([status, response]) => answerPart(api, status, resolve(api, response))),
    tryForm(operation),
  );
}

/** The parameters of an operation; nothing when it has none. */
export function parametersPart(api, { parameters }) {
  if (parameters.length === 0) return [];
  const rows = parameters.map(({ name, in: place, required, description, schema, example }) =>
    h(
      'tr',
      null,
      h('th', { scope: 'row' }, h('code', null, name), required ? h('span', { class: 'required' }, ' required') : null),
      h('td', null, place),
      h('td', null, typeOf(api, schema)),
      h('td', { class: 'limits' }, limitsOf(schema).join('; ')),
      h('td', null, inline(description), example === undefined ? null : h('div', { class: 'example' }, h('code', null, String(example)))),
    ),
  );
  return [h('h4', null, 'Parameters'), table('Parameters', ['Name', 'In', 'Type', 'Limits', 'Description'], rows)];
}

/** The body that an operation takes; nothing when it takes none. */
export function bodyPart(api, { requestBody }) {
  if (requestBody === undefined) return [];
  const [mediaType, { schema, example }] = Object.entries(requestBody.content)[0];
  return [
    h('h4', null, 'Body', h('small', null, ` ${mediaType}${requestBody.required ? ', required' : ', optional'}`)),
    schemaTable(api, schema, 'Fields of the body'),
    example === undefined ? null : h('details', null, h('summary', null, 'Example'), codeBlock(pretty(example), 'the example')),
  ];
}

/** One status: good ones with schema and example, errors with their codes. */
function answerPart(api, status, response) {
  const { description, headers = {}, content } = response;
  const [mediaType, media] = Object.entries(content ?? {})[0] ?? [];
  const isError = Number(status) >= 400 && media?.examples !== undefined;
  const example = isError ? Object.values(media.examples).map((one) => resolve(api, one).value)[0] : media?.example;
  const headline = isError ? Object.keys(media.examples).flatMap((code, index) => [index === 0 ? '' : ', ', h('a', { href: `#error-${code}` }, code)]) : inline(description);
  const names = Object.keys(headers);
  return h(
    'details',
    { class: `answer s${status[0]}` },
    h('summary', null, h('span', { class: 'status' }, status), ' ', headline),
    isError ? markdown(description) : null,
    names.length === 0 ? null : h('p', { class: 'headers' }, 'Headers: ', names.flatMap((name, index) => [index === 0 ? '' : ', ', h('a', { href: `#header-${name}` }, name)])),
    media === undefined ? h('p', null, 'No body.') : isError ? null : schemaTable(api, media.schema, `Fields of the answer ${status}`),
    example === undefined ? null : codeBlock(pretty(example), `the example of ${status}`),
    mediaType === undefined ? null : h('p', { class: 'media' }, mediaType),
  );
}
