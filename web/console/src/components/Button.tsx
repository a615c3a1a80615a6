import type { ComponentProps } from "react";
import { Icon, type IconName } from "./Icon.js";
import { Spinner } from "./Spinner.js";

interface ButtonProps extends ComponentProps<"button"> {
  kind?: "primary" | "danger" | "quiet" | "plain";
  icon?: IconName | undefined;
  /** Its work is under way: it keeps the focus, shows that it works, and does nothing more. */
  busy?: boolean | undefined;
  small?: boolean;
  wide?: boolean;
}

export function Button({ kind = "plain", icon, busy = false, small, wide, className, children, ...rest }: ButtonProps) {
  const classes = ["button", kind, small && "small", wide && "wide", children === undefined && "icon-only", className];
  return (
    <button
      type="button"
      {...rest}
      className={classes.filter(Boolean).join(" ")}
      aria-disabled={busy || undefined}
      onClick={busy ? (event) => event.preventDefault() : rest.onClick}
    >
      {busy ? <Spinner /> : icon !== undefined && <Icon name={icon} />}
      {children}
    </button>
  );
}
