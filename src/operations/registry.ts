// Every operation that a running service can be asked for.

import type { Operation } from './operation.js';

export const operations: readonly Operation[] = [];
