// How commands are carried out: queued by stream, decided again when somebody else was faster, for a while.

import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { contactAggregate, loadContact } from '../../src/commands/aggregates.js';
import { createContact } from '../../src/commands/createContact.js';
import { CommandHandler, CONFLICT_DEADLINE_MS, type CommandContext } from '../../src/commands/handle.js';
import { KeyedQueue } from '../../src/commands/keyedQueue.js';
import { decideContact, type ContactState } from '../../src/domain/contact.js';
import type { EntityPatch } from '../../src/domain/entity.js';
import { contactStream } from '../../src/domain/streams.js';
import { UnavailableError } from '../../src/ports/errors.js';
import type { EventStore } from '../../src/ports/eventStore.js';
import { openCommands, type OpenedCommands } from '../support/commands.js';

let opened: OpenedCommands;
let id: string;
beforeEach(async () => {
  opened = await openCommands();
  const outcome = await createContact(opened.commands, opened.context(), { name: 'Ada' });
  if (!outcome.done || outcome.state.phase !== 'live') throw new Error('no contact was made');
  id = outcome.state.contact.id;
});
afterEach(() => opened.close());

const stream = () => contactStream(opened.organizationId, id);
const facts = { manager: 'fits', parent: 'fits' } as const;
const change = (handler: CommandHandler, patch: EntityPatch, said: Partial<CommandContext> = {}, decided: () => unknown = () => undefined) =>
  handler.execute(contactAggregate, stream(), opened.context(said), ({ state }) => {
    decided();
    return decideContact(state, { type: 'update', patch, addressId: 'addr', facts });
  });
const storedState = async (): Promise<ContactState> => (await loadContact(opened.another().handler, opened.organizationId, id)).state;

/** The store, but its commits go through `commit`. */
const storeWith = (commit: EventStore['commit']): EventStore => ({
  commit,
  commitMany: (appends) => opened.events.commitMany(appends),
  read: (...asked) => opened.events.read(...asked),
  endAfter: (...asked) => opened.events.endAfter(...asked),
  last: (asked) => opened.events.last(asked),
  open: (stored) => opened.events.open(stored),
  openWritten: (stored) => opened.events.open(stored),
  subscribe: (...asked) => opened.events.subscribe(...asked),
});
const handlerOver = (commit: EventStore['commit']) => {
  const { clock, ids } = opened.commands.handler;
  return new CommandHandler(storeWith(commit), clock, ids);
};

test('commands of two processes on one contact are all made, none is lost', async () => {
  const handlers = [opened.another().handler, opened.another().handler];
  const outcomes = await Promise.all(
    Array.from({ length: 20 }, (_, n) => change(handlers[n % 2] as CommandHandler, { customFields: { [`k${n}`]: n } })),
  );
  expect(outcomes.filter(({ done }) => !done)).toEqual([]);
  const expected = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`k${n}`, n]));
  expect(await storedState()).toMatchObject({ contact: { customFields: expected } });
});

test('a conflict is decided again on the newest state', async () => {
  const other = opened.another().handler;
  let conflicts = 0;
  const handler = handlerOver(async (...commit) => {
    if (conflicts === 0) {
      conflicts += 1;
      await change(other, { notes: 'faster', email: 'a@x.example' });
    }
    return opened.events.commit(...commit);
  });
  const decided = jest.fn();
  expect(await change(handler, { notes: 'slower' }, {}, decided)).toMatchObject({ done: true, revision: 2 });
  expect(decided).toHaveBeenCalledTimes(2);
  expect(await storedState()).toMatchObject({ contact: { notes: 'slower', email: 'a@x.example' } });
});

test('conflicts without end are refused once the deadline has passed', async () => {
  let now = Date.now();
  const dates = jest.spyOn(Date, 'now').mockImplementation(() => now);
  const handler = handlerOver(async () => {
    now += CONFLICT_DEADLINE_MS / 4;
    return { outcome: 'conflict' };
  });
  const decided = jest.fn();
  expect(await change(handler, { notes: 'x' }, {}, decided)).toEqual({ done: false, refusal: { code: 'CONFLICT' } });
  expect(decided).toHaveBeenCalledTimes(5);
  dates.mockRestore();
});

describe('If-Match', () => {
  test('is met by the revision it names, and by no other', async () => {
    const { handler } = opened.commands;
    expect(await change(handler, { notes: 'x' }, { ifRevisions: [7] })).toEqual({ done: false, refusal: { code: 'PRECONDITION_FAILED' } });
    expect(await change(handler, { notes: 'x' }, { ifRevisions: [7, 0] })).toMatchObject({ done: true, revision: 1 });
    expect(await change(handler, { notes: 'y' }, { ifRevisions: [0] })).toEqual({ done: false, refusal: { code: 'PRECONDITION_FAILED' } });
  });

  test('is never tried again when somebody else was faster', async () => {
    const commit = jest.fn<EventStore['commit']>().mockResolvedValue({ outcome: 'conflict' });
    expect(await change(handlerOver(commit), { notes: 'x' }, { ifRevisions: [0] })).toEqual({ done: false, refusal: { code: 'PRECONDITION_FAILED' } });
    expect(commit).toHaveBeenCalledTimes(1);
  });
});

