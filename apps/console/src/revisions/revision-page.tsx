export function RevisionPage() {
  return null;
}
