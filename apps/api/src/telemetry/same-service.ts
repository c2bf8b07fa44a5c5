/** How a service may be named. */

/** Whether both name one service, either of them perhaps by a shorter form: `reviews`, `reviews.shop`, the whole host. */
export function sameService(name: string | undefined, asked: string): boolean {
  return (
    name !== undefined &&
    name !== "" &&
    (name === asked || name.startsWith(`${asked}.`) || asked.startsWith(`${name}.`))
  );
}
