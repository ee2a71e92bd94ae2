// How progress is shown: a bar on a terminal, lines elsewhere.

import { expect, test } from '@jest/globals';
import { showProgress } from '../../src/cli/progress.js';

/** A screen that keeps what was written, and a clock that is set by hand. */
function scene(isTTY: boolean, columns = 100) {
  const written: string[] = [];
  const clock = { now: 0 };
  const display = showProgress({ isTTY, columns, write: (text) => written.push(text) }, () => clock.now);
  const at = (now: number, done: number, total: number | null = 4_000, unit = 'contacts') => {
    clock.now = now;
    display.report({ done, total, unit });
  };
  return { written, at, end: display.end };
}

test('a terminal gets one line drawn again and again: bar, share, rate and time left', () => {
  const { written, at, end } = scene(true);
  at(0, 0);
  at(50, 25);
  at(2_000, 1_000);
  at(6_000, 4_000);
  end();
  expect(written).toEqual([
    '\r[                        ]   0%  0/4,000 contacts\u001b[K',
    '\r[######                  ]  25%  1,000/4,000 contacts, 500/s, 6s left\u001b[K',
    '\r[########################] 100%  4,000/4,000 contacts, 667/s\u001b[K',
    '\n',
  ]);
});

test('a narrow terminal gets no more than fits on a line', () => {
  const { written, at } = scene(true, 20);
  at(0, 1);
  expect(written).toEqual(['\r[                  \u001b[K']);
});

test('a file gets a line at the beginning, one every five seconds, and the last', () => {
  const { written, at, end } = scene(false);
  for (let second = 0; second <= 12; second += 1) at(second * 1_000, second * 100, null, 'events');
  end();
  expect(written).toEqual(['0 events\n', '500 events, 100/s\n', '1,000 events, 100/s\n', '1,200 events, 100/s\n']);
});

test('the rate is that of the last ten seconds, or the one that is given', () => {
  const { written, at, end } = scene(false);
  for (const [now, done] of [[0, 0], [20_000, 2_000], [31_000, 2_011]] as const) at(now, done);
  end();
  expect(written.at(-1)).toBe(' 50%  2,011/4,000 contacts, 1/s, 33m 09s left\n');
  const given: string[] = [];
  showProgress({ write: (text) => given.push(text) }, () => 0).report({ done: 1, total: 7_201, unit: 'keys', rate: 1 });
  expect(given).toEqual(['  0%  1/7,201 keys, 1/s, 2h 00m left\n']);
});

test('another unit begins a line of its own, and nothing reported shows nothing', () => {
  const { written, at, end } = scene(true);
  end();
  at(0, 1, null, 'events');
  at(1, 1, null, 'keys');
  end();
  expect(written).toEqual(['\r1 events\u001b[K', '\n', '\r1 keys\u001b[K', '\n']);
});
