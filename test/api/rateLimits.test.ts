// Limits by organization, in an hour and in a minute, and of failed authentications by address.

import { expect, test } from '@jest/globals';
import { startTestService, type Client, type Reply, type TestService } from '../support/service.js';
import { hs256, goodClaims, now } from '../support/tokens.js';
import { expectError } from './errorShape.js';

/** Runs `use` on a service with these limits. */
async function withLimits(environment: Record<string, string>, use: (service: TestService) => Promise<void>, dataDir?: string): Promise<void> {
  const service = await startTestService(environment, dataDir);
  try {
    await use(service);
  } finally {
    await service.stop();
  }
}

const limitsOf = ({ headers }: Reply) => ['Limit', 'Remaining', 'Reset'].map((name) => headers.get(`X-RateLimit-${name}`));

async function get(client: Client, times: number): Promise<Reply[]> {
  const replies: Reply[] = [];
  for (let sent = 0; sent < times; sent += 1) replies.push(await client.get('/contacts'));
  return replies;
}

test('headers speak of the hour, count down, and say when it ends', async () => {
  await withLimits({ RATE_LIMIT_PER_HOUR: '1000', RATE_LIMIT_PER_MINUTE: '100' }, async (service) => {
    const client = service.client();
    const [first, second] = await get(client, 2);
    expect(limitsOf(first as Reply)).toEqual(['1000', '999', expect.stringMatching(/^\d+$/)]);
    expect(limitsOf(second as Reply).slice(0, 2)).toEqual(['1000', '998']);
    const reset = Number(first?.headers.get('X-RateLimit-Reset')) - now();
    expect(reset).toBeGreaterThan(3_500);
    expect(reset).toBeLessThanOrEqual(3_601);
    expect(limitsOf(await service.client().get('/contacts'))[1]).toBe('999');
  });
});

test('every answer counts: errors, unknown routes, writes and 304', async () => {
  await withLimits({ RATE_LIMIT_PER_HOUR: '50' }, async (service) => {
    const client = service.client();
    const { body, headers } = await client.post('/contacts', { name: 'x' });
    const ETag = headers.get('ETag') ?? '';
    const replies = [
      await client.get(`/contacts/${body.id}`, { 'If-None-Match': ETag }),
      await client.get('/contacts/nobody'),
      await client.get('/nowhere'),
      await client.delete('/contacts'),
      await client.post('/contacts', '{'),
      await client.delete(`/contacts/${body.id}`),
    ];
    expect(replies.map(({ status }) => status)).toEqual([304, 404, 404, 405, 400, 204]);
    expect(replies.map((reply) => limitsOf(reply)[1])).toEqual(['48', '47', '46', '45', '44', '43']);
  });
});

test('beyond the hour’s share: 429 with the headers and Retry-After, and nothing is done', async () => {
  await withLimits({ RATE_LIMIT_PER_HOUR: '3' }, async (service) => {
    const organization = 'org_many';
    const client = service.client(organization);
    await get(client, 3);
    for (const reply of [await client.get('/contacts'), await client.post('/contacts', { name: 'x' }), await service.client(organization, { sub: 'another' }).get('/contacts')]) {
      expectError(reply, 429, 'RATE_LIMIT_EXCEEDED', []);
      expect(limitsOf(reply)).toEqual(['3', '0', expect.stringMatching(/^\d+$/)]);
      const retryAfter = Number(reply.headers.get('Retry-After'));
      expect(retryAfter).toBeGreaterThan(3_500);
      expect(retryAfter).toBeLessThanOrEqual(3_600);
    }
    expect((await service.client().get('/contacts')).status).toBe(200);
    expect((await fetch(`${service.origin}/health/live`)).status).toBe(200);
  });
});

test('a burst beyond the minute’s share: 429 within the hour, which is not charged for it', async () => {
  await withLimits({ RATE_LIMIT_PER_HOUR: '1000', RATE_LIMIT_PER_MINUTE: '5' }, async (service) => {
    const client = service.client();
    const replies = await Promise.all(Array.from({ length: 8 }, () => client.get('/contacts')));
    const refused = replies.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(3);
    for (const reply of refused) {
      expectError(reply, 429, 'RATE_LIMIT_EXCEEDED', []);
      expect(limitsOf(reply).slice(0, 2)).toEqual(['1000', '995']);
      const retryAfter = Number(reply.headers.get('Retry-After'));
      expect(retryAfter).toBeGreaterThanOrEqual(1);
      expect(retryAfter).toBeLessThanOrEqual(60);
    }
  });
});

test('0 is off, each on its own', async () => {
  await withLimits({ RATE_LIMIT_PER_HOUR: '0', RATE_LIMIT_PER_MINUTE: '0' }, async (service) => {
    expect(limitsOf(await service.client().get('/contacts'))).toEqual([null, null, null]);
  });
  await withLimits({ RATE_LIMIT_PER_HOUR: '0', RATE_LIMIT_PER_MINUTE: '2' }, async (service) => {
    const [, second, third] = await get(service.client(), 3);
    expect(limitsOf(second as Reply)).toEqual([null, null, null]);
    expect(third?.status).toBe(429);
    expect(limitsOf(third as Reply)).toEqual([null, null, null]);
  });
});

