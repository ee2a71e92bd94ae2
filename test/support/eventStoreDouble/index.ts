// The double of EventStoreDB: what tests use of it.

export { EventStoreDouble, type DoubleOptions, type Fault, type Method } from './server.js';
export { spawnDouble, type DoubleProcess, type Misfortune } from './spawn.js';
export { failures } from './wire.js';
