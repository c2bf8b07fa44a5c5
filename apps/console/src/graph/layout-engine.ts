/** The layout engine in a worker of its own, so that a large graph never holds up the page. */
import type { ElkNode } from "elkjs/lib/elk-api.js";
import engineUrl from "elkjs/lib/elk-worker.min.js?url";

interface Reply {
  id: number;
  data?: ElkNode;
  error?: { message?: string };
}

interface Waiting {
  resolve: (answer: ElkNode) => void;
  reject: (error: Error) => void;
}

let worker: Worker | undefined;
let asked = 0;
const waiting = new Map<number, Waiting>();

/** Lays a graph out. The worker starts with the first question and stays. */
export function layOut(graph: ElkNode): Promise<ElkNode> {
  worker ??= startWorker();
  const id = ++asked;
  const answer = new Promise<ElkNode>((resolve, reject) => waiting.set(id, { resolve, reject }));
  worker.postMessage({ id, cmd: "layout", graph, layoutOptions: {}, options: {} });
  return answer;
}

function startWorker(): Worker {
  const made = new Worker(engineUrl);
  made.onmessage = ({ data }: MessageEvent<Reply>) => {
    const asker = waiting.get(data.id);
    waiting.delete(data.id);
    if (data.error) asker?.reject(new Error(data.error.message ?? "The layout engine failed."));
    else if (data.data) asker?.resolve(data.data);
  };
  made.onerror = (event) => {
    worker = undefined;
    for (const { reject } of waiting.values())
      reject(new Error(event.message || "The layout engine did not load."));
    waiting.clear();
  };
  made.postMessage({ id: 0, cmd: "register", algorithms: ["layered"] });
  return made;
}
