// A host with events to project, in a folder of its own, and what its read models hold.

import { randomUUID } from 'node:crypto';
import Sqlite from 'libsql';
import { join } from 'node:path';
import { readSettings } from '../../src/config.js';
import { openHost } from '../../src/host.js';
import type { DomainEvent } from '../../src/domain/events/registry.js';
import { emptyFields, type EntityFields } from '../../src/domain/entity.js';
import { companyStream, contactStream } from '../../src/domain/streams.js';
import type { Host } from '../../src/operations/operation.js';
import type { RecordedEvent } from '../../src/ports/eventStore.js';
import type { StoredDocument } from '../../src/ports/readStore.js';
import { projections } from '../../src/projections/project.js';
import { canonical, documentKey } from './fold.js';
import { testEnvironment } from './service.js';

/** Opens the data of `dataDir` as the service does. */
export const openTestHost = (dataDir: string): Promise<Host> => openHost(readSettings({ ...testEnvironment, DATA_DIR: dataDir }));

let seconds = 0;

/** Commits one event to its aggregate's stream, which stands at `revision` (-1: it does not exist). */
export async function commit({ events }: Pick<Host, 'events'>, organizationId: string, revision: number, event: DomainEvent): Promise<void> {
  const data = event.data as { contactId?: string; companyId?: string };
  const stream = event.type.startsWith('Contact') || data.companyId === undefined
    ? contactStream(organizationId, data.contactId ?? '')
    : companyStream(organizationId, data.companyId);
  const occurredAt = new Date(Date.parse('2026-03-01T10:00:00Z') + (seconds += 1) * 1_000).toISOString();
  const requestId = randomUUID();
  const metadata = { organizationId, actor: { sub: 'tester' }, requestId, correlationId: requestId, causationId: null, occurredAt, schemaVersion: 1 };
  const result = await events.commit(stream, revision === -1 ? 'none' : revision, [{ ...event, id: randomUUID(), metadata }]);
  if (result.outcome !== 'appended') throw new Error(`${stream} is not at ${revision}`);
}

export const created = (id: string, fields: Partial<EntityFields> = {}): DomainEvent => ({
  type: 'ContactCreated',
  data: { contactId: id, contact: { ...emptyFields('Somebody'), ...fields } },
});

/** Commits the creation of contacts with these ids. */
export async function createContacts(host: Host, organizationId: string, ids: readonly string[]): Promise<void> {
  await Promise.all(ids.map((id, n) => commit(host, organizationId, -1, created(id, { name: `Contact ${n}`, email: `c${n}@example.com` }))));
}

/** Every document that reads see. */
export async function liveDocuments({ platform: { projectionStore } }: Host): Promise<StoredDocument[]> {
  const all: StoredDocument[] = [];
  for (const { name } of projections) {
    const live = await projectionStore.live(name);
    for (let page: StoredDocument[] = []; ; ) {
      page = await projectionStore.documents(name, live?.number ?? 0, page.at(-1) ?? null, 500);
      all.push(...page);
      if (page.length < 500) break;
    }
  }
  return all;
}

/** What reads see, by kind, organization and id, as JSON with sorted keys; what is deleted left out. */
export async function canonicalDocuments(host: Host): Promise<Map<string, string>> {
  const stored = (await liveDocuments(host)).flatMap(({ organizationId, id, document }): [string, string][] => {
    if (document === null) return [];
    return [[documentKey(document.entityTypes[0] === 'Contact' ? 'contacts' : 'companies', organizationId, id), canonical(document)]];
  });
  return new Map(stored);
}

/** Every event of the log, in order. */
export async function allEvents({ platform, events }: Host): Promise<RecordedEvent[]> {
  const { events: stored } = await platform.log.readAll(null, 1_000_000);
  return events.open(stored);
}

/** Runs SQL on the file of an embedded store, behind the back of whoever has it open. */
export function inStore<Result>(dataDir: string, task: (file: Sqlite.Database) => Result): Result {
  const file = new Sqlite(join(dataDir, 'contacts.sqlite'));
  try {
    return task(file);
  } finally {
    file.close();
  }
}

/** Appends an event that no version can read to a stream of a store that is closed; returns its position. */
export function plantUnreadable(dataDir: string, stream: string, type = 'ContactTransmogrified'): string {
  return inStore(dataDir, (file) => {
    const next = file.prepare('SELECT max(position) + 1 AS position, (SELECT max(revision) + 1 FROM events WHERE stream = ?1) AS revision FROM events').get([stream]) as {
      position: number;
      revision: number | null;
    };
    const insert = file.prepare(`INSERT INTO events (position, stream, revision, id, type, data, metadata)
      SELECT ?, ?, ?, ?, ?, '{"secret":"of a person"}', metadata FROM events ORDER BY position DESC LIMIT 1`);
    insert.run([next.position, stream, next.revision ?? 0, randomUUID(), type]);
    return String(next.position);
  });
}
