// Given events, when projected, then documents and keys, however the events come.

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ContactEvent, DomainEvent } from '../../src/domain/events/registry.js';
import { companyStream, contactStream } from '../../src/domain/streams.js';
import type { RecordedEvent } from '../../src/ports/eventStore.js';
import type { Change, DocumentSubject, Projection, Versioned } from '../../src/ports/projection.js';
import { companiesProjection } from '../../src/projections/companies.js';
import { contactsProjection } from '../../src/projections/contacts.js';
import { bySubject, changeOf, ProjectionGapError, projections } from '../../src/projections/project.js';
import { eventMetadata, fieldsOf, NOW, type Said } from '../contract/samples.js';
import { histories } from './history.js';

/** Documents in memory: applies changes as a store does. */
class Documents {
  readonly all = new Map<string, Versioned & { keys: unknown }>();

  constructor(private readonly projection: Projection) {}

  /** Projects a batch; returns its changes. */
  project(events: readonly RecordedEvent[]): Change[] {
    const subjects = bySubject(this.projection, events);
    const changes = subjects.flatMap((subject) => changeOf(this.projection, subject, this.all.get(keyOf(subject)) ?? null) ?? []);
    for (const change of changes) {
      const document = change.type === 'put' ? change.document : null;
      this.all.set(keyOf(change), { revision: change.to, document, keys: change.type === 'put' ? change.keys : null });
    }
    return changes;
  }
}

const keyOf = ({ organizationId, id }: DocumentSubject) => `${organizationId} ${id}`;

/** The events of one stream, from `revision` on. */
const recorded = (stream: string, events: readonly DomainEvent[], revision = 0): RecordedEvent[] =>
  events.map((event, index) => {
    const metadata = eventMetadata('acme', new Date(Date.parse(NOW) + (revision + index) * 1_000).toISOString());
    return { ...event, id: `e${revision + index}`, stream, revision: revision + index, position: String(revision + index + 1), metadata };
  });

const ada = contactStream('acme', 'ada');
const created = (said: Said = {}): ContactEvent => ({ type: 'ContactCreated', data: { contactId: 'ada', contact: fieldsOf({ name: 'Ada', ...said }) } });
const noted = (notes: string): ContactEvent => ({ type: 'ContactUpdated', data: { contactId: 'ada', changes: { notes } } });
const deleted: ContactEvent = { type: 'ContactDeleted', data: { contactId: 'ada' } };
const restored: ContactEvent = { type: 'ContactRestored', data: { contactId: 'ada', contact: fieldsOf({ name: 'Ada again' }), createdAt: NOW } };

describe('contacts', () => {
  const changesOf = (...events: ContactEvent[]) => new Documents(contactsProjection).project(recorded(ada, events));

  test('of events that come together make one change, with all that the contact is found by', () => {
    const said = { name: 'Zoë', email: 'Z@x.example', phone: '+44 (20)', metadata: { department: 'Étude', reportsTo: 'boss', preferredContactMethod: 'phone' as const } };
    const [change, ...more] = changesOf(created(said), noted('x'));
    expect(more).toEqual([]);
    expect(change).toMatchObject({
      type: 'put',
      organizationId: 'acme',
      id: 'ada',
      from: -1,
      to: 1,
      document: { id: 'ada', name: 'Zoë', notes: 'x', createdAt: NOW, updatedAt: '2026-03-01T10:00:01.000Z' },
      keys: { sortName: 'zoe', searchable: 'zoe\nz@x.example\n+44 (20)\n４４２０', department: 'etude', contactMethod: 'phone', managerId: 'boss' },
    });
  });

  test('that are deleted or erased leave a tombstone, and come back when restored', () => {
    expect(changesOf(created(), deleted)).toMatchObject([{ type: 'remove', organizationId: 'acme', id: 'ada', from: -1, to: 1, history: [{ type: 'ContactCreated', changes: 'first version', superseded: null }, { type: 'ContactDeleted', changes: [], superseded: { revision: 0 } }] }]);
    expect(changesOf(created(), { type: 'ContactErased', data: { contactId: 'ada', reason: 'asked' } })).toMatchObject([{ type: 'remove', to: 1 }]);
    expect(changesOf(created(), deleted, restored)).toMatchObject([{ type: 'put', to: 2, document: { name: 'Ada again' } }]);
  });

  test('move by a fence to its revision and change by nothing else', () => {
    const documents = new Documents(contactsProjection);
    const [before] = documents.project(recorded(ada, [created()]));
    const [after] = documents.project(recorded(ada, [{ type: 'ReportingLineFenced', data: { contactId: 'ada' } }], 1));
    expect(after).toEqual({ ...before, from: 0, to: 1, history: [] });
  });

  test('are not concerned by events of companies', () => {
    const company: DomainEvent = { type: 'CompanyDeleted', data: { companyId: 'ada' } };
    expect(new Documents(contactsProjection).project(recorded(companyStream('acme', 'ada'), [company]))).toEqual([]);
  });
});

