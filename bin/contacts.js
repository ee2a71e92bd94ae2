#!/usr/bin/env node
// Starts the command line that `npm run build` made.

import { existsSync } from 'node:fs';

const main = new URL('../dist/main.js', import.meta.url);
if (existsSync(main)) {
  const { main: run } = await import(main.href);
  await run(process.argv.slice(2));
} else {
  console.error("contacts: not built yet; run 'npm run build' first");
  process.exitCode = 1;
}
