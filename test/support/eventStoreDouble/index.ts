export { EventStoreDouble, type DoubleOptions, type Fault, type Method } from './server.js';
export { failures } from './wire.js';
