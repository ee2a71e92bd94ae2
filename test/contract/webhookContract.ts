// What every store of webhook endpoints, deliveries and replays must do.

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { webhookTopics } from '../../src/domain/events/webhookEvents.js';
import type { WebhookEndpoint } from '../../src/domain/webhookEndpoint.js';
import { ATTEMPTS_KEPT, type Attempt, type Derived, type NewDelivery, type Outcome } from '../../src/ports/deliveryStore.js';
import type { Position } from '../../src/ports/eventLog.js';
import type { WebhookStores } from '../../src/ports/platform.js';
import type { Reopenable } from './stateContracts.js';

const START = Date.parse('2026-03-01T10:00:00Z');
const at = (ms: number) => new Date(START + ms);

const endpointOf = (endpointId: string, said: Partial<WebhookEndpoint> = {}): WebhookEndpoint => ({
  id: endpointId,
  organizationId: 'acme',
  url: 'https://example.com/',
  events: [...webhookTopics],
  description: null,
  ordered: false,
  status: 'enabled',
  disabledReason: null,
  disabledAt: null,
  createdAt: at(0).toISOString(),
  updatedAt: at(0).toISOString(),
  ...said,
});

const ref = { organizationId: 'acme', endpointId: 'e1' };

const delivery = (id: string, said: Partial<NewDelivery> = {}): NewDelivery => ({
  ...ref,
  id,
  eventId: `event of ${id}`,
  topic: 'contact.created',
  contactId: `contact of ${id}`,
  sequence: 0,
  erased: false,
  ...said,
});

const attempt = (error: string | null): Attempt => ({ at: at(1), durationMs: 1.5, status: error === null ? 200 : 500, error, response: Buffer.from([0, 255, 7]) });

const outcome = (id: string, next: Outcome['next'], said: Partial<Outcome> = {}): Outcome => ({
  ...ref,
  id,
  contactId: `contact of ${id}`,
  attempt: attempt(next.status === 'delivered' ? null : 'HTTP 500'),
  next,
  health: null,
  ...said,
});
const delivered = { status: 'delivered' } as const;
const again = (ms: number) => ({ status: 'pending', at: at(ms) }) as const;

