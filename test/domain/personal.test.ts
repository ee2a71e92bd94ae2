// Which fields are personal: taken out and put back they make the same data, and erased data still fits its schema.

import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { emptyFields, type EntityChanges, type EntityFields } from '../../src/domain/entity.js';
import { erasedPersonal, joinPersonal, joinPersonalText, splitPersonal } from '../../src/domain/events/personal.js';
import { eventSchemas, type DomainEvent } from '../../src/domain/events/registry.js';
import type { JsonObject } from '../../src/domain/json.js';

/** Occurs in every personal text and in no other. */
const SECRET = 'personal';
const secret = fc.string({ maxLength: 5 }).map((text) => SECRET + text);
const orNull = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: null });
const open = orNull(fc.constantFrom('open', 'id'));

const address = fc.record(
  Object.fromEntries(
    ['id', 'addressee', 'companyName', 'attention', 'phoneNumber', 'line1', 'line2', 'city', 'stateProvince', 'postalCode', 'countryCode'].map((name) => [name, secret]),
  ),
) as unknown as fc.Arbitrary<NonNullable<EntityFields['address']>>;
const metadata = {
  title: orNull(secret),
  department: orNull(secret),
  reportsTo: open,
  mobilePhone: orNull(secret),
  workPhone: orNull(secret),
  preferredContactMethod: orNull(fc.constantFrom('email' as const, 'phone' as const)),
};
const plain = {
  name: secret,
  ...Object.fromEntries(['displayName', 'code', 'email', 'phone', 'website', 'taxId', 'description', 'notes'].map((name) => [name, orNull(secret)])),
  address: orNull(address),
  parentEntityId: open,
  customFields: orNull(fc.dictionary(fc.string({ maxLength: 3 }), secret, { maxKeys: 3 })),
};
const wholeContact = fc.record({ ...plain, metadata: fc.record(metadata), status: fc.constant('active' as const) }) as unknown as fc.Arbitrary<EntityFields>;
const changes = fc.record({ ...plain, metadata: fc.record(metadata, { requiredKeys: [] }) }, { requiredKeys: [] }) as unknown as fc.Arbitrary<EntityChanges>;

const event: fc.Arbitrary<DomainEvent> = fc.oneof(
  wholeContact.map((contact): DomainEvent => ({ type: 'ContactCreated', data: { contactId: 'ada', contact } })),
  changes.map((said): DomainEvent => ({ type: 'ContactUpdated', data: { contactId: 'ada', changes: said } })),
  wholeContact.map((contact): DomainEvent => ({ type: 'ContactRestored', data: { contactId: 'ada', contact, createdAt: '2026-01-01T00:00:00.000Z' } })),
);

test('what is taken apart and put together again is the same, and the open part holds nothing personal', () => {
  fc.assert(
    fc.property(event, (given) => {
      const { open: rest, personal, fields } = splitPersonal(given);
      expect(joinPersonal(given.type, rest, personal ?? {})).toEqual(given.data);
      expect(JSON.stringify(rest)).not.toContain(SECRET);
      expect(fields.length === 0).toBe(JSON.stringify(personal) === '{}');
    }),
    { numRuns: 500 },
  );
});

test('put together as texts they are the very text of what is put together', () => {
  const nasty = fc.string({ unit: fc.constantFrom('"', '\\', '{', '}', '[', ',', ':', 'metadata', 'contact', 'é', '\u2028', '😀', '\ud800'), maxLength: 6 });
  const withFields = fc.tuple(event, fc.dictionary(nasty, fc.jsonValue())).map(([given, customFields]): DomainEvent => {
    const said = given.data as unknown as Record<string, JsonObject>;
    const [key = ''] = Object.keys(said).filter((name) => typeof said[name] === 'object');
    return { ...given, data: { ...said, [key]: { ...said[key], customFields, notes: JSON.stringify(customFields) } } } as unknown as DomainEvent;
  });
  fc.assert(
    fc.property(fc.oneof(event, withFields), (given) => {
      const { open: rest, personal } = splitPersonal(given);
      const whole = JSON.stringify(joinPersonal(given.type, rest, structuredClone(personal ?? {})));
      expect(joinPersonalText(given.type, JSON.stringify(rest), JSON.stringify(personal))).toBe(whole);
    }),
    { numRuns: 500 },
  );
  expect(joinPersonalText('ContactDeleted', '{"contactId":"ada"}', '{}')).toBe(null);
  expect(joinPersonalText('ContactCreated', '{"contact":{"metadata":null}}', '{"metadata":{}}')).toBe(null);
});

test('erased, each still fits its schema, holds nothing personal and keeps what is not', () => {
  fc.assert(
    fc.property(event, (given) => {
      const { open: rest, fields } = splitPersonal(given);
      const erased = joinPersonal(given.type, rest, erasedPersonal(fields));
      expect(eventSchemas[given.type].safeParse(erased).error).toBeUndefined();
      expect(JSON.stringify(erased)).not.toContain(SECRET);
      const holder = given.type === 'ContactUpdated' ? 'changes' : 'contact';
      const before = (given.data as unknown as Record<string, JsonObject>)[holder];
      const after = (erased as Record<string, JsonObject>)[holder];
      expect(Object.keys(after ?? {}).sort()).toEqual(Object.keys(before ?? {}).sort());
      expect(after?.parentEntityId).toEqual(before?.parentEntityId);
    }),
    { numRuns: 500 },
  );
});

test('events of a company and those without fields are open as a whole', () => {
  const company = { ...emptyFields('Acme'), entityTypes: ['Company'] };
  for (const given of [
    { type: 'CompanyCreated', data: { companyId: 'c', company } },
    { type: 'ContactDeleted', data: { contactId: 'ada' } },
    { type: 'ContactStatusChanged', data: { contactId: 'ada', from: 'active', to: 'inactive' } },
  ] satisfies DomainEvent[]) {
    expect(splitPersonal(given)).toEqual({ open: given.data, personal: null, fields: [] });
    expect(joinPersonal(given.type, given.data as unknown as JsonObject, {})).toEqual(given.data);
  }
});
