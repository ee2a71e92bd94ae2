// What the command line understands, and how it says that it did not.

/** The command line does not fit; the message is one clear line. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const usage = `Usage: contacts <command> [options]

  serve                       start the service; settings come from the environment
  token --org ORG --sub SUB   print a token for trying it, signed with its secret
        [--scope "SCOPE …"]   what it allows; without, everything of the organization
        [--expires 12h]       how long it is good: seconds, or a number with s, m, h or d
  help                        print this
`;
