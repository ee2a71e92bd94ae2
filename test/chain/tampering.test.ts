// Whatever is done to stored events shows, and what it was done to is named.

import { beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type Sqlite from 'libsql';
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { FIRST_HASH, linkHash } from '../../src/chain/links.js';
import { HeadKeys } from '../../src/chain/headKeys.js';
import { HeadSigner } from '../../src/chain/headSigner.js';
import type { ChainEnd, SignedHead } from '../../src/ports/chainStore.js';
import type { StoredEvent } from '../../src/ports/eventLog.js';
import { runCommand } from '../support/command.js';
import { temporaryFolder } from '../support/folder.js';
import { ENCRYPTION_KEY } from '../support/service.js';
import { audit, chainAll, copyOf, openTestHost } from './folders.js';

interface Row {
  position: number;
  stream: string;
  revision: number;
  id: string;
  type: string;
  data: string;
  metadata: string;
}

const dataDir = temporaryFolder();
let rows: Row[];
let newest: SignedHead;

const rowsOf = (file: Sqlite.Database) => file.prepare('SELECT * FROM events ORDER BY position').all([]) as Row[];
const set = (file: Sqlite.Database, position: number, column: string, value: string | number) =>
  file.prepare(`UPDATE events SET "${column}" = ? WHERE position = ?`).run([value, position]);
/** Moves the events after a position by one place. */
const shift = (file: Sqlite.Database, after: number, by: 1 | -1) => {
  file.prepare('UPDATE events SET position = -position WHERE position > ?').run([after]);
  file.prepare('UPDATE events SET position = -position + ? WHERE position < 0').run([by]);
};

beforeAll(async () => {
  for (const organization of ['acme', 'other']) await runCommand(dataDir, ['seed', '--org', organization, '--contacts', '12']);
  const host = await openTestHost(dataDir);
  await chainAll(host);
  const end = await host.platform.log.last('audit-acme-head');
  newest = { organizationId: 'acme', ...(end?.data as unknown as Omit<SignedHead, 'organizationId'>) };
  await host.platform.close();
  copyOf(dataDir, (file) => (rows = rowsOf(file)));
});

test('what was left alone verifies, by itself and by a head that was kept', async () => {
  expect(rows.length).toBeGreaterThan(30);
  expect(await audit(copyOf(dataDir), { outside: newest })).toMatchObject({ events: rows.length, organizations: 2, waiting: 0, unknownHeads: 0, finding: null });
  expect((await audit(copyOf(dataDir))).heads).toBeGreaterThan(1);
});

test('any byte of any field of any event shows when it changes, and the event is named', async () => {
  const columns = ['stream', 'id', 'type', 'data', 'metadata'] as const;
  const byte = fc.record({ row: fc.nat(), column: fc.constantFrom(...columns), at: fc.nat(), flip: fc.integer({ min: 0, max: 6 }) });
  await fc.assert(
    fc.asyncProperty(byte, async ({ row: n, column, at, flip }) => {
      const row = rows[n % rows.length] as Row;
      const bytes = Buffer.from(row[column]);
      bytes[at % bytes.length] = (bytes[at % bytes.length] as number) ^ (1 << flip);
      const copy = copyOf(dataDir, (file) => set(file, row.position, column, bytes.toString('latin1')));
      const { finding } = await audit(copy);
      expect(finding).toMatchObject({ kind: 'changed', position: String(row.position) });
    }),
    { numRuns: 60 },
  );
}, 120_000);

test('each bit of a sealed box counts, and a revision', async () => {
  const row = rows.find(({ data }) => data.includes('"box"')) as Row;
  const data = JSON.parse(row.data) as { personal: { box: string } };
  const box = Buffer.from(data.personal.box, 'base64');
  for (const at of [0, 12, box.length - 1]) {
    const flipped = Buffer.from(box);
    flipped[at] = (flipped[at] as number) ^ 1;
    const changed = JSON.stringify({ ...data, personal: { ...data.personal, box: flipped.toString('base64') } });
    expect(await audit(copyOf(dataDir, (file) => set(file, row.position, 'data', changed)))).toMatchObject({ finding: { kind: 'changed', eventId: row.id } });
  }
  expect(await audit(copyOf(dataDir, (file) => set(file, row.position, 'revision', row.revision + 1)))).toMatchObject({ finding: { kind: 'changed', eventId: row.id } });
});

describe('an event that is', () => {
  const at = 7;
  const drop = (file: Sqlite.Database) => file.prepare('DELETE FROM events WHERE position = ?').run([at]);
  const add = (file: Sqlite.Database, position: number) =>
    file.prepare('INSERT INTO events SELECT ?, stream, revision + 1, ?, type, data, metadata FROM events WHERE position = 2').run([position, 'an id of its own']);
  const swap = (file: Sqlite.Database, one: number, other: number) => {
    for (const [from, to] of [[one, 0], [other, one], [0, other]]) file.prepare('UPDATE events SET position = ? WHERE position = ?').run([to as number, from as number]);
  };

  test.each([
    ['dropped', 'dropped', drop, at],
    ['dropped, the gap closed', 'dropped', (file: Sqlite.Database) => (drop(file), shift(file, at, -1)), at],
    ['swapped with the next', 'moved', (file: Sqlite.Database) => swap(file, at, at + 1), at + 1],
    ['swapped with one far away', 'moved', (file: Sqlite.Database) => swap(file, at, 29), 29],
  ])('%s', async (_name, kind, tamper, named) => {
    const { finding } = await audit(copyOf(dataDir, tamper));
    expect(finding).toMatchObject({ kind, eventId: (rows[named - 1] as Row).id });
  });

  test('added, in the middle or at the end, though no head covers it', async () => {
    const middle = await audit(copyOf(dataDir, (file) => (shift(file, at, 1), add(file, at + 1))));
    expect(middle.finding).toMatchObject({ kind: 'added', position: String(at + 1), eventId: 'an id of its own' });
    const end = await audit(copyOf(dataDir, (file) => add(file, rows.length + 1)));
    expect(end.finding).toMatchObject({ kind: 'added', position: String(rows.length + 1), eventId: 'an id of its own' });
  });
});

test('a tail cut off with its links is told by them, and without them by a head that was kept, through the command', async () => {
  const cut = rows.length - 8;
  const events = copyOf(dataDir, (file) => file.prepare('DELETE FROM events WHERE position > ?').run([cut]));
  expect((await audit(events)).finding).toMatchObject({ kind: 'dropped', eventId: (rows[cut] as Row).id });
  const first = copyOf(dataDir, (file) => file.exec('DELETE FROM events; DELETE FROM chain_links; DELETE FROM chains; DELETE FROM checkpoints; DELETE FROM generations; DELETE FROM documents; DELETE FROM collection_counts; DELETE FROM collections; DELETE FROM tombstones'));
  expect((await audit(first)).finding).toBeNull();
  expect((await audit(first, { outside: newest })).finding).toMatchObject({ kind: 'dropped', organizationId: 'acme', sequence: 1 });
  const kept = join(temporaryFolder(), 'head.json');
  writeFileSync(kept, JSON.stringify({ ...newest, publicKey: null }));
  expect(await runCommand(first, ['verify', '--audit'])).toMatchObject({ code: 0 });
  expect(await runCommand(first, ['verify', '--audit', '--head', kept])).toMatchObject({ code: 1, out: expect.stringMatching(/^dropped: organization "acme", sequence 1: the given head vouches for/) });
  writeFileSync(kept, JSON.stringify({ ...newest, sequence: 1 }));
  expect(await runCommand(copyOf(dataDir), ['verify', '--audit', '--head', kept])).toMatchObject({ code: 1, out: expect.stringContaining('not signed') });
});

describe('links made anew by somebody who has no key', () => {
  /** Changes an event, and every link and end after it as if it had been so from the first. */
  const forge = (file: Sqlite.Database, heads: 'left' | 'changed' = 'left') => {
    set(file, 3, 'type', 'ContactDeleted');
    const chains = new Map<string, { sequence: number; hash: string }>();
    for (const row of rowsOf(file)) {
      const metadata = JSON.parse(row.metadata) as StoredEvent['metadata'];
      const known = chains.get(metadata.organizationId) ?? { sequence: 0, hash: FIRST_HASH };
      let data = JSON.parse(row.data) as Record<string, unknown>;
      if (row.type === 'AuditHeadSigned' && heads === 'changed') {
        const of = 'SELECT l.hash FROM chain_links l JOIN chains c ON c.number = l.chain WHERE c.organization = ? AND l.sequence = ?';
        data = { ...data, hash: Buffer.from((file.prepare(of).get([metadata.organizationId, Number(data.sequence)]) as { hash: Buffer }).hash).toString('hex') };
        set(file, row.position, 'data', JSON.stringify(data));
      }
      const sequence = known.sequence + 1;
      const hash = linkHash(known.hash, sequence, { ...row, position: String(row.position), data: data as StoredEvent['data'], metadata });
      chains.set(metadata.organizationId, { sequence, hash });
      file.prepare('UPDATE chain_links SET hash = ? WHERE number = ?').run([Buffer.from(hash, 'hex'), row.position]);
      file.prepare('UPDATE chains SET hash = ? WHERE organization = ?').run([Buffer.from(hash, 'hex'), metadata.organizationId]);
    }
  };

  test('are told by the first head in the log', async () => {
    expect((await audit(copyOf(dataDir, (file) => forge(file)))).finding).toMatchObject({ kind: 'forged', note: expect.stringContaining('the head at position') });
  });

  test('and by its signature, when the heads are made to fit', async () => {
    expect((await audit(copyOf(dataDir, (file) => forge(file, 'changed')))).finding).toMatchObject({ kind: 'forged', note: 'its signature is not right' });
  });

  test('and by the end of the chain, where no head was signed yet', async () => {
    const young = temporaryFolder();
    await runCommand(young, ['seed', '--org', 'acme', '--contacts', '5']);
    const host = await openTestHost(young);
    await chainAll(host, { headEvery: { events: 1_000_000, ms: 1 } }).catch(() => undefined);
    await host.platform.close();
    const headless = copyOf(young, (file) => {
      const first = file.prepare("SELECT min(position) AS head FROM events WHERE type = 'AuditHeadSigned'").get([]) as { head: number };
      for (const table of ['events', 'chain_links']) file.prepare(`DELETE FROM ${table} WHERE ${table === 'events' ? 'position' : 'number'} >= ?`).run([first.head]);
      file.prepare('UPDATE chains SET sequence = ?').run([first.head - 1]);
      file.prepare("UPDATE checkpoints SET position = ? WHERE subscriber = 'audit'").run([first.head - 1]);
      forge(file);
    });
    expect((await audit(headless)).finding).toMatchObject({ kind: 'forged', note: 'the end of its chain has no right signature' });
  });

  test('are not signed by the service that goes on from them', async () => {
    const forged = copyOf(dataDir, (file) => {
      forge(file, 'changed');
      // The service appends by it.
      file.exec('CREATE UNIQUE INDEX events_by_stream ON events (stream, revision)');
    });
    expect(await runCommand(forged, ['seed', '--org', 'acme', '--contacts', '3', '--seed', '5'])).toMatchObject({ code: 0 });
    const { platform, events, clock, ids } = await openTestHost(forged);
    const [head, end] = [await platform.log.last('audit-acme-head'), await platform.chain.end('acme')];
    expect(end).toMatchObject({ sequence: expect.any(Number), signature: '' });
    await new HeadSigner({ log: platform.log, events, keys: new HeadKeys([ENCRYPTION_KEY]), clock, ids }).append(end as ChainEnd);
    expect(await platform.log.last('audit-acme-head')).toEqual(head);
    await platform.close();
    expect((await audit(forged)).finding).toMatchObject({ kind: 'forged' });
  });
});

test('another key verifies nothing of it', async () => {
  const other = Buffer.alloc(32, 9).toString('base64');
  expect((await audit(copyOf(dataDir), { keys: [other] })).finding).toMatchObject({ kind: 'forged' });
  expect(await audit(copyOf(dataDir), { keys: [other, ENCRYPTION_KEY] })).toMatchObject({ finding: null, unknownHeads: 0 });
});
