/** Questions that are put to a mesh's agents, and their answers as they come. */

/** What the agents of a mesh say. */
export interface Asked<T> {
  readonly answers: readonly { readonly agent: string; readonly answer: T }[];
  /** Names of agents that were asked and did not answer in time. */
  readonly silent: readonly string[];
}

/** An agent that is there answers within a fraction of this, milliseconds. */
const ANSWER_WITHIN = 3_000;

interface Question<T> {
  /** Names of those that have yet to answer, by id. */
  readonly asked: Map<string, string>;
  readonly answers: { agent: string; answer: T }[];
  readonly done: () => void;
}

export interface AskedAgents<T> {
  /** `send` asks, with the question's id; resolves when all have answered or time is over. */
  ask(
    agents: Iterable<{ readonly id: string; readonly name: string }>,
    send: (id: string) => void,
  ): Promise<Asked<T>>;
  answered(agent: string, id: string, answer: T): void;
  gone(agent: string): void;
}

export function createAskedAgents<T>(): AskedAgents<T> {
  const open = new Map<string, Question<T>>();
  const withdraw = (question: Question<T>, agent: string) => {
    if (question.asked.delete(agent) && question.asked.size === 0) question.done();
  };
  return {
    async ask(agents, send) {
      const asked = new Map(Array.from(agents, ({ id, name }) => [id, name]));
      if (asked.size === 0) return { answers: [], silent: [] };
      const id = crypto.randomUUID();
      const answers: Question<T>["answers"] = [];
      await new Promise<void>((done) => {
        const timer = setTimeout(done, ANSWER_WITHIN);
        const finish = () => {
          clearTimeout(timer);
          done();
        };
        open.set(id, { asked, answers, done: finish });
        send(id);
      });
      open.delete(id);
      return {
        answers: answers.toSorted((a, b) => (a.agent < b.agent ? -1 : 1)),
        silent: [...asked.values()].toSorted(),
      };
    },
    answered(agent, id, answer) {
      const question = open.get(id);
      const name = question?.asked.get(agent);
      if (!question || name === undefined) return;
      question.answers.push({ agent: name, answer });
      withdraw(question, agent);
    },
    gone(agent) {
      for (const question of open.values()) {
        // It will not answer any more, and is named as one that did not.
        const name = question.asked.get(agent);
        if (name !== undefined && question.asked.size === 1) question.done();
      }
    },
  };
}
