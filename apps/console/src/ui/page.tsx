/** A page: its title, what can be done, its body. */
import { type ReactNode, useEffect } from "react";

interface PageProps {
  title: string;
  /** Stands before the title: the list that this page belongs to. */
  crumb?: ReactNode;
  /** Beside the title. */
  beside?: ReactNode;
  actions?: ReactNode;
  /** The body takes the window's height and scrolls inside itself. */
  fill?: boolean;
  children: ReactNode;
}

export function Page({ title, crumb, beside, actions, fill = false, children }: PageProps) {
  useEffect(() => {
    if (title !== "") document.title = `${title} · Heddle`;
  }, [title]);
  return (
    <div className={`page__body${fill ? " page__body--fill" : ""}`}>
      <header className="page__head">
        {crumb ? <span className="crumb">{crumb}</span> : null}
        <h1 className="cut">{title === "" ? "\u00a0" : title}</h1>
        {beside}
        <span className="spread" />
        {actions}
      </header>
      {children}
    </div>
  );
}
