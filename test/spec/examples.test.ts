// The specification's own examples, taken from its text when it is there, run against the service.

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { newOrganization, startServiceProcess, tokenFor, type Client, type ServiceProcess } from '../support/service.js';
import { curlExamples, indentPython, section, SPEC_BASE, specification, type CurlExample, type Json } from './text.js';

const text = specification ?? '';
const missing = specification === null ? 'the specification is not there' : null;
const requests = spawnSync('python3', ['-c', 'import requests']);
const noPython = requests.error !== undefined ? 'python3 is missing' : requests.status !== 0 ? 'python3 has no requests' : null;

/** A test that is skipped, with the reason in its name, when there is one. */
function testUnless(reason: string | null, name: string, body: () => Promise<void>): void {
  if (reason === null) test(name, body);
  else test.skip(`${name} (skipped: ${reason})`, body);
}

let service: ServiceProcess;
beforeAll(async () => {
  service = await startServiceProcess();
});
afterAll(() => service.stop());

/** Runs `program` with `code` on its standard input. */
async function run(program: string, args: string[], code: string): Promise<{ status: number | null; out: string; err: string }> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const said = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => (said.out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said.err += chunk.toString()));
  child.stdin.end(code);
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, ...said };
}

const pointed = (code: string, { token }: Client) => {
  expect(code).toContain(SPEC_BASE);
  expect(code).toContain('your-jwt-token');
  return code.replaceAll(SPEC_BASE, `${service.origin}/api/v1`).replaceAll('your-jwt-token', token);
};

testUnless(missing, 'the JavaScript example runs as it stands and creates its contact', async () => {
  const client = service.client();
  const code = section(text, 'JavaScript/TypeScript', 'Python');
  const { status, out, err } = await run(process.execPath, ['--input-type=module', '-'], pointed(code, client));
  expect({ status, err }).toEqual({ status: 0, err: '' });
  expect(out).toContain('Created contact: {');
  const { body } = await client.get('/contacts');
  expect(body).toMatchObject({ total: 1, data: [{ name: 'John Smith', metadata: { title: 'Sales Director' } }] });
  expect(out).toContain(body.data[0].id);
});

testUnless(missing, 'the other functions of the JavaScript example work, too', async () => {
  const client = service.client();
  const code = `${section(text, 'JavaScript/TypeScript', 'Python')}
    const changed = await updateContact(newContact.id, { displayName: 'Johnny' });
    const { data } = await getCompanyContacts(newContact.parentEntityId);
    console.log(JSON.stringify([changed.displayName, data.map(({ id }) => id === newContact.id)]));`;
  const { status, out } = await run(process.execPath, ['--input-type=module', '-'], pointed(code, client));
  expect(status).toBe(0);
  expect(out).toContain('["Johnny",[true]]');
});

testUnless(missing ?? noPython, 'the Python example runs as it stands and counts its contact', async () => {
  const client = service.client();
  const code = indentPython(section(text, 'Python', 'Webhooks'));
  const { status, out, err } = await run('python3', ['-'], pointed(code, client));
  expect({ status, err }).toEqual({ status: 0, err: '' });
  const { body } = await client.get('/contacts');
  expect(body).toMatchObject({ total: 1, data: [{ name: 'Jane Doe' }] });
  expect(out.trim().split('\n')).toEqual([`Created contact: ${body.data[0].id}`, 'Found 1 active contacts']);
});

testUnless(missing ?? noPython, 'the other functions of the Python example work, too', async () => {
  const client = service.client();
  const company = (await client.post('/companies', { name: 'Acme', entityTypes: ['Company'] })).body.id as string;
  const code = `${indentPython(section(text, 'Python', 'Webhooks'))}
contact = create_contact({'name': 'Ann', 'parentEntityId': '${company}', 'metadata': {'reportsTo': new_contact['id']}})
assert set_primary_contact(contact['id'], '${company}')['company']['primaryContactId'] == contact['id']
assert [c['id'] for c in get_contact_hierarchy()[new_contact['id']]] == [contact['id']]
assert [c['id'] for c in list_contacts(search='ann')['data']] == [contact['id']]
`;
  expect(await run('python3', ['-'], pointed(code, client))).toMatchObject({ status: 0, err: '' });
});

