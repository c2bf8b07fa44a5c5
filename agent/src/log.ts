/** The agent's log: one JSON document a line, on standard error. Secrets never go in. */

type Fields = Readonly<Record<string, unknown>>;

export interface AgentLog {
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
}

export function createLog(
  write: (line: string) => void = (line) => void process.stderr.write(line),
): AgentLog {
  const at =
    (level: string) =>
    (message: string, fields: Fields = {}) =>
      write(`${JSON.stringify({ time: new Date().toISOString(), level, message, ...fields })}\n`);
  return { info: at("info"), warn: at("warn"), error: at("error") };
}
