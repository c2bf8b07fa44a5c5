export function NewObjectPage() {
  return null;
}
