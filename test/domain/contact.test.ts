// What a contact decides, command by command, and what its events make of it.

import { describe, expect, test } from '@jest/globals';
import { newManager, newParent, type ContactCommand, type ContactFacts } from '../../src/domain/contact.js';
import { CUSTOM_FIELDS_MAX_BYTES, emptyFields, type EntityChanges, type EntityPatch, type Status } from '../../src/domain/entity.js';
import type { ContactEvent } from '../../src/domain/events/registry.js';
import { fieldsOf, type Said } from '../contract/samples.js';
import { contactAfter, givenContact, timeOf } from './given.js';

const fits: ContactFacts = { manager: 'fits', parent: 'fits' };
const create = (patch: EntityPatch & { name: string } = { name: 'Ada' }, facts = fits): ContactCommand => ({ type: 'create', id: 'ada', patch, addressId: 'addr_1', facts });
const update = (patch: EntityPatch, facts = fits): ContactCommand => ({ type: 'update', patch, addressId: 'addr_2', facts });

const created = (said: Said = {}): ContactEvent => ({ type: 'ContactCreated', data: { contactId: 'ada', contact: fieldsOf({ name: 'Ada', ...said }) } });
const updated = (changes: EntityChanges): ContactEvent => ({ type: 'ContactUpdated', data: { contactId: 'ada', changes } });
const statusChanged = (from: Status, to: Status): ContactEvent => ({ type: 'ContactStatusChanged', data: { contactId: 'ada', from, to } });
const deleted: ContactEvent = { type: 'ContactDeleted', data: { contactId: 'ada' } };
const erasure = { at: expect.any(String), by: 'tester', requestId: expect.any(String) };
const erased: ContactEvent = { type: 'ContactErased', data: { contactId: 'ada', reason: 'asked' } };
const fenced: ContactEvent = { type: 'ReportingLineFenced', data: { contactId: 'ada' } };
const address = { id: 'addr_1', addressee: null, companyName: null, attention: null, phoneNumber: null, line1: '1 Main St', line2: null, city: 'London', stateProvince: null, postalCode: null, countryCode: null };

describe('create', () => {
  test('of a name alone makes an active contact with nothing else set', () => {
    givenContact().when(create()).then([created()], 'ALREADY_EXISTS');
  });

  test('takes every field; an address gets the id set aside, or the one sent', () => {
    const patch = { name: 'Ada', email: 'ada@x.example', metadata: { title: 'Countess' }, customFields: { a: 1 } };
    givenContact().when(create({ ...patch, address: { line1: '1 Main St', city: 'London' } })).then([created({ ...patch, address })], 'ALREADY_EXISTS');
    givenContact().when(create({ ...patch, address: { ...address, id: 'sent' } })).then([created({ ...patch, address: { ...address, id: 'sent' } })], 'ALREADY_EXISTS');
  });

  test('drops nulls within custom fields', () => {
    givenContact().when(create({ name: 'Ada', customFields: { a: null, b: { c: null, d: 1 } } })).then([created({ customFields: { b: { d: 1 } } })], 'ALREADY_EXISTS');
  });

  test.each([
    [{ isActive: false }, 'inactive'],
    [{ isActive: true }, 'active'],
    [{ status: 'archived' }, 'archived'],
    [{ status: 'archived', isActive: false }, 'archived'],
    [{ status: 'active', isActive: true }, 'active'],
  ] as const)('with %j is %s', (wish, status) => {
    givenContact().when(create({ name: 'Ada', ...wish })).then([created({ status })], 'ALREADY_EXISTS');
  });

  test.each(['created', 'deleted', 'erased'] as const)('is refused once it was %s', (phase) => {
    const history = { created: [created()], deleted: [created(), deleted], erased: [created(), erased] }[phase];
    givenContact(...history).when(create()).thenRefused('ALREADY_EXISTS');
  });

  test('names every field that is wrong', () => {
    const patch: EntityPatch & { name: string } = { name: 'Ada', status: 'active', isActive: false, parentEntityId: 'gone', metadata: { reportsTo: 'gone' }, customFields: { a: 'x'.repeat(CUSTOM_FIELDS_MAX_BYTES) } };
    givenContact()
      .when(create(patch, { manager: 'unknown', parent: 'unknown' }))
      .thenRefused('INVALID', ['isActive', 'metadata.reportsTo', 'parentEntityId', 'customFields']);
  });

  test('is refused when it would report to itself', () => {
    givenContact().when(create({ name: 'Ada', metadata: { reportsTo: 'ada' } })).thenRefused('INVALID', ['metadata.reportsTo']);
  });
});

