// Prints the files of which a test failed, one a line; nothing where there is no report or all is well.
// Usage: failed-files.mjs REPORT
import { fileName, hasFailed, readReport } from "./report.mjs";

for (const result of readReport(process.argv[2]) ?? [])
  if (hasFailed(result)) console.log(fileName(result));