describe('a request with reserved ids', () => {
  const reserved = { aggregateId: 'unused', eventId: '018f0000-0000-7000-8000-000000000001' };

  test('that takes over from a try which was carried out finds what that did and decides nothing', async () => {
    const first = await change(opened.commands.handler, { notes: 'once' }, { reserved: { ...reserved, takenOver: false } });
    await change(opened.commands.handler, { notes: 'later' });
    const decided = jest.fn();
    const again = await change(opened.another().handler, { notes: 'once' }, { reserved: { ...reserved, takenOver: true } }, decided);
    expect(decided).not.toHaveBeenCalled();
    expect(again).toMatchObject({ done: true, revision: 1, state: { contact: { notes: 'once' } }, events: [{ id: reserved.eventId }] });
    expect(first).toMatchObject({ done: true, revision: 1 });
    expect(await storedState()).toMatchObject({ contact: { notes: 'later' } });
  });

  test('that takes over from a try which did nothing is carried out, with the ids set aside', async () => {
    const outcome = await change(opened.commands.handler, { notes: 'x' }, { reserved: { ...reserved, takenOver: true } });
    expect(outcome).toMatchObject({ done: true, revision: 1, events: [{ id: reserved.eventId }] });
  });
});

test('a failed commit is passed on, and the next command decides on what is stored', async () => {
  let fails = true;
  const handler = handlerOver(async (...commit) => {
    if (!fails) return opened.events.commit(...commit);
    fails = false;
    throw new UnavailableError('down');
  });
  await expect(change(handler, { notes: 'x' })).rejects.toBeInstanceOf(UnavailableError);
  expect(await change(handler, { email: 'a@x.example' })).toMatchObject({ done: true, revision: 1, state: { contact: { notes: null } } });
});

test('an event never occurs before the last of its stream, whatever the clock says', async () => {
  const slow = opened.another({ now: () => new Date('2001-01-01T00:00:00Z') }).handler;
  const before = await storedState();
  const after = await change(slow, { notes: 'x' });
  if (before.phase !== 'live' || !after.done || after.state.phase !== 'live') throw new Error('not changed');
  expect(after.state.contact.updatedAt).toBe(before.contact.updatedAt);
});

describe('a keyed queue', () => {
  test('runs tasks of one key one after another, of different keys at the same time', async () => {
    const queue = new KeyedQueue();
    const order: string[] = [];
    const releases: (() => void)[] = [];
    const task = (name: string) => () => {
      order.push(`${name} begins`);
      return new Promise<void>((resolve) => releases.push(resolve)).then(() => void order.push(`${name} ends`));
    };
    const all = [queue.run('a', task('a1')), queue.run('a', task('a2')), queue.run('b', task('b1'))];
    expect(order).toEqual(['a1 begins', 'b1 begins']);
    releases[0]?.();
    await all[0];
    await Promise.resolve();
    // One that comes when the first is over waits for the second.
    const last = queue.run('a', task('a3'));
    releases[1]?.();
    await all[2];
    releases[2]?.();
    await all[1];
    expect(order).toEqual(['a1 begins', 'b1 begins', 'a1 ends', 'a2 begins', 'b1 ends', 'a2 ends']);
    await Promise.resolve();
    releases[3]?.();
    await last;
    expect(order.slice(-2)).toEqual(['a3 begins', 'a3 ends']);
  });

  test('goes on after a task that fails, and passes its failure on to its caller alone', async () => {
    const queue = new KeyedQueue();
    const failing = queue.run('a', async () => Promise.reject(new Error('failed')));
    const next = queue.run('a', async () => 'done');
    await expect(failing).rejects.toThrow('failed');
    expect(await next).toBe('done');
  });
});

test('what is remembered of a stream is let go of when it is to be forgotten', async () => {
  const { handler } = opened.commands;
  const read = jest.spyOn(opened.events, 'read');
  await loadContact(handler, opened.organizationId, id);
  handler.forget(stream());
  await loadContact(handler, opened.organizationId, id);
  expect(read.mock.calls).toEqual([[stream(), 1], [stream(), 0]]);
});

test('what is remembered of aggregates is bounded in bytes: few of the largest are, and those let go of are read again', async () => {
  const asked: string[] = [];
  const fat = { a: Array.from({ length: 33_000 }, () => ({})) };
  const event = { data: fat, revision: 0, metadata: { occurredAt: '' } };
  const read = async function* (stream: string, from: number) {
    asked.push(`${stream} from ${from}`);
    if (from === 0) yield [event];
  };
  const events = { read, endAfter: (_: string, revision: number) => revision } as unknown as EventStore;
  const handler = new CommandHandler(events, opened.commands.handler.clock, opened.commands.handler.ids);
  const aggregate = { initial: {}, evolve: (_: unknown, { data }: { data: unknown }) => data } as unknown as typeof contactAggregate;
  for (let n = 0; n < 60; n += 1) await handler.load(aggregate, `s${n}`);
  asked.length = 0;
  for (const n of [59, 0]) await handler.load(aggregate, `s${n}`);
  expect(asked).toEqual(['s59 from 1', 's0 from 0']);
});