describe('update', () => {
  test('says only what changed', () => {
    givenContact(created({ email: 'a@x.example', metadata: { title: 'Miss' } }))
      .when(update({ name: 'Ada', email: 'b@x.example', metadata: { title: 'Miss', department: 'R&D' } }))
      .then([updated({ email: 'b@x.example', metadata: { department: 'R&D' } })]);
  });

  test('that changes nothing decides nothing', () => {
    givenContact(created({ email: 'a@x.example', address, customFields: { a: [1] } }))
      .when(update({ name: 'Ada', email: 'a@x.example', address, customFields: { a: [1], b: null }, metadata: {}, status: 'active', isActive: true }))
      .thenNothing();
    givenContact(created()).when(update({})).thenNothing();
  });

  test('clears with null, whole objects too', () => {
    givenContact(created({ email: 'a@x.example', address, customFields: { a: 1 }, metadata: { title: 'Miss' } }))
      .when(update({ email: null, address: null, customFields: null, metadata: null }))
      .then([updated({ email: null, address: null, customFields: null, metadata: { title: null } })]);
  });

  test('merges custom fields deeply and replaces arrays', () => {
    givenContact(created({ customFields: { keep: 1, list: [1, 2], deep: { a: 1, b: 2 } } }))
      .when(update({ customFields: { list: [3], deep: { a: null, c: 3 } } }))
      .then([updated({ customFields: { list: [3], deep: { a: null, c: 3 } } })]);
  });

  test('keeps the id of an address for life, whatever is sent with it', () => {
    givenContact(created({ address })).when(update({ address: { id: 'other', city: 'Paris' } })).then([updated({ address: { city: 'Paris' } })]);
    givenContact(created()).when(update({ address: { city: 'Paris' } })).then([updated({ address: { ...address, id: 'addr_2', line1: null, city: 'Paris' } })]);
  });

  test('of status and more is two events in one decision', () => {
    givenContact(created()).when(update({ notes: 'x', status: 'archived' })).then([updated({ notes: 'x' }), statusChanged('active', 'archived')]);
    givenContact(created()).when(update({ status: 'inactive' })).then([statusChanged('active', 'inactive')]);
  });

  test.each([
    ['active', { isActive: false }, 'inactive'],
    ['inactive', { isActive: true }, 'active'],
    ['archived', { isActive: true }, 'active'],
    ['active', { isActive: true, status: 'archived' }, 'archived'],
    ['archived', { isActive: false, status: 'active' }, 'active'],
  ] as const)('of one that is %s with %j makes it %s', (from, wish, to) => {
    const decided = statusChanged(from, to);
    const { isActive, ...rest } = wish;
    givenContact(created({ status: from })).when(update(wish)).then([decided], (isActive === (to === 'active')) || !('status' in rest) ? undefined : 'INVALID');
  });

  test('with isActive false leaves an archived contact archived', () => {
    givenContact(created({ status: 'archived' })).when(update({ isActive: false })).thenNothing();
  });

  test.each([
    ['active', { isActive: false, status: 'active' }],
    ['inactive', { isActive: true, status: 'archived' }],
  ] as const)('of one that is %s is refused when %j contradicts itself', (from, wish) => {
    givenContact(created({ status: from })).when(update(wish)).thenRefused('INVALID', ['isActive']);
  });

  test.each([
    ['unknown', fits.parent, ['metadata.reportsTo']],
    ['cycle', fits.parent, ['metadata.reportsTo']],
    [fits.manager, 'unknown', ['parentEntityId']],
    ['cycle', 'unknown', ['metadata.reportsTo', 'parentEntityId']],
  ] as const)('to a manager that is %s and a parent that is %s is refused for %j', (manager, parent, fields) => {
    givenContact(created()).when(update({ parentEntityId: 'p', metadata: { reportsTo: 'm' } }, { manager, parent })).thenRefused('INVALID', [...fields]);
  });

  test('does not look again at a manager and a parent that it has', () => {
    givenContact(created({ parentEntityId: 'p', metadata: { reportsTo: 'm' } }))
      .when(update({ notes: 'x', parentEntityId: 'p', metadata: { reportsTo: 'm' } }, { manager: 'cycle', parent: 'unknown' }))
      .then([updated({ notes: 'x' })]);
  });

  test('counts custom fields by what they hold after merging', () => {
    const most = CUSTOM_FIELDS_MAX_BYTES - '{"a":"","b":""}'.length;
    const history = created({ customFields: { a: 'x'.repeat(most - 1) } });
    givenContact(history).when(update({ customFields: { b: 'y' } })).then([updated({ customFields: { b: 'y' } })]);
    givenContact(history).when(update({ customFields: { b: 'yy' } })).thenRefused('INVALID', ['customFields']);
    givenContact(history).when(update({ customFields: { b: 'é' } })).thenRefused('INVALID', ['customFields']);
    givenContact(history).when(update({ customFields: { a: null, b: 'yy' } })).then([updated({ customFields: { a: null, b: 'yy' } })]);
  });
});