/** Runs the suite on the stores that `open` makes; `position` gives the positions of their log in order. */
export function webhookContract(name: string, open: (place: string) => Promise<Reopenable<WebhookStores>>, newPlace: () => string, position: (n: number) => Position): void {
  describe(`webhook stores, ${name}`, () => {
    let place: string;
    let opened: Reopenable<WebhookStores>;
    let reached: Position | null;
    let step: number;
    beforeEach(async () => {
      place = newPlace();
      opened = await open(place);
      reached = null;
      step = 1;
    });
    afterEach(() => opened.close());
    const stores = () => opened.store;
    const reopen = async () => {
      await opened.close();
      opened = await open(place);
    };
    const register = (endpointId = 'e1', said: Partial<WebhookEndpoint> = {}) => stores().endpoints.put(endpointOf(endpointId, said), 0, position(1));
    /** Derives deliveries, each with a payload, from where the checkpoint stands. */
    const derive = async (...deliveries: NewDelivery[]) => {
      step += 1;
      const payloads = deliveries.filter(({ erased }) => !erased).map(({ eventId, topic, organizationId, contactId }) => ({ eventId, topic, organizationId, contactId, body: Buffer.from(`body of ${eventId}`) }));
      const derived: Derived = { from: reached, to: position(step), deliveries, payloads, considered: [ref] };
      expect(await stores().deliveries.derive(derived, at(0))).toBe(true);
      reached = position(step);
    };
    const due = async (ms = 0, limit = 100) => (await stores().deliveries.due(ref, at(ms), limit)).map(({ id }) => id);
    const log = async () => (await stores().deliveries.list(ref, { status: null, limit: 100, after: null })).items;
    const statuses = async () => Object.fromEntries((await log()).map(({ id, status }) => [id, status]));

    test('show endpoints as of their newest revision, and those that were removed not again', async () => {
      const { endpoints } = stores();
      await endpoints.put(endpointOf('e0'), 1, null);
      expect(await endpoints.find({ ...ref, endpointId: 'e0' })).toBeNull();
      await register();
      await endpoints.put(endpointOf('e1', { ordered: true }), 2, null);
      await endpoints.put(endpointOf('e1'), 1, null);
      await register('e2', { createdAt: at(5).toISOString() });
      await register('e3', { organizationId: 'acme-2' });
      await reopen();
      expect((await stores().endpoints.list('acme')).map(({ endpoint }) => endpoint.id)).toEqual(['e1', 'e2']);
      expect(await stores().endpoints.find(ref)).toEqual({
        endpoint: endpointOf('e1', { ordered: true }),
        revision: 2,
        highWater: position(1),
        health: { failingSince: null, pausedUntil: null },
      });
      await stores().endpoints.remove(ref, 3);
      await stores().endpoints.put(endpointOf('e1'), 2, position(1));
      expect(await stores().endpoints.find(ref)).toBeNull();
      expect(await stores().endpoints.find({ ...ref, organizationId: 'other', endpointId: 'e2' })).toBeNull();
    });

    test('keep five secrets, newest first, one for an event', async () => {
      const { endpoints } = stores();
      for (let index = 0; index < 7; index += 1) await endpoints.addSecret(ref, { eventId: `s${index}`, box: Buffer.from([index]) }, at(index));
      const known = await endpoints.addSecret(ref, { eventId: 's6', box: Buffer.from('another') }, at(9));
      expect(known).toEqual({ eventId: 's6', box: Buffer.from([6]), until: null });
      await reopen();
      const secrets = await stores().endpoints.secrets(ref);
      expect(secrets.map(({ eventId, until }) => [eventId, until])).toEqual([['s6', null], ...[5, 4, 3, 2].map((n) => [`s${n}`, at(n + 1)])]);
      await register();
      await stores().endpoints.remove(ref, 1);
      expect(await stores().endpoints.secrets(ref)).toEqual([]);
    });

    test('derive once: from where the checkpoint stands, and a known delivery stands', async () => {
      await register();
      await derive(delivery('a'));
      const { deliveries } = stores();
      expect(await deliveries.derive({ from: null, to: position(9), deliveries: [delivery('x')], payloads: [], considered: [] }, at(0))).toBe(false);
      await deliveries.record([outcome('a', delivered)], at(1));
      await derive(delivery('a'), delivery('b'));
      await reopen();
      expect(await stores().deliveries.checkpoint()).toBe(position(3));
      expect(await statuses()).toEqual({ a: 'delivered', b: 'pending' });
      expect((await stores().endpoints.find(ref))?.highWater).toBe(position(3));
    });

    test('give what is ready, in order, with its payload', async () => {
      await register();
      await derive(delivery('a'), delivery('b', { sequence: 7 }), delivery('t', { contactId: null, sequence: null, topic: 'webhook.test' }));
      expect(await due()).toEqual(['a', 'b', 't']);
      expect(await due(0, 2)).toEqual(['a', 'b']);
      expect(await due(-1)).toEqual([]);
      const [, b] = await stores().deliveries.due(ref, at(0), 9);
      expect(b).toEqual({ ...ref, id: 'b', eventId: 'event of b', topic: 'contact.created', contactId: 'contact of b', sequence: 7, tries: 0 });
      expect((await stores().deliveries.payload(b ?? delivery('b')))?.toString()).toBe('body of event of b');
      expect(await stores().deliveries.payload({ eventId: 'none', topic: 'contact.created' })).toBeNull();
    });

    test('have a delivery wait behind an untried one about the same contact', async () => {
      await register();
      const about = { contactId: 'c' };
      await derive(delivery('a', about), delivery('b', about), delivery('other'));
      await derive(delivery('c', about));
      expect(await due()).toEqual(['a', 'other']);
      await stores().deliveries.record([outcome('a', again(5_000), about)], at(1));
      expect(await due(1)).toEqual(['other', 'b']);
      await stores().deliveries.record([outcome('b', delivered, about)], at(2));
      expect(await due(2)).toEqual(['other', 'c']);
      expect(await due(5_000)).toEqual(['other', 'c', 'a']);
    });

    test('have it wait behind a failing one where the endpoint is ordered', async () => {
      await register('e1', { ordered: true });
      const about = { contactId: 'c' };
      await derive(delivery('a', about), delivery('b', about));
      await stores().deliveries.record([outcome('a', again(5_000), about)], at(1));
      await derive(delivery('c', about), delivery('other'));
      expect(await due(4_000)).toEqual(['other']);
      await stores().deliveries.record([outcome('a', { status: 'failed' }, { ...about, attempt: { ...attempt('HTTP 500'), at: at(5_000) } })], at(5_000));
      expect(await due(5_000)).toEqual(['other', 'b']);
    });

    test('record tries: status, next try, attempts, health of the endpoint', async () => {
      await register();
      await derive(delivery('a'), delivery('b'));
      await stores().deliveries.record([outcome('a', again(60_000), { health: { failingSince: at(1), pausedUntil: at(9) } }), outcome('b', delivered)], at(1));
      await reopen();
      expect(await log()).toEqual([
        { id: 'b', eventId: 'event of b', topic: 'contact.created', contactId: 'contact of b', status: 'delivered', attempts: [attempt(null)], nextAttemptAt: null },
        expect.objectContaining({ id: 'a', status: 'pending', attempts: [attempt('HTTP 500')], nextAttemptAt: at(60_000) }),
      ]);
      expect((await stores().endpoints.find(ref))?.health).toEqual({ failingSince: at(1), pausedUntil: at(9) });
      expect([await stores().endpoints.failing(at(0)), await stores().endpoints.failing(at(1))]).toEqual([[], [ref]]);
      expect(await stores().deliveries.agenda()).toEqual([{ ...ref, at: at(60_000) }]);
      expect((await stores().deliveries.due(ref, at(60_000), 9))[0]?.tries).toBe(1);
      for (let index = 0; index < ATTEMPTS_KEPT + 5; index += 1) await stores().deliveries.record([outcome('a', again(0), { attempt: { ...attempt('HTTP 500'), at: at(10 + index) } })], at(1));
      expect((await log())[1]?.attempts.length).toBeGreaterThanOrEqual(ATTEMPTS_KEPT);
    });

    test('list pages, newest first, by status', async () => {
      await register();
      await derive(...['a', 'b', 'c', 'd', 'e'].map((id) => delivery(id)));
      await stores().deliveries.record([outcome('b', { status: 'failed' }), outcome('d', { status: 'failed' }), outcome('e', delivered)], at(1));
      const { deliveries } = stores();
      const first = await deliveries.list(ref, { status: null, limit: 3, after: null });
      const second = await deliveries.list(ref, { status: null, limit: 3, after: first.next });
      expect([first.items.map(({ id }) => id), second.items.map(({ id }) => id), second.next]).toEqual([['e', 'd', 'c'], ['b', 'a'], null]);
      const of = async (status: 'failed' | 'pending' | 'delivered' | 'erased') => (await deliveries.list(ref, { status, limit: 9, after: null })).items.map(({ id }) => id);
      expect([await of('failed'), await of('pending'), await of('delivered'), await of('erased')]).toEqual([['d', 'b'], ['c', 'a'], ['e'], []]);
      expect((await deliveries.list({ ...ref, organizationId: 'other' }, { status: null, limit: 9, after: null })).items).toEqual([]);
    });

    test('make a settled delivery pending again, but none that was erased', async () => {
      await register();
      await derive(delivery('a'), delivery('b'), delivery('x', { erased: true }));
      await stores().deliveries.record([outcome('a', { status: 'failed' })], at(1));
      const { deliveries } = stores();
      const retried = await Promise.all(['a', 'b', 'x', 'none'].map((id) => deliveries.retry(ref, id, at(2))));
      expect(retried).toEqual(['pending', 'pending', 'erased', null]);
      expect(await deliveries.retry({ ...ref, endpointId: 'e2' }, 'a', at(2))).toBeNull();
      expect((await deliveries.due(ref, at(2), 9)).map(({ id, tries }) => [id, tries])).toEqual([['b', 0], ['a', 0]]);
    });

    test('cancel what is pending about an erased contact, and drop its payloads', async () => {
      await register();
      await derive(delivery('a'), delivery('b'), delivery('c', { contactId: 'contact of a' }));
      await stores().deliveries.erase({ organizationId: 'other', contactId: 'contact of b' });
      await stores().deliveries.erase({ organizationId: 'acme', contactId: 'contact of a' });
      expect(await statuses()).toEqual({ a: 'erased', b: 'pending', c: 'erased' });
      expect(await stores().deliveries.payload(delivery('a'))).toBeNull();
      await stores().deliveries.record([outcome('a', delivered)], at(1));
      expect((await statuses()).a).toBe('erased');
      expect(await due()).toEqual(['b']);
    });

    test('revive nothing about an erased contact, be it asked for or replayed, and go on to show it as it was settled', async () => {
      await register();
      const of = { contactId: 'ada' };
      await derive(delivery('a', of), delivery('b', of), delivery('other'));
      await stores().deliveries.record([outcome('a', delivered, of), outcome('b', { status: 'failed' }, of), outcome('other', delivered)], at(1));
      await stores().deliveries.erase({ organizationId: 'acme', ...of });
      expect(await Promise.all(['a', 'b', 'other'].map((id) => stores().deliveries.retry(ref, id, at(2))))).toEqual(['erased', 'erased', 'pending']);
      const replay = { ...ref, id: 'r', since: at(0), until: at(9), topics: ['contact.created'], position: null, deliveries: 0, done: false };
      await stores().replays.start(replay, at(3));
      const derived: Derived = { from: null, to: position(5), deliveries: [delivery('a', { ...of, erased: true })], payloads: [], considered: [] };
      expect(await stores().replays.advance(replay, derived, true, at(3))).toBe(true);
      expect(await statuses()).toEqual({ a: 'delivered', b: 'failed', other: 'pending' });
      expect(await due(3)).toEqual(['other']);
    });

    test('say when which endpoint is next, but for those that are disabled, gone or paused', async () => {
      await register();
      await register('e2');
      await register('e3');
      await derive(delivery('a'), delivery('b', { endpointId: 'e2' }), delivery('c', { endpointId: 'e3' }));
      await stores().endpoints.put(endpointOf('e2', { status: 'disabled' }), 1, null);
      await stores().endpoints.remove({ ...ref, endpointId: 'e3' }, 1);
      expect(await stores().deliveries.agenda()).toEqual([{ ...ref, at: at(0) }]);
      await stores().deliveries.record([outcome('a', again(10), { health: { failingSince: at(0), pausedUntil: at(99) } })], at(0));
      expect(await stores().deliveries.agenda()).toEqual([{ ...ref, at: at(99) }]);
      expect(await stores().deliveries.statistics(9)).toEqual({ pending: 1, oldestAt: at(0), organizations: [{ organizationId: 'acme', pending: 1, oldestAt: at(0) }] });
      expect([await stores().deliveries.pending(ref, 9), await stores().deliveries.pending(ref, 0)]).toEqual([1, 0]);
    });

    test('sweep what is old and settled, or of an endpoint that is disabled', async () => {
      await register();
      await register('e2');
      await derive(delivery('a'), delivery('b'), delivery('c', { endpointId: 'e2' }), delivery('again'));
      await stores().deliveries.record([outcome('a', delivered), outcome('again', { status: 'failed' })], at(1));
      await stores().deliveries.retry(ref, 'again', at(5));
      await stores().deliveries.record([outcome('again', delivered, { attempt: { ...attempt(null), at: at(5) } })], at(6));
      await stores().endpoints.put(endpointOf('e2', { status: 'disabled' }), 1, null);
      expect(await stores().deliveries.sweep(at(0))).toBe(0);
      expect(await stores().deliveries.sweep(at(1))).toBe(2);
      expect(await statuses()).toEqual({ again: 'delivered', b: 'pending' });
      expect(await stores().deliveries.payload(delivery('a'))).toBeNull();
    });

    test('keep a test delivery', async () => {
      await register();
      const of = delivery('t', { contactId: null, sequence: null, topic: 'webhook.test' });
      await stores().deliveries.add(of, { ...of, body: Buffer.from('{}') }, at(0));
      await stores().deliveries.add(of, { ...of, body: Buffer.from('{}') }, at(0));
      expect(await due()).toEqual(['t']);
    });

    test('go through a replay step by step, reviving what is there and adding what is not', async () => {
      await register();
      await derive(delivery('a'), delivery('b'));
      await stores().deliveries.record([outcome('a', delivered), outcome('b', delivered)], at(1));
      const replay = { ...ref, id: 'r', since: at(0), until: at(9), topics: ['contact.created'], position: null, deliveries: 0, done: false };
      await stores().replays.start(replay, at(2));
      await stores().replays.start({ ...replay, until: at(99) }, at(2));
      expect(await stores().replays.open()).toEqual([replay]);
      const deliveries = [delivery('a'), delivery('n', { contactId: 'contact of a' })];
      const first: Derived = { from: null, to: position(5), deliveries, payloads: [], considered: [] };
      expect(await stores().replays.advance(replay, first, false, at(3))).toBe(true);
      expect(await stores().replays.advance(replay, first, false, at(3))).toBe(false);
      await reopen();
      expect(await due(3)).toEqual(['a']);
      expect(await statuses()).toEqual({ a: 'pending', b: 'delivered', n: 'pending' });
      const then = { ...replay, position: position(5), deliveries: 2 };
      expect(await stores().replays.open()).toEqual([then]);
      expect(await stores().replays.advance(then, { ...first, from: position(5), to: position(6), deliveries: [] }, true, at(4))).toBe(true);
      expect(await stores().replays.open()).toEqual([]);
      expect(await stores().replays.find(ref, 'r')).toMatchObject({ done: true, deliveries: 2 });
      expect(await stores().replays.find({ ...ref, endpointId: 'e2' }, 'r')).toBeNull();
    });
  });
}
