// What a company decides, command by command, and what its events make of it.

import { describe, expect, test } from '@jest/globals';
import type { CompanyCommand, CompanyPatch, ParentFact, PrimaryCandidate } from '../../src/domain/company.js';
import { CUSTOM_FIELDS_MAX_BYTES } from '../../src/domain/entity.js';
import type { CompanyEvent } from '../../src/domain/events/registry.js';
import { fieldsOf, type Said } from '../contract/samples.js';
import { companyAfter, givenCompany, timeOf } from './given.js';

const create = (patch: CompanyPatch & { name: string } = { name: 'Acme' }, parent?: ParentFact): CompanyCommand => ({ type: 'create', id: 'acme', patch, addressId: 'addr_1', parent });
const update = (patch: CompanyPatch, parent?: ParentFact): CompanyCommand => ({ type: 'update', patch, addressId: 'addr_2', parent });
const candidate: PrimaryCandidate = { id: 'ada', parentEntityId: 'acme', archived: false };
const setPrimary = (said: Partial<PrimaryCandidate> = {}): CompanyCommand => ({ type: 'setPrimary', contact: { ...candidate, ...said } });

const created = (said: Said & { entityTypes?: string[] } = {}): CompanyEvent => {
  const { entityTypes = ['Company'], ...fields } = said;
  return { type: 'CompanyCreated', data: { companyId: 'acme', company: { ...fieldsOf({ name: 'Acme', ...fields }), entityTypes } } };
};
type Changes = Extract<CompanyEvent, { type: 'CompanyUpdated' }>['data']['changes'];
const updated = (changes: Changes): CompanyEvent => ({ type: 'CompanyUpdated', data: { companyId: 'acme', changes } });
const deleted: CompanyEvent = { type: 'CompanyDeleted', data: { companyId: 'acme' } };
const primarySet = (contactId = 'ada', previousContactId: string | null = null): CompanyEvent => ({ type: 'PrimarySet', data: { companyId: 'acme', contactId, previousContactId } });
const primaryCleared: CompanyEvent = { type: 'PrimaryCleared', data: { companyId: 'acme', contactId: 'ada' } };

describe('create', () => {
  test('makes a company, its roles in one order after Company, each once', () => {
    givenCompany().when(create()).then([created()], 'ALREADY_EXISTS');
    givenCompany()
      .when(create({ name: 'Acme', roles: ['Partner', 'Customer', 'Partner'] }))
      .then([created({ entityTypes: ['Company', 'Customer', 'Partner'] })], 'ALREADY_EXISTS');
  });

  test('is refused once it was created, also when it was deleted', () => {
    givenCompany(created(), deleted).when(create()).thenRefused('ALREADY_EXISTS');
  });

  test('names every field that is wrong', () => {
    givenCompany()
      .when(create({ name: 'Acme', status: 'archived', isActive: true, parentEntityId: 'acme', customFields: { a: 'x'.repeat(CUSTOM_FIELDS_MAX_BYTES) } }))
      .thenRefused('INVALID', ['isActive', 'parentEntityId', 'customFields']);
  });
});

test('a parent that is newly named must be known', () => {
  const parentEntityId = 'holding';
  givenCompany().when(create({ name: 'Acme', parentEntityId }, 'unknown')).thenRefused('INVALID', ['parentEntityId']);
  givenCompany(created()).when(update({ parentEntityId }, 'unknown')).thenRefused('INVALID', ['parentEntityId']);
  givenCompany(created()).when(update({ parentEntityId }, 'fits')).then([updated({ parentEntityId })]);
});