type JsonObject = { [key: string]: Json };
const objectOf = (value: Json | undefined) => value as JsonObject;
/** What the server makes itself; everything else must be as in the example. */
const MADE = ['id', 'createdAt', 'updatedAt'];

/** Every field of the example is in the answer with the same value; what the server makes is a text. */
function expectAsExample(answer: Json | undefined, example: Json, at: string): void {
  if (Array.isArray(example)) {
    expect({ at, length: (answer as Json[]).length }).toEqual({ at, length: example.length });
    example.forEach((item, index) => expectAsExample((answer as Json[])[index], item, `${at}[${index}]`));
  } else if (typeof example === 'object' && example !== null) {
    for (const [key, value] of Object.entries(example)) {
      const found = objectOf(answer)?.[key];
      if (MADE.includes(key)) expect({ at: `${at}.${key}`, type: typeof found }).toEqual({ at: `${at}.${key}`, type: 'string' });
      else expectAsExample(found, value, `${at}.${key}`);
    }
  } else {
    expect({ at, value: answer }).toEqual({ at, value: example });
  }
}

/** The fields of an object and of the objects in it. */
const fieldsOf = (value: Json | undefined): Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort().map(([key, inner]) => [key, fieldsOf(inner)]))
    : null;

const examples = missing === null ? curlExamples(text) : [];
const exampleOf = (method: string, path: RegExp): CurlExample => {
  const found = examples.find((example) => example.method === method && path.test(example.path));
  if (found === undefined) throw new Error(`the specification has no example ${method} ${path}`);
  return found;
};
const idIn = ({ path }: CurlExample) => path.split('/')[2] as string;
/** A client of the examples' organization, on a service of its own. */
async function exampleClient(): Promise<{ client: Client; stop: () => Promise<void> }> {
  const own = await startServiceProcess();
  return { client: own.client('org_123456789'), stop: own.stop };
}
const byName = (items: Json) => [...(items as JsonObject[])].sort((a, b) => (String(a.name) < String(b.name) ? -1 : 1));

testUnless(missing, 'all ten curl examples are found', async () => {
  expect(examples.map(({ method }) => method)).toEqual(['POST', 'GET', 'GET', 'PUT', 'DELETE', 'GET', 'GET', 'GET', 'POST', 'GET']);
});

testUnless(missing, 'create, list, get, update and delete answer as the curl examples show', async () => {
  const { client, stop } = await exampleClient();
  const post = exampleOf('POST', /^\/contacts$/);
  const created = await client.post(post.path, post.body);
  expect(created.status).toBe(201);
  expectAsExample(created.body, post.response, 'create');
  const list = exampleOf('GET', /^\/contacts\?/);
  const listed = await client.get(list.path);
  expect(listed.status).toBe(200);
  expectAsExample(listed.body, list.response, 'list');
  const get = exampleOf('GET', /^\/contacts\/[0-9a-f]{8}-[0-9a-f-]+$/);
  const real = (example: CurlExample) => example.path.replace(idIn(example), created.body.id);
  const got = await client.get(real(get));
  expect(got.status).toBe(200);
  expectAsExample(got.body, get.response, 'get');
  const put = exampleOf('PUT', /./);
  const changed = await client.put(real(put), put.body);
  expect(changed.status).toBe(200);
  expectAsExample(changed.body, put.response, 'update');
  expect(changed.body.updatedAt > changed.body.createdAt).toBe(true);
  const remove = exampleOf('DELETE', /./);
  const removed = await client.delete(real(remove));
  expect(String(remove.response)).toContain(String(removed.status));
  expect(removed.text).toBe('');
  await stop();
});

