/** What injection has to say about one pod or gateway. */
import type { Diagnostic } from "@heddle/model";

/** The origin is added by whoever knows what object the pod belongs to. */
export type Finding = Pick<Diagnostic, "code" | "level" | "message" | "remedy" | "path">;

export type Report = (finding: Finding) => void;

export const isError = ({ level }: Finding): boolean => level === "Error";
