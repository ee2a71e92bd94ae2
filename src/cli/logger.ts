// The log of a running service: lines of JSON on standard output, written in runs. A write for each
// line would cost as much as the request that it is of.

import pino, { type Logger } from 'pino';

/** So many characters are written at a time, or what there is once a second. */
const RUN_CHARACTERS = 32_768;
const FLUSH_EVERY_MS = 1_000;

/** A logger whose lines are all written before the process exits. */
export function createLogger(level: string): Logger {
  const lines = gathered((text) => output.write(text));
  // Before Pino's own, which see to it that what these pass on is written.
  for (const event of ['beforeExit', 'exit'] as const) process.on(event, lines.flush);
  const output = pino.destination({ dest: 1, sync: false });
  const logger = pino({ level, base: null }, lines);
  setInterval(lines.flush, FLUSH_EVERY_MS).unref();
  return logger;
}

/** Gathers lines into runs. Pino's own destination does so, too, but counts the bytes of the whole run at each line. */
function gathered(write: (text: string) => void): { write: (line: string) => void; flush: () => void } {
  let lines: string[] = [];
  let characters = 0;
  const flush = () => {
    if (lines.length === 0) return;
    const text = lines.join('');
    lines = [];
    characters = 0;
    write(text);
  };
  const add = (line: string) => {
    lines.push(line);
    characters += line.length;
    if (characters >= RUN_CHARACTERS) flush();
  };
  return { write: add, flush };
}
