import { useEffect, useRef, type ReactNode } from "react";
import { Link, useNavigationType } from "react-router";
import { Icon } from "./Icon.js";

interface PageHeadProps {
  title: string;
  /** Beside the title: a badge. */
  beside?: ReactNode;
  back?: { to: string; name: string };
  /** What can be done here. */
  children?: ReactNode;
}

/** The head of a screen. It names the window, and takes the focus when one comes from another screen. */
export function PageHead({ title, beside, back, children }: PageHeadProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  const arrivedBy = useNavigationType();
  useEffect(() => {
    document.title = `${title} · invoice-app`;
  }, [title]);
  useEffect(() => {
    if (arrivedBy !== "REPLACE") {
      heading.current?.focus({ preventScroll: true });
    }
    // Only on arrival.
  }, []);
  return (
    <div className="page-head">
      {back !== undefined && (
        <Link className="back" to={back.to}>
          <Icon name="back" />
          {back.name}
        </Link>
      )}
      <div className="row">
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {beside}
      </div>
      {children !== undefined && <div className="row">{children}</div>}
    </div>
  );
}
