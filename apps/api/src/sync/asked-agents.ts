/** Questions that are put to a mesh's agents, and their answers as they come. */
import type { Effect } from "@heddle/sync";

/** What the agents of a mesh say that an object has become. */
export interface AskedEffect {
  readonly answers: readonly { readonly agent: string; readonly effect: Effect }[];
  /** Names of agents that were asked and did not answer in time. */
  readonly silent: readonly string[];
}

/** An agent that is there answers within a fraction of this, milliseconds. */
const ANSWER_WITHIN = 3_000;

interface Question {
  /** Names of those that have yet to answer, by id. */
  readonly asked: Map<string, string>;
  readonly answers: { agent: string; effect: Effect }[];
  readonly done: () => void;
}

export interface AskedAgents {
  /** `send` asks, with the question's id; resolves when all have answered or time is over. */
  ask(
    agents: Iterable<{ readonly id: string; readonly name: string }>,
    send: (id: string) => void,
  ): Promise<AskedEffect>;
  answered(agent: string, id: string, effect: Effect): void;
  gone(agent: string): void;
}

export function createAskedAgents(): AskedAgents {
  const open = new Map<string, Question>();
  const withdraw = (question: Question, agent: string) => {
    if (question.asked.delete(agent) && question.asked.size === 0) question.done();
  };
  return {
    async ask(agents, send) {
      const asked = new Map(Array.from(agents, ({ id, name }) => [id, name]));
      if (asked.size === 0) return { answers: [], silent: [] };
      const id = crypto.randomUUID();
      const answers: Question["answers"] = [];
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
    answered(agent, id, effect) {
      const question = open.get(id);
      const name = question?.asked.get(agent);
      if (!question || name === undefined) return;
      question.answers.push({ agent: name, effect });
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
