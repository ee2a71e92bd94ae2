// Pages made ahead: what is read is byte for byte what is read without them, whoever writes, erases
// and skips meanwhile; a walk finds them ready, and nobody else waits for them.

import { afterEach, beforeEach, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { createContact } from '../../src/commands/createContact.js';
import { publishedTypes } from '../../src/domain/events/published.js';
import { contactStream } from '../../src/domain/streams.js';
import { SqliteEventPages } from '../../src/platform/embedded/eventPages.js';
import { ReadAhead, type PageInTheMaking, type PageMaker } from '../../src/platform/embedded/readAhead.js';
import type { EventPage, EventPlace, PageQuery } from '../../src/ports/eventPages.js';
import type { KeySubject } from '../../src/ports/keyStore.js';
import { wrappingKey } from '../contract/embedded.js';
import { openCommands, type OpenedCommands } from '../support/commands.js';
import { temporaryFolder } from '../support/folder.js';
import { newOrganization } from '../support/service.js';

let opened: OpenedCommands;
let dataDir: string;
let plain: SqliteEventPages;
let maker: Maker;
let opening: ReadAhead[];
beforeEach(async () => {
  dataDir = temporaryFolder();
  opened = await openCommands({ dataDir });
  plain = openPages();
  maker = new Maker();
  opening = [];
});
afterEach(async () => {
  plain.close();
  for (const ahead of opening) await ahead.close();
  await opened.close();
});

const query: PageQuery = { after: null, limit: 2, types: publishedTypes, form: 'json', maxBytes: 1e6, skipped: [] };

function openAhead(): ReadAhead {
  const ahead = new ReadAhead(maker);
  opening.push(ahead);
  return ahead;
}

const openPages = () => new SqliteEventPages({ events: join(dataDir, 'contacts.sqlite'), keys: join(dataDir, 'keys.sqlite'), wrappingKeys: [wrappingKey()] });

/** As a thread: what it reads, it reads at once, and tells of it some turns later, of the end sooner. */
class Maker implements PageMaker {
  private readonly pages = openPages();
  asked = 0;
  inPassing = 0;
  isIdle = true;

  begin(organizationId: string, asked: PageQuery): PageInTheMaking {
    this.asked += 1;
    return this.making(organizationId, asked);
  }

  beginInPassing(organizationId: string, asked: PageQuery): PageInTheMaking | null {
    if (!this.isIdle) return null;
    this.inPassing += 1;
    return this.making(organizationId, asked);
  }

  forget(subject: KeySubject): void {
    this.pages.forget(subject);
  }

  async close(): Promise<void> {
    this.pages.close();
  }

  private making(organizationId: string, asked: PageQuery): PageInTheMaking {
    const [end, page] = [this.pages.endOf(organizationId, asked), this.pages.read(organizationId, asked)];
    return { end: later(end, 1), page: later(page, 3) };
  }
}

async function later<Value>(value: Value, turns: number): Promise<Value> {
  for (let waited = 0; waited < turns; waited += 1) await turn();
  return value;
}

/** Makes a contact; returns its id. */
async function make(organizationId: string): Promise<string> {
  const outcome = await createContact(opened.commands, opened.context({ organizationId }), { name: 'Ada' });
  if (!outcome.done) throw new Error('not made');
  return (outcome.events[0]?.data as { contactId: string }).contactId;
}

async function erase(subject: KeySubject, ahead: ReadAhead): Promise<void> {
  await opened.platform.keys.destroy(subject);
  plain.forget(subject);
  ahead.forget(subject);
}

const settled = async () => {
  for (let turns = 0; turns < 20; turns += 1) await turn();
};

const textOf = ({ content, ...rest }: EventPage) => ({ ...rest, text: Buffer.from(content).toString() });

type Step = { does: 'read' | 'write' | 'wait' } | { does: 'erase' | 'skip'; which: number } | { does: 'begin'; limit: number; maxBytes: number };
const read = fc.constant({ does: 'read' } as const);
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { arbitrary: read, weight: 6 },
    fc.constant({ does: 'write' } as const),
    fc.constant({ does: 'wait' } as const),
    fc.record({ does: fc.constantFrom('erase' as const, 'skip' as const), which: fc.nat(11) }),
    fc.record({ does: fc.constant('begin' as const), limit: fc.integer({ min: 1, max: 3 }), maxBytes: fc.constantFrom(1, 1_000, 1e6) }),
  ),
  { maxLength: 25 },
);

test('while contacts are written and erased and events skipped, each page is the one that is made anew', async () => {
  let compared = 0;
  await fc.assert(
    fc.asyncProperty(steps, async (taken) => {
      const [organizationId, ahead] = [newOrganization(), openAhead()];
      const ids: string[] = [];
      for (let made = 0; made < 6; made += 1) ids.push(await make(organizationId));
      let [asked, skipped]: [PageQuery, EventPlace[]] = [query, []];
      for (const step of taken) {
        const id = 'which' in step ? (ids[step.which % ids.length] as string) : '';
        if (step.does === 'write') ids.push(await make(organizationId));
        else if (step.does === 'wait') await settled();
        else if (step.does === 'erase') await erase({ organizationId, id }, ahead);
        else if (step.does === 'skip') skipped = [...skipped, { stream: contactStream(organizationId, id), revision: 0 }];
        else if (step.does === 'begin') asked = { ...query, limit: step.limit, maxBytes: step.maxBytes };
        else {
          const expected = plain.read(organizationId, { ...asked, skipped });
          expect(textOf(await ahead.read(organizationId, { ...asked, skipped }))).toEqual(textOf(expected));
          asked = { ...asked, after: expected.position };
          compared += 1;
        }
      }
    }),
    { numRuns: 25 },
  );
  expect(compared).toBeGreaterThan(maker.asked);
});

test('a walk asks for the first page and the last; a page ahead is for one time, and one that is taken from a walk is made when it is asked for', async () => {
  const { organizationId } = opened;
  for (let made = 0; made < 9; made += 1) await make(organizationId);
  const ahead = openAhead();
  const walk = async (): Promise<number> => {
    const before = maker.asked;
    for (let after: string | null = null, more = true; more; ) {
      const page = await ahead.read(organizationId, { ...query, after });
      [after, more] = [page.position, page.content.length > 0];
      await settled();
    }
    return maker.asked - before;
  };
  expect([await walk(), await walk()]).toEqual([3, 3]);
  maker.isIdle = false;
  expect(await walk()).toBe(6);
});

test('pages are made side by side where one is likely to end; one that is full of bytes before is gone on from where it ends', async () => {
  const { organizationId } = opened;
  for (let made = 0; made < 9; made += 1) await make(organizationId);
  const ahead = openAhead();
  const first = ahead.read(organizationId, query);
  await turn();
  await turn();
  expect(maker.inPassing).toBe(1);
  await first;
  await settled();
  expect(maker.inPassing).toBe(1);

  const cut = { ...query, maxBytes: 1 };
  const one = await ahead.read(organizationId, cut);
  await settled();
  // The page at the likely end, and the one at the end.
  expect(maker.inPassing).toBe(3);
  const asked = maker.asked;
  const next = await ahead.read(organizationId, { ...cut, after: one.position });
  expect([next.position, maker.asked]).toEqual([plain.read(organizationId, { ...cut, after: one.position }).position, asked]);
});
