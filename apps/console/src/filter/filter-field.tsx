/** The filter of a page: typed text with completion of fields, kept in the URL as `q`. */
import { type KeyboardEvent, useEffect, useState } from "react";
import { usePageSearch } from "../route/page-search.ts";
import { Icon } from "../ui/icon.tsx";
import { completions, type Field, type Query } from "./query.ts";

/** The URL follows the typing after this pause. */
const SETTLE_MS = 250;

interface FilterFieldProps<Row> {
  fields: readonly Field<Row>[];
  /** The parsed filter, whose problems are shown. */
  query: Query;
  placeholder: string;
}

export function FilterField<Row>({ fields, query, placeholder }: FilterFieldProps<Row>) {
  const [{ q = "" }, change] = usePageSearch();
  const [text, setText] = useState(q);
  const [focused, setFocused] = useState(false);
  const [at, setAt] = useState(-1);
  useEffect(() => setText((old) => (old.trim() === q ? old : q)), [q]);
  useEffect(() => {
    if (text.trim() === q) return;
    const timer = setTimeout(() => change({ q: text.trim() || undefined }), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [text, q, change]);

  const offered = focused ? completions(text, fields) : [];
  function accept(insert: string) {
    setText(insert);
    setAt(-1);
  }
  function onKey(event: KeyboardEvent<HTMLInputElement>) {
    const chosen = offered[at];
    if (event.key === "ArrowDown" && offered.length > 0) setAt((at + 1) % offered.length);
    else if (event.key === "ArrowUp" && offered.length > 0)
      setAt((at - 1 + offered.length) % offered.length);
    else if ((event.key === "Enter" || event.key === "Tab") && chosen) accept(chosen.insert);
    else if (event.key === "Escape") event.currentTarget.blur();
    else return;
    event.preventDefault();
  }

  return (
    <div className="filter">
      <Icon name="search" />
      <input
        className="input mono"
        data-filter
        role="combobox"
        aria-label="Filter"
        aria-expanded={offered.length > 0}
        aria-autocomplete="list"
        spellCheck={false}
        autoCapitalize="off"
        placeholder={placeholder}
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setAt(-1);
        }}
        onFocus={() => setFocused(true)}
        onBlur={() => setFocused(false)}
        onKeyDown={onKey}
      />
      {focused || text !== "" ? null : <kbd>/</kbd>}
      {offered.length > 0 ? (
        <ul className="filter__list" role="listbox" aria-label="Fields">
          {offered.map((item, index) => (
            <li
              key={item.insert}
              role="option"
              aria-selected={index === at}
              onMouseDown={(event) => {
                event.preventDefault();
                accept(item.insert);
              }}
            >
              <code>{item.insert.slice(text.lastIndexOf(" ") + 1)}</code>
              <span className="muted">{item.about}</span>
            </li>
          ))}
        </ul>
      ) : null}
      {query.problems.length > 0 && !focused ? (
        <p className="filter__problem">{query.problems.join("; ")}</p>
      ) : null}
    </div>
  );
}
