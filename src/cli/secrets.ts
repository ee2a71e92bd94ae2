// Secrets that the service makes for itself, once, where no production demands real ones.

import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Settings } from '../config.js';
import { prepareDataDir } from '../host.js';

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

/** The secret in `folder/name`, made of 32 random bytes in base64 when it is not there. */
function secretIn(folder: string, name: string): string {
  const file = join(folder, name);
  if (!existsSync(file)) prepareDataDir(folder);
  try {
    writeFileSync(file, randomBytes(32).toString('base64'), { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return readFileSync(file, 'utf8').trim();
}
