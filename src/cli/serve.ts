// `contacts serve`: starts the service and stops it when told to.

import { readSettings, type Settings } from '../config.js';
import type { Service } from '../service.js';
import { command } from './command.js';
import { createLogger } from './logger.js';
import { withSecrets } from './secrets.js';
import { signToken } from './token.js';

export const serveCommand = command({
  synopsis: 'serve',
  help: ['start the service; settings come from the environment'],
  options: {},
  positionals: { min: 0, max: 0 },
  run: () => serve(process.env),
});

/** Serves until SIGTERM or SIGINT; a second one ends it at once. */
async function serve(environment: NodeJS.ProcessEnv): Promise<void> {
  const given = readSettings(environment);
  const settings = withSecrets(given);
  const logger = createLogger(settings.LOG_LEVEL);
  // Loaded here alone: it is two thirds of what there is to load, and no other command needs it.
  const { startService } = await import('../service.js');
  const service = await startService(settings, logger);
  const stop = (signal: string) => {
    logger.info({ signal }, 'stopping');
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => void endAtOnce(service));
    void service.stop().then(() => {
      logger.flush();
      process.exitCode = 0;
    });
  };
  // Before anybody is told that it listens, who may stop it at once.
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stop(name));
  logger.info({ port: service.port }, 'listening');
  if (settings.NODE_ENV !== 'production') greet(given, settings, service.port);
}

/** Ends the process with exit code 1; by a kill where a thread cannot be waited for, since an exit would abort in it. */
async function endAtOnce(service: Service): Promise<void> {
  if (await service.abandon()) process.exit(1);
  process.kill(process.pid, 'SIGKILL');
}

/** Where it listens, a token and a line to paste. */
function greet(given: Settings, settings: Settings, port: number): void {
  const host = settings.HOST === '0.0.0.0' || settings.HOST === '::' ? '127.0.0.1' : settings.HOST;
  const base = `http://${host.includes(':') ? `[${host}]` : host}:${port}/api/v1`;
  console.log(`\nContacts API at ${base}, data in ${settings.DATA_DIR}`);
  if (settings.JWT_SECRET === undefined) return;
  const token = signToken(settings, { organizationId: 'org_demo', sub: 'demo', expires: '30d' });
  const made = given.JWT_SECRET === undefined ? ' (signed with a secret made in the data folder)' : '';
  console.log(`
A token for organization org_demo${made}:

${token}

Try it:

curl -X POST ${base}/contacts -H "Authorization: Bearer ${token}" -H "Content-Type: application/json" -d '{"name": "John Smith", "email": "john.smith@acme.com"}'
curl ${base}/contacts -H "Authorization: Bearer ${token}"
`);
}
