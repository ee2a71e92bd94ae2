// What a real process writes: one line a request, and nowhere personal data or a token.

import { once } from 'node:events';
import { expect, test } from '@jest/globals';
import { startServiceProcess } from '../support/service.js';
import { goodClaims, hs256 } from '../support/tokens.js';

interface Line {
  level: number;
  msg: string;
  requestId?: string;
  method?: string;
  route?: string | null;
  status?: number;
  ms?: number;
}

/** Texts that are somebody's, or a secret: each is looked for in all that was written. */
const secrets = {
  name: 'Ottilie Musterfrau',
  email: 'ottilie@private.example',
  phone: '+49 30 9010 2030',
  notes: 'allergic to pineapple',
  title: 'Keeper of Keys',
  department: 'Hidden Department',
  custom: 'custom-secret-value',
  search: 'searched-for-person',
  cookie: 'session-cookie-value',
  key: 'idempotency-secret-key',
};

test('every request is a line of JSON that says how it went, and nothing of whom', async () => {
  const service = await startServiceProcess({ LOG_LEVEL: 'trace', RATE_LIMIT_PER_HOUR: '1000', AUTH_FAILURES_PER_MINUTE: '2' });
  let written = '';
  for (const stream of [service.child.stdout, service.child.stderr]) stream?.on('data', (part: Buffer) => (written += part.toString()));
  const client = service.client('org_logged');
  const { name, email, phone, notes, title, department, custom, search, cookie, key } = secrets;
  const whole = { name, email, phone, notes, metadata: { title, department }, customFields: { [custom]: custom } };
  const made = await client.post('/contacts', whole, { 'X-Request-Id': 'made-1', 'Idempotency-Key': key, Cookie: cookie });
  await client.put(`/contacts/${made.body.id}`, { ...whole, displayName: name }, { 'X-Request-Id': 'put-1' });
  await client.get(`/contacts?search=${search}`, { 'X-Request-Id': 'list-1' });
  await client.get(`/contacts/department/${encodeURIComponent(department)}`, { 'X-Request-Id': 'department-1' });
  await client.post('/contacts', { ...whole, email: `${email} wrong`, [custom]: 1 }, { 'X-Request-Id': 'invalid-1' });
  await client.post('/contacts', `{"name": "${name}", broken`, { 'X-Request-Id': 'broken-1' });
  await client.get(`/${encodeURIComponent(name)}`, { 'X-Request-Id': 'nowhere-1' });
  const bad = hs256(goodClaims(), 'another secret');
  for (let tried = 0; tried < 3; tried += 1) await fetch(`${service.origin}/api/v1/contacts`, { headers: { Authorization: `Bearer ${bad}` } });
  await client.delete(`/contacts/${made.body.id}`, { 'X-Request-Id': 'deleted-1' });
  const ended = once(service.child, 'close');
  await service.stop();
  await ended;

  const lines = written.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Line);
  const requests = new Map(lines.filter(({ msg }) => msg === 'request').map((line) => [line.requestId, line]));
  expect(requests.get('made-1')).toMatchObject({ method: 'POST', route: '/contacts', status: 201, ms: expect.any(Number) });
  expect(requests.get('put-1')).toMatchObject({ method: 'PUT', route: '/contacts/{id}', status: 200 });
  expect(requests.get('list-1')).toMatchObject({ method: 'GET', route: '/contacts', status: 200 });
  expect(requests.get('department-1')).toMatchObject({ route: '/contacts/department/{department}', status: 200 });
  expect(requests.get('invalid-1')).toMatchObject({ status: 400 });
  expect(requests.get('broken-1')).toMatchObject({ status: 400 });
  expect(requests.get('nowhere-1')).toMatchObject({ route: null, status: 404 });
  expect(requests.get('deleted-1')).toMatchObject({ method: 'DELETE', status: 204 });
  expect([...requests.values()].filter(({ status }) => status === 401)).toHaveLength(2);
  expect([...requests.values()].filter(({ status }) => status === 429)).toHaveLength(1);
  expect(lines.some(({ msg }) => msg === 'stopping')).toBe(true);

  // The start prints a token of its own for whoever reads the terminal; it is in no line of the log.
  const log = lines.map((line) => JSON.stringify(line)).join('\n').toLowerCase();
  const forbidden = [...Object.values(secrets), ...name.split(' '), encodeURIComponent(department), client.token, bad, 'bearer', 'eyj'];
  for (const text of forbidden) expect(log).not.toContain(text.toLowerCase());
  for (const text of [...Object.values(secrets), client.token, bad]) expect(written).not.toContain(text);
});
