// The chainer where the log does not reach what was chained.

import { expect, test } from '@jest/globals';
import { Chainer, type ChainerDeps } from '../../src/chain/chainer.js';

/** A chain that stands at position 7 of a log that says of it, one after the other, whether it reaches there. */
function chainerOver(answers: boolean[]) {
  const errors: string[] = [];
  const followed: (string | null)[] = [];
  const deps = {
    log: {
      reaches: async () => answers.shift() ?? true,
      subscribe: async function* (after: string | null) {
        followed.push(after);
      },
    },
    chain: { linksAtOnce: true, checkpoint: async () => ({ position: '7', links: 7 }), stranger: async () => null, due: async () => [] },
    clock: { now: () => new Date() },
    onError: (error: Error) => void errors.push(error.message),
  };
  return { chainer: new Chainer(deps as unknown as ChainerDeps), errors, followed };
}

test('says so once, and goes on when it does after all, as behind a new leader of a cluster', async () => {
  const { chainer, errors, followed } = chainerOver([false, false, true]);
  await chainer.run(new AbortController().signal);
  expect(errors).toEqual(['the log ends before the last event that was chained: run contacts verify --audit']);
  expect(followed).toEqual(['7']);
}, 20_000);

test('ends when it is told to, and chains nothing', async () => {
  const { chainer, followed } = chainerOver([false, false]);
  const stop = new AbortController();
  const running = chainer.run(stop.signal);
  setTimeout(() => stop.abort(), 50);
  await running;
  expect(followed).toEqual([]);
});
