// `contacts version`: which version of the service this is.

import { serviceVersion } from '../api/version.js';
import { command } from './command.js';

export const versionCommand = command({
  synopsis: 'version',
  help: ['print the version of the service'],
  options: {},
  positionals: { min: 0, max: 0 },
  run: () => console.log(serviceVersion()),
});
