import type { ReactNode } from "react";
import { Icon, type IconName } from "./Icon.js";

/** Says why there is nothing to see, and what to do about it. */
export function Empty(props: { icon: IconName; title: string; heading?: "h1" | "h2"; children?: ReactNode }) {
  const Heading = props.heading ?? "h2";
  return (
    <div className="empty">
      <span className="empty-mark">
        <Icon name={props.icon} />
      </span>
      <Heading>{props.title}</Heading>
      {props.children}
    </div>
  );
}
