// What says of a folder of a backup what it holds, and by which damage is noticed.

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { storeFile } from '../layout.js';

/** Raised when backups are laid out otherwise than before. */
export const FORMAT = 1;

export const MANIFEST = 'manifest.json';

const manifestSchema = z.object({
  format: z.literal(FORMAT),
  holds: z.enum(['events', 'keys']),
  createdAt: z.iso.datetime(),
  /** The layout of the SQLite file. */
  layout: z.int().positive(),
  /** The position of the last event: in the file, or known to have its key in it; 0: none. */
  position: z.int().nonnegative(),
  /** By name, beside this manifest. */
  files: z.record(z.string().regex(/^[a-z][a-z.-]*$/), z.object({ bytes: z.int().nonnegative(), sha256: z.string() })),
});

export type Manifest = z.infer<typeof manifestSchema>;

/** A backup that cannot be used; nothing was changed. */
export class BackupError extends Error {
  override readonly name = 'BackupError';
}

/** Writes the manifest of `folder`, which holds `files`. */
export async function writeManifest(folder: string, { files, ...said }: Omit<Manifest, 'format' | 'files'> & { files: string[] }): Promise<void> {
  const digests = await Promise.all(files.map(async (name) => [name, await digestOf(join(folder, name))] as const));
  const manifest: Manifest = { format: FORMAT, ...said, files: Object.fromEntries(digests) };
  await writeFile(join(folder, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
}

/**
 * The manifest of `folder`, whose files are all there and undamaged.
 * @throws BackupError when they are not, or it is no backup of this version and kind
 */
export async function readManifest(folder: string, holds: Manifest['holds']): Promise<Manifest> {
  const manifest = parse(folder, await readFile(join(folder, MANIFEST), 'utf8').catch(() => null));
  if (manifest.holds !== holds) throw new BackupError(`${folder}: holds ${manifest.holds}, not ${holds}`);
  if (!Object.hasOwn(manifest.files, storeFile[holds])) throw new BackupError(`${join(folder, MANIFEST)}: is damaged, it does not list ${storeFile[holds]}`);
  for (const [name, expected] of Object.entries(manifest.files)) {
    const file = join(folder, name);
    const found = await digestOf(file).catch(() => null);
    if (found === null) throw new BackupError(`${file}: is missing`);
    if (found.sha256 !== expected.sha256) throw new BackupError(`${file}: is damaged, its checksum is not the manifest's`);
  }
  return manifest;
}

function parse(folder: string, text: string | null): Manifest {
  if (text === null) throw new BackupError(`${folder}: is no backup, or not a whole one: it has no ${MANIFEST}`);
  const json = tryJson(text);
  const parsed = manifestSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const { data } = z.object({ format: z.int() }).safeParse(json);
  if (data !== undefined && data.format !== FORMAT) {
    throw new BackupError(`${folder}: is a backup of format ${data.format}; this version reads format ${FORMAT}`);
  }
  throw new BackupError(`${join(folder, MANIFEST)}: is damaged`);
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function digestOf(file: string): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return { bytes: (await stat(file)).size, sha256: hash.digest('hex') };
}
