/** Tests are TypeScript, run as native ES modules; each file in a process of its own. */
export default {
  testEnvironment: '<rootDir>/test/support/environment.js',
  roots: ['<rootDir>/test'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: { '^.+\\.ts$': '<rootDir>/test/support/transform.js' },
  // Much of a test's time is waiting for disks and other processes.
  maxWorkers: 2,
  // Modules of each file stay in memory until its worker ends.
  workerIdleMemoryLimit: '1GB',
  testTimeout: 60_000,
  reporters: ['default', '<rootDir>/test/support/countReporter.js'],
};