test('delete deletes once', () => {
  givenContact(created()).when({ type: 'delete' }).then([deleted], 'CONTACT_NOT_FOUND');
});

test('a contact leaves its manager, but not another than it was asked to leave', () => {
  const history = created({ metadata: { reportsTo: 'boss' } });
  givenContact(history).when({ type: 'leaveManager', managerId: 'boss' }).then([updated({ metadata: { reportsTo: null } })]);
  givenContact(history).when({ type: 'leaveManager', managerId: 'other' }).thenNothing();
});

test('a fence is an event that changes nothing but the revision', () => {
  const decision = givenContact(created()).when({ type: 'fenceReportingLine' });
  expect(() => decision.thenNothing()).toThrow();
  expect(contactAfter(created(), fenced)).toEqual(contactAfter(created()));
});

test.each([['never created', []], ['deleted', [created(), deleted]], ['erased', [created(), erased]]] as [string, ContactEvent[]][])(
  'a contact that was %s is not found by any command but create',
  (_, history) => {
    const commands: ContactCommand[] = [update({ name: 'Eve' }), { type: 'delete' }, { type: 'leaveManager', managerId: 'm' }];
    for (const command of commands) givenContact(...history).when(command).thenRefused('CONTACT_NOT_FOUND');
  },
);

describe('restoring', () => {
  const restored = (reportsTo: string | null): ContactEvent => ({
    type: 'ContactRestored',
    data: { contactId: 'ada', contact: fieldsOf({ name: 'Ada', email: 'a@x.example', status: 'inactive', metadata: { title: 'Countess', reportsTo } }), createdAt: timeOf(0) },
  });
  const history = [created({ email: 'a@x.example', status: 'inactive', metadata: { title: 'Countess', reportsTo: 'boss' } }), deleted];

  test('brings back the whole contact, under its manager or none', () => {
    givenContact(...history).when({ type: 'restore', manager: 'boss' }).then([restored('boss')]);
    const { type, data } = restored(null);
    givenContact(...history).when({ type: 'restore', manager: null }).then([{ type, data: { ...data, formerManager: 'boss' } } as ContactEvent]);
  });

  test('does nothing to a living one, and finds neither an erased one nor one that never was', () => {
    givenContact(created()).when({ type: 'restore', manager: null }).thenNothing();
    givenContact(created(), erased).when({ type: 'restore', manager: null }).thenRefused('CONTACT_NOT_FOUND');
    givenContact().when({ type: 'restore', manager: null }).thenRefused('CONTACT_NOT_FOUND');
  });
});

