// What changed between two versions, and what is left of it after an erasure.

import { describe, expect, test } from '@jest/globals';
import { changesOf, eraseChanges, eraseEntity, type FieldChange } from '../../src/domain/history.js';
import type { Entity } from '../../src/domain/entity.js';
import { ERASED } from '../../src/domain/events/personal.js';
import { fieldsOf, type Said } from '../contract/samples.js';

const AT = '2026-03-01T10:00:00.000Z';
const contact = (said: Said): Entity => ({
  ...fieldsOf({ name: 'Ada', ...said }),
  id: 'ada',
  organizationId: 'acme',
  entityTypes: ['Contact'],
  primaryContactId: null,
  createdAt: AT,
  updatedAt: AT,
});
const address = { id: 'a1', addressee: null, companyName: null, attention: null, phoneNumber: null, line1: '1 Main St', line2: null, city: 'Paris', stateProvince: null, postalCode: null, countryCode: 'FR' };
const between = (before: Said, after: Said) => changesOf(contact(before), contact(after));

describe('changes of a version', () => {
  test('a first version has set every field that is not null, the status among them', () => {
    expect(changesOf(null, contact({ email: 'a@b.c', metadata: { title: 'CEO' } }))).toEqual([
      { field: 'name', from: null, to: 'Ada' },
      { field: 'email', from: null, to: 'a@b.c' },
      { field: 'metadata.title', from: null, to: 'CEO' },
      { field: 'status', from: null, to: 'active' },
    ]);
  });

  test.each<[string, Said, Said, object[]]>([
    ['nothing', { email: 'a' }, { email: 'a' }, []],
    ['a text', { email: 'a' }, { email: 'b' }, [{ field: 'email', from: 'a', to: 'b' }]],
    ['a text cleared', { phone: '1' }, {}, [{ field: 'phone', from: '1', to: null }]],
    ['metadata', { metadata: { title: 'A' } }, { metadata: { department: 'D' } }, [{ field: 'metadata.title', from: 'A', to: null }, { field: 'metadata.department', from: null, to: 'D' }]],
    ['an address, field by field', { address }, { address: { ...address, city: 'Lyon' } }, [{ field: 'address.city', from: 'Paris', to: 'Lyon' }]],
    ['an address cleared', { address }, {}, ['id', 'line1', 'city', 'countryCode'].map((name) => ({ field: `address.${name}`, from: address[name as 'city'], to: null }))],
    ['custom fields at any depth', { customFields: { a: { b: 1, c: [1] } } }, { customFields: { a: { b: 2, c: [1] }, d: {} } }, [{ field: 'customFields.a.b', from: 1, to: 2 }, { field: 'customFields.d', from: null, to: {} }]],
    ['an object in the place of a text', { customFields: { a: 'x' } }, { customFields: { a: { b: 1 } } }, [{ field: 'customFields.a', from: 'x', to: { b: 1 } }]],
    ['arrays, whole', { customFields: { a: [1, 2] } }, { customFields: { a: [2] } }, [{ field: 'customFields.a', from: [1, 2], to: [2] }]],
    ['empty custom fields', {}, { customFields: {} }, [{ field: 'customFields', from: null, to: {} }]],
    ['keys that are no harm', { customFields: JSON.parse('{"__proto__": 1}') as Said['customFields'] ?? null }, { customFields: JSON.parse('{"__proto__": 2, "a.b": 3}') as Said['customFields'] ?? null }, [{ field: 'customFields.__proto__', from: 1, to: 2 }, { field: 'customFields.a.b', from: null, to: 3 }]],
  ])('%s', (_, before, after, changes) => expect(between(before, after)).toEqual(changes));

  test('what the server sets is no change', () => {
    const later = { ...contact({}), updatedAt: '2027-01-01T00:00:00.000Z' };
    expect(changesOf(contact({}), later)).toEqual([]);
  });

  test('an erased value that an event names differs, since it did before it was erased', () => {
    const erased = contact({ phone: ERASED, email: ERASED });
    expect(changesOf(erased, erased, { phone: ERASED })).toEqual([{ field: 'phone', from: ERASED, to: ERASED }]);
  });
});

describe('erased', () => {
  test('changes say which field, never its personal value', () => {
    const before = contact({ phone: '1', customFields: { a: 1 }, metadata: { title: 'A', reportsTo: 'm' } });
    const after = contact({ email: 'e', customFields: { a: 2, b: 3 }, metadata: { title: 'B', reportsTo: null } });
    const erase = (changes: FieldChange[]) => eraseChanges(changes, eraseEntity(before), eraseEntity(after));
    const erased = erase(changesOf(before, after));
    expect(erased).toEqual([
      { field: 'email', from: null, to: ERASED },
      { field: 'phone', from: ERASED, to: null },
      { field: 'customFields', from: {}, to: {} },
      { field: 'metadata.title', from: ERASED, to: ERASED },
      { field: 'metadata.reportsTo', from: 'm', to: null },
    ]);
    expect(erase(erased)).toEqual(erased);
  });

  test('a version keeps what is not personal', () => {
    const erased = eraseEntity(contact({ email: 'e', address, customFields: { a: 1 }, parentEntityId: 'p', metadata: { title: 'A', reportsTo: 'm', preferredContactMethod: 'email' }, status: 'archived' }));
    expect(erased).toMatchObject({ name: ERASED, email: ERASED, phone: null, customFields: {}, parentEntityId: 'p', status: 'archived' });
    expect(erased.address).toMatchObject({ line1: ERASED, city: ERASED, line2: null });
    expect(erased.metadata).toMatchObject({ title: ERASED, department: null, reportsTo: 'm', preferredContactMethod: 'email' });
    expect(eraseEntity(erased)).toEqual(erased);
  });
});
