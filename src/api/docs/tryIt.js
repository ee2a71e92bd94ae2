// The form that tries an operation: it sends what is filled in, and shows what comes back and the
// same request as a curl line.

import { codeBlock, h, pretty } from './dom.js';

const SHOWN_CHARACTERS = 200_000;
const TOKEN = 'contacts-api-token';

/** The token is kept for this tab only, and forgotten with it. */
export const token = {
  get: () => sessionStorage.getItem(TOKEN) ?? '',
  set: (value) => (value === '' ? sessionStorage.removeItem(TOKEN) : sessionStorage.setItem(TOKEN, value)),
};

export function tryForm(operation) {
  const { operationId, summary, method } = operation;
  const fields = operation.parameters.map((parameter) => ({ ...parameter, input: inputOf(operationId, parameter) }));
  const body = bodyInput(operation);
  const result = h('div', { class: 'result', 'aria-live': 'polite' });
  const stop = h('button', { type: 'button', hidden: true }, 'Stop');
  const send = h('button', { type: 'submit' }, `Send ${method}`);
  const form = h(
    'form',
    { submit: (event) => void submit(event), 'aria-label': `Try: ${summary}` },
    fields.map(({ name, in: place, required, input }) => h('label', null, h('span', null, h('code', null, name), ` ${place}${required ? ', required' : ''}`), input)),
    body === null ? null : h('label', { class: 'wide' }, h('span', null, 'Body'), body),
    h('div', { class: 'actions' }, send, stop),
    result,
  );
  async function submit(event) {
    event.preventDefault();
    const request = requestOf(operation, fields, body?.value ?? '');
    const abort = new AbortController();
    stop.onclick = () => abort.abort();
    Object.assign(stop, { hidden: false });
    send.disabled = true;
    await show(result, request, abort.signal);
    send.disabled = false;
    stop.hidden = true;
  }
  return h('details', { class: 'try' }, h('summary', null, 'Try it'), form);
}

function inputOf(operationId, { name, in: place, required, schema = {}, example }) {
  const shared = { name, id: `${operationId}-${place}-${name}`, required };
  const choices = schema.type === 'boolean' ? ['true', 'false'] : schema.enum;
  if (choices !== undefined) {
    const options = required ? choices : ['', ...choices];
    return h('select', shared, options.map((choice) => h('option', { value: choice, selected: required && choice === example }, choice)));
  }
  const value = place === 'path' ? example : '';
  return h('input', { ...shared, value, type: 'text', inputmode: schema.type === 'integer' ? 'numeric' : null, placeholder: place === 'path' ? null : example, autocomplete: 'off', spellcheck: 'false' });
}

function bodyInput({ requestBody }) {
  if (requestBody === undefined) return null;
  const { example } = Object.values(requestBody.content)[0];
  const text = example === undefined ? '' : pretty(example);
  return h('textarea', { name: 'body', rows: Math.min(20, text.split('\n').length + 1), spellcheck: 'false' }, text);
}

/** What is to be sent: fields that are empty are not. */
function requestOf({ method, path, base, needsToken }, fields, body) {
  const filled = fields.map(({ name, in: place, input }) => ({ name, place, value: input.value })).filter(({ value }) => value !== '');
  let target = path;
  for (const { name, value } of filled.filter(({ place }) => place === 'path')) target = target.replace(`{${name}}`, encodeURIComponent(value));
  const query = new URLSearchParams(filled.filter(({ place }) => place === 'query').map(({ name, value }) => [name, value]));
  const headers = Object.fromEntries(filled.filter(({ place }) => place === 'header').map(({ name, value }) => [name, value]));
  if (body !== '') headers['Content-Type'] = 'application/json';
  const url = new URL(`${base}${target}${query.size === 0 ? '' : `?${query}`}`, location.href).href;
  return { method, url, headers, body: body === '' ? undefined : body, needsToken };
}

async function show(result, request, signal) {
  const { method, url, headers, body, needsToken } = request;
  const curl = [h('h5', null, 'The same by curl'), codeBlock(curlOf(request), 'the curl line'), needsToken ? h('p', { class: 'hint' }, 'with TOKEN set to your token') : null];
  result.replaceChildren(h('p', null, 'Waiting …'), ...curl.filter(Boolean));
  const started = performance.now();
  try {
    const authorization = needsToken && token.get() !== '' ? { Authorization: `Bearer ${token.get()}` } : {};
    const response = await fetch(url, { method, headers: { ...headers, ...authorization }, body, signal, cache: 'no-store' });
    const text = h('pre', { tabindex: '0', 'aria-label': 'Body of the answer' });
    const time = h('span', { class: 'time' });
    result.replaceChildren(
      h('p', { class: `answered s${String(response.status)[0]}` }, h('strong', { class: 'status' }, String(response.status)), ` ${response.statusText} `, time),
      h('h5', null, 'Headers'),
      h('pre', { tabindex: '0', 'aria-label': 'Headers of the answer' }, [...response.headers].map(([name, value]) => `${name}: ${value}`).join('\n')),
      h('h5', null, 'Body'),
      text,
      ...curl.filter(Boolean),
    );
    await readInto(text, response, signal);
    time.textContent = `in ${Math.round(performance.now() - started)} ms`;
  } catch (error) {
    if (!signal.aborted) result.replaceChildren(h('p', { class: 'answered s5' }, `No answer: ${error.message}`), ...curl.filter(Boolean));
  }
}

/** Shows the body as it comes, so that a stream can be watched; JSON is laid out once it is whole. */
async function readInto(element, response, signal) {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { done, value } = (await reader?.read().catch((error) => (signal.aborted ? { done: true } : Promise.reject(error)))) ?? { done: true };
    if (done) break;
    text += value;
    element.textContent = text.slice(0, SHOWN_CHARACTERS);
  }
  const isJson = response.headers.get('Content-Type')?.includes('json') === true;
  element.textContent = (isJson && text !== '' ? pretty(JSON.parse(text)) : text).slice(0, SHOWN_CHARACTERS) || '(none)';
}

/** The request for a shell. */
function curlOf({ method, url, headers, body, needsToken }) {
  const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const parts = [`curl -i -X ${method} ${quoted(url)}`];
  if (needsToken) parts.push('-H "Authorization: Bearer $TOKEN"');
  for (const [name, value] of Object.entries(headers)) parts.push(`-H ${quoted(`${name}: ${value}`)}`);
  if (body !== undefined) parts.push(`-d ${quoted(body)}`);
  return parts.join(' \\\n  ');
}
