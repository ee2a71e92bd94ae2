// Every operation that a running service can be asked for.

import { auditOperation } from './audit.js';
import { backupOperation } from './backup.js';
import type { Operation } from './operation.js';
import { rebuildOperation } from './rebuild.js';
import { rewrapOperation } from './rewrap.js';
import { seedOperation } from './seed/seed.js';
import { skipOperation } from './skip.js';
import { verifyOperation } from './verify.js';

export const operations = [seedOperation, backupOperation, rewrapOperation, rebuildOperation, verifyOperation, auditOperation, skipOperation] as readonly Operation[];
