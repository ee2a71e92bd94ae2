// What a test file runs in: Node, and the temporary folders of its tests, which go when all of it
// is done. A test cannot see its process end, so they cannot go then.

import { rmSync } from 'node:fs';
import { TestEnvironment } from 'jest-environment-node';

export default class FolderEnvironment extends TestEnvironment {
  folders = [];

  async setup() {
    await super.setup();
    this.global.temporaryFolders = this.folders;
  }

  async teardown() {
    await super.teardown();
    for (const folder of this.folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
