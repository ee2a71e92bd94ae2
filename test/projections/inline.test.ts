// Documents projected with the append are those that a rebuild makes, whatever its batches.

import { afterEach, beforeEach, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { openCommands, type OpenedCommands } from '../support/commands.js';
import { nextStep } from '../../src/projections/advance.js';
import { projections } from '../../src/projections/project.js';
import { noSkips } from '../../src/projections/skips.js';
import type { NewEvent } from '../../src/ports/eventStore.js';
import type { Projection } from '../../src/ports/projection.js';
import { histories } from './history.js';

let opened: OpenedCommands;
beforeEach(async () => {
  opened = await openCommands();
});
afterEach(() => opened.close());

/** Builds a generation in batches of the sizes given, over and over, and leaves it unswitched. */
async function build(projection: Projection, sizes: readonly number[]): Promise<number> {
  const { platform, events } = opened;
  const { log, projectionStore: store } = platform;
  const { number, position: start } = await store.build(projection.name, projection.version);
  let position = start;
  for (let turn = 0; ; turn += 1) {
    const step = await nextStep(projection, { number, position }, { log, events, store, makeReady: null, skips: noSkips }, sizes[turn % sizes.length] as number);
    if (step.seen > 0) expect(await step.apply(position, step.position)).toBe(true);
    ({ position } = step);
    if (step.caughtUp) return number;
  }
}

test('any history makes the same documents inline and by a rebuild in batches of any sizes', async () => {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(histories(30), fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 4 }), async (history, sizes) => {
      const { events, platform } = opened;
      run += 1;
      // Organizations of this run only: all runs share a store.
      const moved = history.events.map(({ stream, revision, metadata, ...event }) => ({
        stream: stream.replace(/-([^-]+)-/, `-$1r${run}-`),
        revision,
        event: { ...event, id: `${run} ${event.id}`, metadata: { ...metadata, organizationId: `${metadata.organizationId}r${run}` } } as unknown as NewEvent,
      }));
      await Promise.all(moved.map(({ stream, revision, event }) => events.commit(stream, revision === 0 ? 'none' : revision - 1, [event])));
      for (const projection of projections) {
        const live = await platform.projectionStore.live(projection.name);
        const documentsOf = (generation: number) => platform.projectionStore.documents(projection.name, generation, null, 10_000);
        expect(live?.position).toBe(await platform.log.head());
        expect(await documentsOf(await build(projection, sizes))).toEqual(await documentsOf(live?.number ?? -1));
      }
    }),
    { numRuns: 8 },
  );
  expect((await opened.platform.projectionStore.documents('contacts', (await opened.platform.projectionStore.live('contacts'))?.number ?? -1, null, 1)).length).toBe(1);
});
