// Prints, last, one plain line with the counts of tests, and why a test was skipped where it says so.

export default class CountReporter {
  onRunComplete(_contexts, { testResults, numPassedTests, numFailedTests, numPendingTests, numRuntimeErrorTestSuites }) {
    for (const { testResults: tests } of testResults) {
      for (const { status, fullName } of tests) if (status === 'pending') console.log(`skipped: ${fullName}`);
    }
    const failed = numFailedTests + numRuntimeErrorTestSuites;
    const skipped = numPendingTests > 0 ? `, ${numPendingTests} skipped` : '';
    console.log(`${numPassedTests} passed, ${failed} failed${skipped}`);
  }
}
