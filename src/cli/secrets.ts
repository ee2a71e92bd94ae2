// Secrets that the service makes for itself, once, where no production demands real ones.

import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { BadSettingError, type Settings } from '../config.js';
import { prepareDataDir } from '../host.js';

const SECRET_BYTES = 32;

/** The settings with what is missing of keys made, or found made before, in `DATA_DIR`. @throws BadSettingError when that cannot be written */
export function withSecrets(settings: Settings): Settings {
  if (settings.NODE_ENV === 'production') return settings;
  const { DATA_DIR, JWT_SECRET, JWT_PUBLIC_KEY, JWT_JWKS_URI, ENCRYPTION_KEY } = settings;
  const anyKey = JWT_SECRET ?? JWT_PUBLIC_KEY ?? JWT_JWKS_URI;
  return {
    ...settings,
    JWT_SECRET: anyKey === undefined ? secretIn(DATA_DIR, 'jwt-secret') : JWT_SECRET,
    ENCRYPTION_KEY: ENCRYPTION_KEY ?? secretIn(DATA_DIR, 'encryption-key'),
  };
}

/** The secret in `folder/name`, made of random bytes in base64 when it is not there. @throws BadSettingError */
function secretIn(folder: string, name: string): string {
  const file = join(folder, name);
  if (!existsSync(file)) {
    prepareDataDir(folder);
    make(file);
  }
  const secret = readFileSync(file, 'utf8').trim();
  if (Buffer.from(secret, 'base64').length === SECRET_BYTES) return secret;
  throw new BadSettingError(`${file}: must hold ${SECRET_BYTES} bytes in base64, as were made there; put them back, or set the secret yourself`);
}

/** On disk before anything relies on it: keys wrapped by one that a loss of power takes away are lost with it. */
function make(file: string): void {
  try {
    writeFileSync(file, randomBytes(SECRET_BYTES).toString('base64'), { mode: 0o600, flag: 'wx', flush: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const folder = openSync(dirname(file), 'r');
  fsyncSync(folder);
  closeSync(folder);
}