describe('update', () => {
  test('says only what changed, the status and the roles too', () => {
    givenCompany(created({ email: 'a@x.example', entityTypes: ['Company', 'Vendor'] }))
      .when(update({ name: 'Acme', email: null, status: 'archived', roles: ['Customer'] }))
      .then([updated({ email: null, status: 'archived', entityTypes: ['Company', 'Customer'] })]);
  });

  test('that changes nothing decides nothing, whatever the order of the roles', () => {
    givenCompany(created({ entityTypes: ['Company', 'Customer', 'Vendor'] })).when(update({ name: 'Acme', roles: ['Vendor', 'Customer'], isActive: true })).thenNothing();
    givenCompany(created()).when(update({})).thenNothing();
  });

  test('without roles keeps them', () => {
    const history = created({ entityTypes: ['Company', 'Vendor'] });
    givenCompany(history).when(update({ notes: 'x' })).then([updated({ notes: 'x' })]);
    expect(companyAfter(history, updated({ notes: 'x' }))).toMatchObject({ company: { entityTypes: ['Company', 'Vendor'] } });
  });

  test('names every field that is wrong', () => {
    givenCompany(created())
      .when(update({ status: 'active', isActive: false, parentEntityId: 'acme', customFields: { a: 'x'.repeat(CUSTOM_FIELDS_MAX_BYTES) } }))
      .thenRefused('INVALID', ['isActive', 'parentEntityId', 'customFields']);
  });
});

test('delete deletes once', () => {
  givenCompany(created(), primarySet()).when({ type: 'delete' }).then([deleted], 'COMPANY_NOT_FOUND');
});

describe('set primary', () => {
  test('names the contact, and whom it follows', () => {
    givenCompany(created()).when(setPrimary()).then([primarySet()]);
    givenCompany(created(), primarySet('eve')).when(setPrimary()).then([primarySet('ada', 'eve')]);
    givenCompany(created(), primarySet(), primaryCleared).when(setPrimary()).then([primarySet()]);
  });

  test.each([null, 'other'])('refuses a contact of %j', (parentEntityId) => {
    givenCompany(created()).when(setPrimary({ parentEntityId })).thenRefused('NOT_OF_COMPANY');
    givenCompany(created()).when(setPrimary({ parentEntityId, archived: true })).thenRefused('NOT_OF_COMPANY');
  });

  test('refuses an archived contact, also one that is primary', () => {
    givenCompany(created()).when(setPrimary({ archived: true })).thenRefused('INVALID', ['status']);
    givenCompany(created(), primarySet()).when(setPrimary({ archived: true })).thenRefused('INVALID', ['status']);
  });
});

test('clear primary clears the contact that is primary, and not one that took its place', () => {
  const clear: CompanyCommand = { type: 'clearPrimary', contactId: 'ada' };
  givenCompany(created(), primarySet()).when(clear).then([primaryCleared]);
  givenCompany(created(), primarySet(), primarySet('eve', 'ada')).when(clear).thenNothing();
  givenCompany(created()).when(clear).thenNothing();
});

test.each([['never created', []], ['deleted', [created(), deleted]]] as [string, CompanyEvent[]][])(
  'a company that was %s is not found by any command but create',
  (_, history) => {
    const commands: CompanyCommand[] = [update({ name: 'Eve' }), { type: 'delete' }, setPrimary(), setPrimary({ parentEntityId: 'other' }), { type: 'clearPrimary', contactId: 'ada' }];
    for (const command of commands) givenCompany(...history).when(command).thenRefused('COMPANY_NOT_FOUND');
  },
);

test('the state holds what the events say and when', () => {
  const state = companyAfter(created(), primarySet(), updated({ status: 'inactive' }));
  expect(state).toEqual({
    phase: 'live',
    company: {
      ...fieldsOf({ name: 'Acme', status: 'inactive' }),
      id: 'acme',
      organizationId: 'acme',
      entityTypes: ['Company'],
      primaryContactId: 'ada',
      createdAt: timeOf(0),
      updatedAt: timeOf(2),
    },
  });
  expect(companyAfter(created(), primarySet(), primaryCleared)).toMatchObject({ company: { primaryContactId: null, updatedAt: timeOf(2) } });
  for (const event of [primarySet(), primaryCleared, updated({ notes: 'x' })]) {
    expect(companyAfter(created(), deleted, event)).toEqual({ phase: 'deleted' });
    expect(companyAfter(event)).toEqual({ phase: 'none' });
  }
});
