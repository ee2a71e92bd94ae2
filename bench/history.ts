// Reading a long history over HTTP, beside reading the contact itself.

import { median, type Bench } from './support/figures.js';
import { expectOnly, load, sideBySide, type LoadResult } from './support/load.js';
import { scratchFolder, startService, tokenFor } from './support/processes.js';

const CONNECTIONS = 64;
const SECONDS = 3;
const ROUNDS = 3;
const EVENTS = 100;

const headers = { Authorization: `Bearer ${tokenFor('org_bench')}`, 'Content-Type': 'application/json' };
const rates = (results: readonly LoadResult[]) => median(results.map(({ rate }) => rate));

async function send(origin: string, method: string, path: string, body: unknown): Promise<{ id: string }> {
  const answer = await fetch(`${origin}/api/v1${path}`, { method, headers, body: JSON.stringify(body) });
  return (await answer.json()) as { id: string };
}

const history: Bench = {
  name: 'history',
  about: `GET /contacts/{id}/history of ${EVENTS} events, ${CONNECTIONS} connections`,
  run: async () => {
    const service = await startService(scratchFolder());
    const { id } = await send(service.origin, 'POST', '/contacts', { name: 'John Smith', email: 'john.smith@acme.com', metadata: { title: 'Sales Director' } });
    for (let n = 1; n < EVENTS; n += 1) await send(service.origin, 'PUT', `/contacts/${id}`, { metadata: { title: `Director ${n}` } });
    const read = async (path: string) => expectOnly(await load({ server: service, path, headers, connections: CONNECTIONS, seconds: SECONDS }), 200);
    const [long, one] = await sideBySide(
      ROUNDS,
      () => read(`/api/v1/contacts/${id}/history`),
      () => read(`/api/v1/contacts/${id}`),
    );
    await service.stop();
    const ratio = median(long.map(({ rate }, round) => rate / (one[round]?.rate ?? Number.NaN)));
    return [
      { name: `GET of a history of ${EVENTS} events`, value: rates(long), unit: '/s' },
      { name: 'GET /contacts/{id} in the same run', value: rates(one), unit: '/s' },
      { name: 'GET of a history of GET of the contact', value: ratio, unit: 'ratio', asked: { atLeast: 0.3 } },
    ];
  },
};

export const historyBenches: readonly Bench[] = [history];
