/** How response codes are asked for. */

/** `5xx` and `404` as the lowest and highest code they mean; anything else means none. */
export function statusRange(status: string): [number, number] {
  if (/^[1-5]xx$/i.test(status)) return [Number(status[0]) * 100, Number(status[0]) * 100 + 99];
  return /^\d{1,3}$/.test(status) ? [Number(status), Number(status)] : [-1, -1];
}
