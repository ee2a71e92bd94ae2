// The embedded platform put through every contract suite.

import { openPlatform } from './embedded.js';
import { eventLogContract } from './eventLogContract.js';

eventLogContract('embedded', openPlatform);
