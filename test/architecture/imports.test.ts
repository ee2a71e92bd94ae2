// The rule of imports: who may use whom, and where drivers may be named.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import ts from 'typescript';

const source = fileURLToPath(new URL('../../src', import.meta.url));

/** What each folder may import of ours, besides itself. */
const allowed: Record<string, string[]> = {
  domain: [],
  ports: ['domain'],
  commands: ['domain', 'ports'],
  projections: ['domain', 'ports'],
  subscriptions: ['domain', 'ports'],
  webhooks: ['domain', 'ports'],
  chain: ['domain', 'ports'],
  api: ['domain', 'ports', 'commands', 'config'],
  operations: ['domain', 'ports', 'commands', 'projections', 'chain', 'config'],
  cli: ['domain', 'ports', 'commands', 'operations', 'api', 'config', 'host', 'migration', 'service'],
  metrics: ['domain', 'ports'],
  platform: ['domain', 'ports'],
  config: [],
  migration: ['ports', 'operations', 'platform', 'config'],
  host: ['domain', 'ports', 'projections', 'chain', 'operations', 'platform', 'config'],
  stepThread: ['ports', 'projections', 'platform'],
  seedThread: ['projections', 'chain', 'operations', 'platform'],
  service: ['domain', 'ports', 'commands', 'projections', 'subscriptions', 'webhooks', 'chain', 'operations', 'api', 'metrics', 'platform', 'config', 'host', 'webhookParts'],
  webhookParts: ['domain', 'ports', 'commands', 'subscriptions', 'webhooks'],
  main: ['cli', 'config', 'operations', 'service'],
};

/** Packages that only `platform` may name, and the only ones that `domain` may. */
const drivers = ['libsql', 'mongodb', '@eventstore/db-client'];
const domainPackages = ['zod'];

/** The one file of the API that makes streams: each leaves others their turn. */
const streaming = 'api/streaming.ts';

/** What is wrong with one file's imports; none: nothing. */
function breaches(file: string, text: string): string[] {
  const own = partOf(relative(source, file));
  return importsOf(text).flatMap((name) => {
    if (name.startsWith('.')) {
      const part = partOf(relative(source, resolve(dirname(file), name)));
      return part === own || allowed[own]?.includes(part) === true ? [] : [`${own} imports ${part}`];
    }
    if (drivers.includes(name) && own !== 'platform') return [`${own} names the driver ${name}`];
    if (name === 'node:stream' && own === 'api' && relative(source, file) !== streaming) return ['a stream is made beside api/streaming'];
    return own === 'domain' && !domainPackages.includes(name) ? [`domain imports ${name}`] : [];
  });
}

/** What a file imports, however it says so. */
function importsOf(text: string): string[] {
  return ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName);
}

function partOf(path: string): string {
  return (path.split('/')[0] ?? '').replace(/\.(ts|js)$/, '');
}

test('every file of the source keeps the rule', () => {
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  expect(files.length).toBeGreaterThan(50);
  const found = files.flatMap((name) => {
    const file = join(source, name);
    return breaches(file, readFileSync(file, 'utf8')).map((breach) => `${name}: ${breach}`);
  });
  expect(found).toEqual([]);
});

test.each([
  ['domain/contact.ts', "import { sleep } from 'node:timers/promises';", 'domain imports node:timers/promises'],
  ['commands/handle.ts', "import { x } from '../projections/contacts.js';", 'commands imports projections'],
  ['api/app.ts', "import Sqlite from 'libsql';", 'api names the driver libsql'],
  ['api/routes/audit.ts', "import { Readable } from 'node:stream';", 'a stream is made beside api/streaming'],
  ['service.ts', "const driver = await import('mongodb');", 'service names the driver mongodb'],
  ['projections/project.ts', 'import "libsql";', 'projections names the driver libsql'],
  ['ports/clock.ts', "export * from '../api/app.js';", 'ports imports api'],
  ['subscriptions/reactor.ts', "import {\n  handle,\n} from '../commands/handle.js';", 'subscriptions imports commands'],
  ['domain/text.ts', "import type { Clock } from '../ports/clock.js';", 'domain imports ports'],
  ['cli/serve.ts', "type Client = import('mongodb').MongoClient;", 'cli names the driver mongodb'],
])('a breach planted in %s is found', (name, text, breach) => {
  expect(breaches(join(source, name), text)).toEqual([breach]);
});

/** The first circle found among files, each by what it imports; empty when there is none. */
function circleIn(imports: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>();
  const walk = (file: string, path: readonly string[]): string[] => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return [];
    for (const next of imports.get(file) ?? []) {
      const circle = walk(next, [...path, file]);
      if (circle.length > 0) return circle;
    }
    done.add(file);
    return [];
  };
  for (const file of imports.keys()) {
    const circle = walk(file, []);
    if (circle.length > 0) return circle;
  }
  return [];
}

test('no files import one another in a circle, not even for types', () => {
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  const imports = new Map(
    files.map((name) => {
      const own = importsOf(readFileSync(join(source, name), 'utf8')).filter((one) => one.startsWith('.'));
      return [name, own.map((one) => join(dirname(name), one).replace(/\.js$/, '.ts'))];
    }),
  );
  expect([...imports.values()].flat().length).toBeGreaterThan(500);
  expect(circleIn(imports)).toEqual([]);
});

test('a circle is found', () => {
  expect(circleIn(new Map([['a', ['b', 'c']], ['b', []], ['c', ['d']], ['d', ['c']]]))).toEqual(['c', 'd', 'c']);
});