test('counts survive a restart', async () => {
  const limits = { RATE_LIMIT_PER_HOUR: '10', RATE_LIMIT_PER_MINUTE: '4' };
  const organization = 'org_restart';
  let folder = '';
  let reset: string | null | undefined;
  await withLimits(limits, async (service) => {
    folder = service.dataDir;
    reset = limitsOf((await get(service.client(organization), 3))[2] as Reply)[2];
  });
  await withLimits(limits, async (service) => {
    const [fourth, fifth] = await get(service.client(organization), 2);
    expect(limitsOf(fourth as Reply).slice(0, 2)).toEqual(['10', '6']);
    expect(Math.abs(Number(limitsOf(fourth as Reply)[2]) - Number(reset))).toBeLessThanOrEqual(1);
    expect(fifth?.status).toBe(429);
  }, folder);
});

test('a restart counts what was spent, not what was set aside to be spent', async () => {
  const limits = { RATE_LIMIT_PER_HOUR: '1000', RATE_LIMIT_PER_MINUTE: '0' };
  const organization = 'org_blocks';
  let folder = '';
  await withLimits(limits, async (service) => {
    folder = service.dataDir;
    await get(service.client(organization), 3);
  });
  await withLimits(limits, async (service) => {
    expect(limitsOf((await get(service.client(organization), 1))[0] as Reply).slice(0, 2)).toEqual(['1000', '996']);
  }, folder);
});

const failing = (service: TestService, headers: Record<string, string> = {}) =>
  fetch(`${service.origin}/api/v1/contacts`, { headers: { Authorization: 'Bearer nonsense', ...headers } }).then(({ status, headers }) => ({
    status,
    retryAfter: headers.get('Retry-After'),
  }));

test('failed authentications are limited by address, good ones are not', async () => {
  await withLimits({ RATE_LIMIT_PER_HOUR: '1000', AUTH_FAILURES_PER_MINUTE: '3' }, async (service) => {
    for (let tried = 0; tried < 3; tried += 1) expect((await failing(service)).status).toBe(401);
    const refused = await failing(service);
    expect(refused).toEqual({ status: 429, retryAfter: expect.stringMatching(/^\d+$/) });
    expect((await service.client().get('/contacts')).status).toBe(200);
    // A header anybody can send is no address.
    expect((await failing(service, { 'X-Forwarded-For': '192.0.2.1' })).status).toBe(429);
  });
});

test('behind a proxy that is trusted, the address is the one it says', async () => {
  await withLimits({ RATE_LIMIT_PER_HOUR: '1000', AUTH_FAILURES_PER_MINUTE: '1', TRUST_PROXY: 'true' }, async (service) => {
    const statuses: number[] = [];
    for (const address of ['192.0.2.1', '192.0.2.1', '192.0.2.2']) statuses.push((await failing(service, { 'X-Forwarded-For': address })).status);
    expect(statuses).toEqual([401, 429, 401]);
  });
});

test('what a client writes before the address that the proxy adds is not believed', async () => {
  await withLimits({ RATE_LIMIT_PER_HOUR: '1000', AUTH_FAILURES_PER_MINUTE: '1', TRUST_PROXY: 'true' }, async (service) => {
    const statuses: number[] = [];
    for (const forged of ['198.51.100.1', '198.51.100.2', '198.51.100.3, 198.51.100.4']) {
      statuses.push((await failing(service, { 'X-Forwarded-For': `${forged}, 192.0.2.1` })).status);
    }
    expect(statuses).toEqual([401, 429, 429]);
  });
});

test.each<Record<string, string>>([
  { AUTH_FAILURES_PER_MINUTE: '0', RATE_LIMIT_PER_HOUR: '1000' },
  { AUTH_FAILURES_PER_MINUTE: '1', RATE_LIMIT_PER_HOUR: '0', RATE_LIMIT_PER_MINUTE: '0' },
])('with %j failed authentications are not limited', async (environment) => {
  await withLimits(environment, async (service) => {
    for (let tried = 0; tried < 5; tried += 1) expect((await failing(service)).status).toBe(401);
  });
});

test('who says org_id has the same limit as who says organizationId', async () => {
  await withLimits({ RATE_LIMIT_PER_HOUR: '1' }, async (service) => {
    const send = (claims: object) => fetch(`${service.origin}/api/v1/contacts`, { headers: { Authorization: `Bearer ${hs256(claims)}` } });
    const { organizationId, ...rest } = goodClaims();
    expect((await send({ organizationId, ...rest })).status).toBe(200);
    expect((await send({ org_id: organizationId, ...rest })).status).toBe(429);
  });
});
