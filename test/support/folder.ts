// Folders of the tests: each test its own.

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

declare global {
  /** The folders made for the tests of one file, which `environment.js` removes after them. */
  var temporaryFolders: string[];
}

/** A new empty folder, removed once the tests of the file are done. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'contacts-test-'));
  globalThis.temporaryFolders.push(folder);
  return folder;
}