test('erasing ends a living contact and a deleted one, once, and finds none that never was', () => {
  givenContact(created()).when({ type: 'erase', reason: 'asked' }).then([erased]);
  givenContact(created(), deleted).when({ type: 'erase', reason: 'asked' }).then([erased]);
  givenContact(created(), erased).when({ type: 'erase', reason: 'again' }).thenNothing();
  givenContact().when({ type: 'erase', reason: 'asked' }).thenRefused('CONTACT_NOT_FOUND');
});

test('a fence stands on a deleted contact, too, which somebody may be restoring, but on no other that does not live', () => {
  expect(() => givenContact(created(), deleted).when({ type: 'fenceReportingLine' }).thenRefused('CONTACT_NOT_FOUND')).toThrow();
  expect(contactAfter(created(), deleted, fenced)).toEqual(contactAfter(created(), deleted));
  for (const history of [[], [created(), erased]]) givenContact(...history).when({ type: 'fenceReportingLine' }).thenRefused('CONTACT_NOT_FOUND');
});

describe('the state', () => {
  test('holds what the events say and when', () => {
    const state = contactAfter(created({ email: 'a@x.example' }), updated({ notes: 'x' }), statusChanged('active', 'archived'));
    expect(state).toEqual({
      phase: 'live',
      contact: {
        ...emptyFields('Ada'),
        email: 'a@x.example',
        notes: 'x',
        status: 'archived',
        id: 'ada',
        organizationId: 'acme',
        entityTypes: ['Contact'],
        primaryContactId: null,
        createdAt: timeOf(0),
        updatedAt: timeOf(2),
      },
    });
  });

  test('is restored with the time it was created at, and erased for good', () => {
    const restored: ContactEvent = { type: 'ContactRestored', data: { contactId: 'ada', contact: fieldsOf({ name: 'Ada' }), createdAt: timeOf(0) } };
    expect(contactAfter(created(), deleted, restored)).toMatchObject({ phase: 'live', contact: { name: 'Ada', createdAt: timeOf(0), updatedAt: timeOf(2) } });
    expect(contactAfter(created(), deleted)).toMatchObject({ phase: 'deleted', contact: { name: 'Ada' } });
    expect(contactAfter(created(), deleted, erased)).toEqual({ phase: 'erased', erasure });
  });

  test('after its end does not change by what belongs to a living one', () => {
    for (const event of [updated({ notes: 'x' }), statusChanged('active', 'archived'), fenced]) {
      expect(contactAfter(created(), deleted, event)).toEqual(contactAfter(created(), deleted));
      expect(contactAfter(created(), erased, event)).toEqual({ phase: 'erased', erasure });
      expect(contactAfter(event)).toEqual({ phase: 'none' });
    }
  });
});

test('a manager and a parent are new only when they are others than before', () => {
  const state = contactAfter(created({ parentEntityId: 'p', metadata: { reportsTo: 'm' } }));
  expect([newManager(state, { metadata: { reportsTo: 'm' } }), newParent(state, { parentEntityId: 'p' })]).toEqual([null, null]);
  expect([newManager(state, { metadata: { reportsTo: 'n' } }), newParent(state, { parentEntityId: 'q' })]).toEqual(['n', 'q']);
  expect([newManager(state, { metadata: { reportsTo: null } }), newParent(state, { parentEntityId: null })]).toEqual([null, null]);
  expect([newManager(state, {}), newParent(state, {}), newManager(state, { metadata: null })]).toEqual([null, null, null]);
});
