// `contacts rewrap`: ENCRYPTION_KEY is changed while the service runs, and no contact is lost.

import { expect, test } from '@jest/globals';
import { runCommand } from '../support/command.js';
import { temporaryFolder } from '../support/folder.js';
import { startServiceProcess, startTestService } from '../support/service.js';

const key = (byte: number) => Buffer.alloc(32, byte).toString('base64');
const [older, newer] = [{ ENCRYPTION_KEY: key(1) }, { ENCRYPTION_KEY: key(2) }];
const both = { ENCRYPTION_KEY: `${key(2)}, ${key(1)}` };
const refused = { code: 1, err: expect.stringMatching(/^contacts: ENCRYPTION_KEY [^\n]*\n$/) };

test('keys move to the first ENCRYPTION_KEY beside a running service, across a kill, and the old one can go', async () => {
  const dataDir = temporaryFolder();
  expect(await runCommand(dataDir, ['seed', '--org', 'acme', '--contacts', '6000'], older)).toMatchObject({ code: 0 });
  expect(await runCommand(dataDir, ['rewrap'], newer)).toMatchObject(refused);
  const service = await startServiceProcess(both, dataDir);
  const client = service.client('acme');
  const created = (await client.post('/contacts', { name: 'Made Meanwhile' })).body.id as string;
  const rewrapping = runCommand(dataDir, ['rewrap'], both);
  await service.kill();
  const interrupted = await rewrapping;
  expect(interrupted.code === 0 || /the service ended before it was done|socket/.test(interrupted.err)).toBe(true);
  const again = await startServiceProcess(both, dataDir);
  expect(await runCommand(dataDir, ['rewrap'], both)).toMatchObject({ code: 0, out: expect.stringMatching(/^moved [\d,]+ keys: /) });
  expect((await again.client('acme').get(`/contacts/${created}`)).body.name).toBe('Made Meanwhile');
  await again.stop();
  expect(await runCommand(dataDir, ['rewrap'], newer)).toMatchObject({ code: 0, out: expect.stringMatching(/^moved 0 keys: /) });
  expect(await runCommand(dataDir, ['verify'], older)).toMatchObject(refused);
  expect(await runCommand(dataDir, ['verify'], newer)).toMatchObject({ code: 0 });
  const after = await startTestService(newer, dataDir);
  expect((await after.client('acme').put(`/contacts/${created}`, { name: 'Still Readable' })).body.name).toBe('Still Readable');
  await after.stop();
}, 60_000);
