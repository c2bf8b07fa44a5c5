/** Which image of stock Envoy a proxy runs. */
import type { Report } from "./finding.ts";
import type { ImageType } from "./proxy-settings.ts";

/** What Envoy's project puts in front of a release's tag. */
const PREFIX: Readonly<Record<ImageType, string>> = {
  default: "",
  distroless: "distroless-",
  debug: "debug-",
};
const ANY_PREFIX = /^(?:distroless|debug|contrib|contrib-debug|contrib-distroless)-/;

/** Images with Istio's launcher in them, which wants to be told what Envoy does not know. */
const ISTIOS_OWN = /(?:^|\/)proxyv2(?:[:@]|$)/;

/** `repository:v1.40.0` as the kind of image that was asked for; a digest says which it is, and stays. */
export function imageOfType(image: string, type: ImageType): string {
  if (image.includes("@")) return image;
  const colon = image.lastIndexOf(":");
  if (colon <= image.lastIndexOf("/")) return image;
  const tag = image.slice(colon + 1).replace(ANY_PREFIX, "");
  return `${image.slice(0, colon + 1)}${PREFIX[type]}${tag}`;
}

/** Whether a shell is in it, by its tag; images of other names are taken to be as Envoy's own. */
export function hasShell(image: string): boolean {
  return !/:(?:contrib-)?distroless-/.test(image);
}

/** The pod's own choice, where it is one that can run. */
export function checkedImage(image: string, report: Report): string | undefined {
  if (!ISTIOS_OWN.test(image)) return image;
  report({
    code: "HDL6002",
    level: "Error",
    path: "metadata.annotations",
    message: `sidecar.istio.io/proxyImage: ${image} is Istio's own image, whose launcher knows nothing of Heddle`,
    remedy: "Take the annotation out, or name an image of stock Envoy.",
  });
  return undefined;
}
