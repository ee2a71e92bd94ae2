// What `docker compose up` is made of, as far as it can be told without Docker.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { MongoClient } from 'mongodb';
import { parse, type CollectionTag } from 'yaml';
import { EventStoreDbLog } from '../../src/platform/servers/eventStoreDbLog.js';
import { readSettings } from '../../src/config.js';
import { EVENTSTOREDB_IMAGE, MONGODB_IMAGE } from '../support/images.js';

interface ComposeService {
  image: string;
  command?: string[];
  environment?: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[] };
  deploy?: { replicas: number };
}

interface Compose {
  services: Record<string, ComposeService>;
  volumes?: Record<string, unknown>;
}

const root = fileURLToPath(new URL('../..', import.meta.url));
const textOf = (name: string) => readFileSync(join(root, name), 'utf8');
const reset: CollectionTag = { tag: '!reset', collection: 'seq' };
const composeOf = (name: string): Compose => parse(textOf(name), { customTags: [reset] }) as Compose;

const { services, volumes = {} } = composeOf('docker-compose.yml');
const scaled = composeOf('docker-compose.scale.yml').services;

/** The value that a variable of the file has with nothing set. */
const settled = (text: string) => text.replace(/\$\{\w+:-([^}]*)\}/g, '$1').replace(/\$\{(\w+):\?[^}]*\}/g, '$1');

function environmentOf(...parts: (ComposeService | undefined)[]): Record<string, string> {
  const all = Object.assign({}, ...parts.map((part) => part?.environment ?? {})) as Record<string, string>;
  return Object.fromEntries(Object.entries(all).map(([name, value]) => [name, settled(value)]));
}

describe('docker-compose.yml', () => {
  test('gives the service and its two servers, each checked, of the versions that tests run on', () => {
    expect(Object.keys(services).sort()).toEqual(['contacts', 'eventstore', 'mongo']);
    for (const { healthcheck } of Object.values(services)) expect(healthcheck?.test[0]).toMatch(/^CMD/);
    expect([services.eventstore?.image, services.mongo?.image]).toEqual([EVENTSTOREDB_IMAGE, MONGODB_IMAGE]);
  });

  test('starts the service once both servers are healthy', () => {
    expect(services.contacts?.depends_on).toEqual({ eventstore: { condition: 'service_healthy' }, mongo: { condition: 'service_healthy' } });
  });

  test('keeps what servers hold in volumes, which it declares', () => {
    const used = Object.values(services).flatMap((service) => (service.volumes ?? []).map((volume) => volume.split(':')[0] as string));
    expect(Object.keys(volumes).sort()).toEqual([...used].sort());
    expect(services.eventstore?.volumes).toContain('events:/var/lib/eventstore');
    expect(services.eventstore?.environment).toMatchObject({ EVENTSTORE_MEM_DB: 'false', EVENTSTORE_INSECURE: 'true' });
    expect(services.mongo?.volumes).toContain('documents:/data/db');
  });

  test('publishes the service alone, on this machine alone', () => {
    const ports = Object.entries(services).flatMap(([name, service]) => (service.ports ?? []).map((port) => `${name} ${settled(port)}`));
    expect(ports).toEqual(['contacts 127.0.0.1:3000:3000']);
  });

  test('makes a replica set of the name that the service asks for', () => {
    const [, , name] = services.mongo?.command ?? [];
    expect(services.mongo?.healthcheck?.test.join(' ')).toContain(`_id: '${name}'`);
    expect(services.contacts?.environment?.MONGODB_URL).toContain(`replicaSet=${name}`);
  });

  test('gives settings that the service takes, and connection strings that both clients take', async () => {
    const settings = readSettings(environmentOf(services.contacts));
    const [eventStore, mongo] = [settings.EVENTSTORE_URL ?? '', settings.MONGODB_URL ?? ''];
    const log = new EventStoreDbLog({ url: eventStore });
    await log.close();
    expect(new URL(eventStore).hostname).toBe('eventstore');
    expect(new MongoClient(mongo).options.hosts.map(String)).toEqual(['mongo:27017']);
  });
});

describe('docker-compose.scale.yml', () => {
  test('has three copies behind a proxy, which alone is published', () => {
    expect(scaled.contacts?.deploy?.replicas).toBe(3);
    expect(textOf('docker-compose.scale.yml')).toMatch(/ports: !reset \[\]\n {4}volumes: !reset \[\]/);
    expect((scaled.proxy?.ports ?? []).map(settled)).toEqual(['127.0.0.1:3000:3000']);
    expect(textOf('docker/Caddyfile')).toContain('dynamic a contacts 3000');
  });

  test('runs them for production, with secrets that must be given', () => {
    const environment = environmentOf(services.contacts, scaled.contacts);
    expect(environment).toMatchObject({ NODE_ENV: 'production', JWT_SECRET: 'JWT_SECRET', TRUST_PROXY: 'true' });
    const key = Buffer.alloc(32).toString('base64');
    expect(readSettings({ ...environment, ENCRYPTION_KEY: key })).toMatchObject({ NODE_ENV: 'production', TRUST_PROXY: true });
  });
});

describe('Dockerfile', () => {
  const lines = textOf('Dockerfile').split('\n');

  test('builds in one stage and runs in another, as a user that is not root', () => {
    expect(lines.filter((line) => line.startsWith('FROM '))).toHaveLength(2);
    expect(lines.filter((line) => line.startsWith('USER '))).toEqual(['USER node']);
    expect(lines.findIndex((line) => line.startsWith('USER '))).toBeLessThan(lines.findIndex((line) => line.startsWith('CMD ')));
  });

  test('copies what there is, and what the build is not kept from seeing', () => {
    const copied = lines.filter((line) => /^COPY (?!--from)/.test(line)).flatMap((line) => line.split(' ').slice(1, -1));
    const seen = textOf('.dockerignore').split('\n').filter((line) => line.startsWith('!')).map((line) => line.slice(1));
    expect(copied.length).toBeGreaterThan(4);
    for (const name of copied) {
      expect(existsSync(join(root, name))).toBe(true);
      expect(seen).toContain(name);
    }
  });
});