for (const [name, path] of [
  ['company', /^\/contacts\/company\//],
  ['department', /^\/contacts\/department\//],
  ['contact method', /^\/contacts\/contact-method\//],
] as const) {
  testUnless(missing, `contacts by ${name} answer as the curl example shows, field for field`, async () => {
    const client = service.client();
    const example = exampleOf('GET', path);
    const shown = objectOf(example.response).data as JsonObject[];
    for (const { id: _, ...contact } of shown) {
      const company = name === 'company' ? { parentEntityId: example.path.split('/')[3] } : {};
      expect((await client.post('/contacts', { ...contact, ...company })).status).toBe(201);
    }
    const { status, body } = await client.get(example.path);
    expect(status).toBe(200);
    expect(Object.keys(body)).toEqual(['data']);
    expectAsExample(byName(body.data), byName(shown), name);
    for (const contact of body.data) expect(fieldsOf(contact)).toEqual(fieldsOf(shown[0]));
  });
}

testUnless(missing, 'the hierarchy answers as the curl example shows, field for field', async () => {
  const client = service.client();
  const example = exampleOf('GET', /^\/contacts\/hierarchy$/);
  const [shown] = Object.values(objectOf(example.response)) as [JsonObject[]];
  const manager = (await client.post('/contacts', { name: 'The Manager' })).body.id as string;
  for (const { id: _, metadata, ...contact } of shown) {
    const reply = await client.post('/contacts', { ...contact, metadata: { ...objectOf(metadata), reportsTo: manager } });
    expect(reply.status).toBe(201);
  }
  const { body } = await client.get(example.path);
  expect(Object.keys(body)).toEqual([manager]);
  expectAsExample(byName(body[manager]), byName(shown), 'hierarchy');
  for (const contact of body[manager]) expect(fieldsOf(contact)).toEqual(fieldsOf(shown[0]));
});

testUnless(missing, 'set-primary answers as the curl example shows, field for field', async () => {
  const client = service.client();
  const example = exampleOf('POST', /set-primary/);
  const shown = objectOf(example.response);
  const { id: contactId, ...contact } = objectOf(shown.contact);
  const company = objectOf(shown.company);
  const made = await client.post('/companies', { id: company.id, name: company.name, entityTypes: ['Company'] });
  expect(made.status).toBe(201);
  const { id } = (await client.post('/contacts', contact)).body as { id: string };
  const { status, body } = await client.post(example.path.replace(String(contactId), id));
  expect(status).toBe(200);
  expect(body).toEqual({ contact: { ...contact, id }, company: { ...company, primaryContactId: id } });
});

testUnless(missing, 'each error code of the table but the 500 is answered with its status and in its shape', async () => {
  const client = service.client();
  const table = [...section(text, 'Common errors include:', 'Rate Limiting').matchAll(/^(\d{3}) \| (\w+) \|/gm)].map(([, status, code]) => [Number(status), code]);
  const company = (await client.post('/companies', { name: 'Acme', entityTypes: ['Company'] })).body.id as string;
  const contact = (await client.post('/contacts', { name: 'Ann' })).body.id as string;
  const unknown = '00000000-0000-4000-8000-000000000000';
  const invalid = await client.post('/contacts', { name: 'Ann', email: 'no address' });
  const unauthorized = await fetch(`${service.origin}/api/v1/contacts`);
  const replies = [
    invalid,
    await client.post(`/contacts/${contact}/set-primary/${company}`),
    { status: unauthorized.status, body: await unauthorized.json() },
    await client.get(`/contacts/${unknown}`),
    await client.post(`/contacts/${contact}/set-primary/${unknown}`),
  ];
  expect([...replies.map(({ status, body }) => [status, body.error]), [500, 'INTERNAL_SERVER_ERROR']]).toEqual(table);
  for (const { body } of replies) expect(Object.keys(body)).toEqual(['error', 'message', 'details']);
  expect(invalid.body.details).toEqual([{ field: 'email', message: expect.any(String) }]);
});

testUnless(missing, 'another organization sees nothing of what the examples made', async () => {
  const { client, stop } = await exampleClient();
  const post = exampleOf('POST', /^\/contacts$/);
  const { body } = await client.post(post.path, post.body);
  const headers = { Authorization: `Bearer ${tokenFor(newOrganization())}` };
  expect((await client.get(`/contacts/${body.id}`, headers)).status).toBe(404);
  expect((await client.get('/contacts', headers)).body.total).toBe(0);
  await stop();
});
