/** `heddle agent`: serves a cluster's proxies; its own commands ask one that does. */
import { Command } from "commander";
import { agentGraphCommand } from "./agent-graph.ts";
import { untilSignal } from "./until-signal.ts";

/** Options behind one of its own commands are of that command, though some are called as its own are. */
export function agentCommand(): Command {
  return new Command("agent")
    .enablePositionalOptions()
    .addCommand(debugCommand())
    .description("run the agent: configuration and certificates down to proxies, telemetry up")
    .option("--plane <url>", "the hosted plane (HEDDLE_URL)")
    .option("--token <token>", "the agent's token or a one-time join token (HEDDLE_TOKEN)")
    .option("--token-file <file>", "a file that holds the token, such as one of a Secret")
    .option("--mesh <mesh>", "the mesh to serve (HEDDLE_MESH)")
    .option("--name <name>", "what the agent calls itself; its host's name without it")
    .option("--standalone", "without a plane: configuration from the cluster and from files alone")
    .option("--config <dir>", "a folder of Kubernetes and mesh resources, watched")
    .option("--kubernetes", "follow the cluster: the pod's own, or the kubeconfig's (KUBECONFIG)")
    .option("--kubeconfig <file>", "follow the cluster of this kubeconfig")
    .option("--context <name>", "of the kubeconfig; its current one without it")
    .option("--revision <name>", "the revision that this installation is of", "default")
    .option("--state <dir>", "where the last good state is kept", ".heddle/agent")
    .option("--xds <address>", "serve xDS in plaintext at this address, such as 127.0.0.1:15010")
    .option(
      "--xds-tls <address>",
      "serve xDS by TLS to pods and machines that present their tokens, or off; 0.0.0.0:15012 in a pod that follows its cluster",
    )
    .option(
      "--xds-name <name>",
      "a further DNS name of the agent for its certificate; may be given again",
      (name: string, names: string[]) => [...names, name],
      [],
    )
    .option(
      "--vm-grace <duration>",
      "how long after a machine of a WorkloadGroup has gone its WorkloadEntry goes",
      "10s",
    )
    .option("--metrics <address>", "own metrics, health and debugging, or off", "127.0.0.1:15014")
    .option(
      "--webhook <address>",
      "serve the injection and validation webhooks here, or off",
      "off",
    )
    .option(
      "--otlp <address>",
      "where proxies send spans and access logs in plaintext, or off",
      "127.0.0.1:4317",
    )
    .option(
      "--otlp-tls <address>",
      "where pods that present their tokens send them by TLS, or off; port 15013 beside --xds-tls",
    )
    .option(
      "--rate-limit-agents <addresses>",
      "xDS addresses of all agents that count global rate limits together",
    )
    .option("--rate-limit-self <address>", "this agent among them, where it is not what --xds says")
    .option(
      "--jwks-allow <hosts>",
      "hosts and ranges, comma-separated, that keys of issuers may be fetched from though they are internal",
    )
    .option("--cluster-id <id>", "what the cluster is called in metrics and endpoints")
    .option("--network <name>", "the network of workloads that do not say theirs")
    .option(
      "--endpoints-ttl <duration>",
      "how long the mesh's other clusters keep this one's endpoints when the agent is gone",
      "60s",
    )
    .option("--certificate-lifetime <duration>", "how long workload certificates live, such as 24h")
    .option("--certificate-issuer <who>", "agent: with an intermediate of the plane's; or plane")
    .option("--trust-domain <domain>", "with --standalone: the trust domain")
    .option("--root-namespace <namespace>", "with --standalone: the root namespace")
    .option("--scrape-interval <seconds>", "how often proxies are scraped", Number)
    .option(
      "--roles <roles>",
      "what this process does: control, telemetry or both",
      "control,telemetry",
    )
    .action(async (flags: Record<string, unknown>) => {
      const { parseAgentOptions, startAgent } = await import("@heddle/agent");
      const agent = await startAgent(parseAgentOptions(flags, process.env));
      await untilSignal();
      await agent.close();
      process.exit(0);
    });
}

function debugCommand(): Command {
  return new Command("debug")
    .description("what an agent that runs says of its own work")
    .addCommand(agentGraphCommand());
}
