/** The version that the API reports; the package's own, which a test holds it to. */
export const VERSION = "0.1.0";
