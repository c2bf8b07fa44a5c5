import { expect, test } from "vitest";
import { explainDenial, explainDryRun } from "./denial.ts";

const line = (attributes: Record<string, string | number>) => ({ attributes });

test("names the policy that denied, with its rule", () => {
  expect(
    explainDenial(
      line({
        "heddle.authorization.decision": "denied by a policy",
        "heddle.authorization.policy": "shop/deny-old",
        "heddle.authorization.rule": 2,
      }),
    ),
  ).toMatchObject({
    title: "denied by an AuthorizationPolicy, rule 2",
    policies: ["shop/deny-old"],
  });
});

test("names the policies of which none let a request in", () => {
  expect(
    explainDenial(
      line({
        "heddle.authorization.decision": "allowed by no policy",
        "heddle.authorization.policy": "mesh/all,shop/buyers",
      }),
    ),
  ).toMatchObject({
    title: "let in by no AuthorizationPolicy",
    policies: ["mesh/all", "shop/buyers"],
  });
});

test("says nothing of what was let in, and of what is no decision", () => {
  expect(explainDenial(line({}))).toBeUndefined();
  expect(explainDenial(line({ "heddle.authorization.decision": "constructor" }))).toBeUndefined();
});

test("tells what policies that are tried out would do", () => {
  expect(
    explainDryRun(
      line({
        "heddle.authorization.dry_run.deny": "denied",
        "heddle.authorization.dry_run.deny_rule": "shop/tried rule 0",
      }),
    ),
  ).toBe("would be denied by shop/tried rule 0");
  expect(explainDryRun(line({ "heddle.authorization.dry_run.allow": "denied" }))).toBe(
    "would be let in by no policy that is tried out",
  );
  expect(explainDryRun(line({ "heddle.authorization.dry_run.allow": "allowed" }))).toBeUndefined();
});
