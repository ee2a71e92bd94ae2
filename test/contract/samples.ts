// What the contract suites put into the ports: events, documents and the changes that make them.

import { randomUUID } from 'node:crypto';
import { emptyFields, type EntityChanges, type EntityFields, type Metadata, type Status } from '../../src/domain/entity.js';
import type { EventMetadata } from '../../src/domain/events/metadata.js';
import type { DomainEvent } from '../../src/domain/events/registry.js';
import { companyStream, contactStream } from '../../src/domain/streams.js';
import type { NewStoredEvent, Position } from '../../src/ports/eventLog.js';
import type { RecordedEvent } from '../../src/ports/eventStore.js';
import type { Change, Projection, ProjectionName } from '../../src/ports/projection.js';
import type { Generation, ProjectionStore, ReadStore } from '../../src/ports/readStore.js';
import { bySubject, changeOf, projections } from '../../src/projections/project.js';

export const NOW = '2026-03-01T10:00:00.000Z';

export const eventMetadata = (organizationId = 'acme', occurredAt = NOW): EventMetadata => ({
  organizationId,
  actor: { sub: 'tester' },
  requestId: 'request',
  correlationId: 'correlation',
  causationId: null,
  occurredAt,
  schemaVersion: 1,
});

/** An event for a log, with an id of its own. */
export function storedEvent(data: NewStoredEvent['data'] = {}, id: string = randomUUID()): NewStoredEvent {
  return { id, type: 'ContactDeleted', data, metadata: eventMetadata() };
}

export const storedEvents = (count: number): NewStoredEvent[] => Array.from({ length: count }, (_, n) => storedEvent({ n }));

/** Everything that batches hold, in one list. */
export async function all<Item>(batches: AsyncIterable<Item[]>): Promise<Item[]> {
  const items: Item[] = [];
  for await (const batch of batches) items.push(...batch);
  return items;
}

export interface OpenedStore {
  readStore: ReadStore;
  projectionStore: ProjectionStore;
  /** The n-th position of the log that the store goes with, from 1. */
  position(n: number): Position;
  close(): Promise<void>;
}

/** What is said of an entity in a test; all else is empty. */
export type Said = Partial<Omit<EntityFields, 'metadata'>> & { metadata?: Partial<Metadata> };

export const fieldsOf = ({ metadata, ...said }: Said): EntityFields => {
  const empty = emptyFields(said.name ?? 'Nameless');
  return { ...empty, ...said, metadata: { ...empty.metadata, ...metadata } };
};

/** Tells a store what happened, event by event, through the projections of the service. */
export class Story {
  private position = 0;
  private readonly revisions = new Map<string, number>();

  private constructor(public store: OpenedStore) {}

  /** A story from its beginning: nothing is projected as yet. */
  static async begin(store: OpenedStore): Promise<Story> {
    for (const { name, version } of projections) {
      const { number } = await store.projectionStore.build(name, version);
      const live = await store.projectionStore.switchTo(name, number, true);
      if (!live) throw new Error(`generation ${number} of ${name} is not live`);
    }
    return new Story(store);
  }

  contact = (organizationId: string, id: string, said: Said = {}, at = NOW) =>
    this.event(organizationId, { type: 'ContactCreated', data: { contactId: id, contact: fieldsOf(said) } }, at);

  contactChanges = (organizationId: string, id: string, changes: EntityChanges, at = NOW) =>
    this.event(organizationId, { type: 'ContactUpdated', data: { contactId: id, changes } }, at);

  contactStatus = (organizationId: string, id: string, to: Status, at = NOW) =>
    this.event(organizationId, { type: 'ContactStatusChanged', data: { contactId: id, from: 'active', to } }, at);

  contactGone = (organizationId: string, id: string) =>
    this.event(organizationId, { type: 'ContactDeleted', data: { contactId: id } });

  company = (organizationId: string, id: string, said: Said = {}, at = NOW) =>
    this.event(
      organizationId,
      { type: 'CompanyCreated', data: { companyId: id, company: { ...fieldsOf(said), entityTypes: ['Company'] } } },
      at,
    );

  companyGone = (organizationId: string, id: string) =>
    this.event(organizationId, { type: 'CompanyDeleted', data: { companyId: id } });

  primary = (organizationId: string, companyId: string, contactId: string) =>
    this.event(organizationId, { type: 'PrimarySet', data: { companyId, contactId, previousContactId: null } });

  noPrimary = (organizationId: string, companyId: string, contactId: string) =>
    this.event(organizationId, { type: 'PrimaryCleared', data: { companyId, contactId } });

  /** One more event of its stream, not projected as yet. */
  event(organizationId: string, event: DomainEvent, at = NOW): RecordedEvent {
    const data = event.data as { contactId?: string; companyId?: string };
    const isCompany = data.companyId !== undefined;
    const stream = isCompany ? companyStream(organizationId, data.companyId ?? '') : contactStream(organizationId, data.contactId ?? '');
    const revision = (this.revisions.get(stream) ?? -1) + 1;
    this.revisions.set(stream, revision);
    this.position += 1;
    const position = this.store.position(this.position);
    return { ...event, id: `${stream}@${revision}`, stream, revision, position, metadata: eventMetadata(organizationId, at) };
  }

  /** Projects events into what reads see; returns the changes made for each projection. */
  async tell(...events: RecordedEvent[]): Promise<Record<ProjectionName, Change[]>> {
    const told: Record<ProjectionName, Change[]> = { contacts: [], companies: [], endpoints: [] };
    for (const { name } of projections) told[name] = await this.tellTo(name, await this.live(name), ...events);
    return told;
  }

  /** Projects an event that was recorded elsewhere. */
  async tellRecorded(event: RecordedEvent): Promise<void> {
    this.position += 1;
    await this.tell(event);
  }

  /** Projects events into one generation; returns the changes made. */
  async tellTo(name: ProjectionName, { number, position: from }: Generation, ...events: RecordedEvent[]): Promise<Change[]> {
    const { projectionStore } = this.store;
    const projection = projections.find((one) => one.name === name) as Projection;
    const subjects = bySubject(projection, events);
    const known = await projectionStore.load(name, number, subjects);
    const changes = subjects.flatMap((subject, index) => changeOf(projection, subject, known[index] ?? null) ?? []);
    const applied = await projectionStore.apply(name, number, changes, from, this.store.position(this.position));
    if (!applied) throw new Error(`generation ${number} of ${name} is not at ${from}`);
    return changes;
  }

  /** Applies changes as they are to the live contacts, from where they stand. */
  async apply(...changes: Change[]): Promise<boolean> {
    const { number, position: from } = await this.live('contacts');
    this.position += 1;
    return this.store.projectionStore.apply('contacts', number, changes, from, this.store.position(this.position));
  }

  /** The generation that reads see. */
  async live(name: ProjectionName): Promise<Generation> {
    const live = await this.store.projectionStore.live(name);
    if (live === null) throw new Error(`nothing of ${name} is live`);
    return live;
  }
}
