/** The details service: what a book's cover page says. */
import { json, serve } from "./service.ts";

serve("details", ({ url }) => {
  const id = /^\/details\/(\d+)$/.exec(url.pathname)?.[1];
  if (!id) return json(404, { error: "no such page; try /details/0" });
  return json(200, {
    id: Number(id),
    author: "William Shakespeare",
    year: 1595,
    type: "paperback",
    pages: 200,
    publisher: "PublisherA",
    language: "English",
    "ISBN-10": "1234567890",
    "ISBN-13": "123-1234567890",
  });
});
