/** Time that this thread itself has worked, in milliseconds: unlike a clock's, a busy machine does not add to it. */
export function cpuTime(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