test('companies show their primary contact and are found by name, and by no key that only contacts have', () => {
  const company = { ...fieldsOf({ name: 'ÉCOLE', metadata: { department: 'x', reportsTo: 'y' } }), entityTypes: ['Company'] };
  const events: DomainEvent[] = [
    { type: 'CompanyCreated', data: { companyId: 'c', company } },
    { type: 'PrimarySet', data: { companyId: 'c', contactId: 'ada', previousContactId: null } },
  ];
  expect(new Documents(companiesProjection).project(recorded(companyStream('acme', 'c'), events))).toMatchObject([
    { type: 'put', to: 1, document: { primaryContactId: 'ada' }, keys: { sortName: 'ecole', department: null, contactMethod: null, managerId: null } },
  ]);
});

describe('events seen before', () => {
  test('change nothing, alone or among new ones, also after a deletion', () => {
    const documents = new Documents(contactsProjection);
    const events = recorded(ada, [created(), noted('x'), deleted]);
    documents.project(events.slice(0, 2));
    expect(documents.project(events.slice(0, 2))).toEqual([]);
    expect(documents.project(events)).toMatchObject([{ type: 'remove', from: 1, to: 2 }]);
    expect(documents.project(events)).toEqual([]);
    expect(documents.project(events.slice(0, 1))).toEqual([]);
  });
});

describe('events that do not follow', () => {
  test.each([
    ['the first is missing', [1]],
    ['one between is missing', [0, 2]],
    ['they come in another order', [1, 0]],
  ])('are refused: %s', (_, order) => {
    const events = recorded(ada, [created(), noted('x'), noted('y')]);
    const given = order.map((index) => events[index] as RecordedEvent);
    expect(() => new Documents(contactsProjection).project(given)).toThrow(ProjectionGapError);
  });

  test('are refused on a document that stands before them', () => {
    const documents = new Documents(contactsProjection);
    const events = recorded(ada, [created(), noted('x'), noted('y')]);
    documents.project(events.slice(0, 1));
    expect(() => documents.project(events.slice(2))).toThrow(ProjectionGapError);
    expect(documents.project(events.slice(1))).toMatchObject([{ from: 0, to: 2 }]);
  });
});

test('any history gives the same documents event by event and in any batches, also when some are seen twice', () => {
  const sizes = fc.array(fc.record({ forward: fc.integer({ min: 1, max: 9 }), back: fc.integer({ min: 0, max: 4 }) }), { minLength: 1 });
  fc.assert(
    fc.property(histories(), sizes, (history, steps) => {
      for (const projection of projections) {
        const [single, batched] = [new Documents(projection), new Documents(projection)];
        for (const event of history.events) single.project([event]);
        for (let at = 0, turn = 0; at < history.events.length; turn += 1) {
          const { forward, back } = steps[turn % steps.length] as { forward: number; back: number };
          batched.project(history.events.slice(Math.max(0, at - back), at + forward));
          at += forward;
        }
        expect(batched.all).toEqual(single.all);
      }
    }),
    { numRuns: 300 },
  );
});

test('after any history documents are what the deciders know', () => {
  fc.assert(
    fc.property(histories(), (history) => {
      const living = history.living();
      const documentsOf = (projection: Projection) => {
        const documents = new Documents(projection);
        documents.project(history.events);
        return [...documents.all.values()].flatMap(({ document }) => document ?? []);
      };
      const byKey = <Item extends { organizationId: string; id: string }>(items: Item[]) => items.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
      expect(byKey(documentsOf(contactsProjection))).toEqual(byKey(living.contacts.flatMap((state) => (state.phase === 'live' ? state.contact : []))));
      expect(byKey(documentsOf(companiesProjection))).toEqual(byKey(living.companies.flatMap((state) => (state.phase === 'live' ? state.company : []))));
    }),
    { numRuns: 200 },
  );
});
