// A menu behind a button, by the menu button pattern of the ARIA Authoring Practices: arrows, Home, End and first letters
// move, Escape and Tab close, and the focus goes back to the button. The browser's popover puts it above everything.

import { Fragment, useId, useRef, useState, type KeyboardEvent } from "react";
import { Icon, type IconName } from "./Icon.js";

export interface MenuAction {
  readonly name: string;
  readonly icon: IconName;
  readonly danger?: boolean;
  readonly act: () => void;
}

/** What is done less often. A line parts what destroys from what does not. */
export function ActionMenu({ label, actions }: { label: string; actions: readonly MenuAction[] }) {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const menu = useRef<HTMLDivElement>(null);
  const [isOpen, setOpen] = useState(false);
  const firstDanger = actions.findIndex(({ danger }) => danger === true);

  const items = () => [...(menu.current?.querySelectorAll<HTMLElement>('[role="menuitem"]') ?? [])];
  const open = (at: 0 | -1) => {
    menu.current?.showPopover();
    items().at(at)?.focus();
  };
  const close = () => {
    menu.current?.hidePopover();
    button.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const all = items();
    const at = all.indexOf(document.activeElement as HTMLElement);
    const next = nextItem(event.key, at, all.map((item) => item.textContent ?? ""));
    if (next !== undefined) {
      event.preventDefault();
      all[next]?.focus();
    } else if (event.key === "Tab") {
      close();
    }
  };
  return (
    <div className="menu-place">
      <button
        ref={button}
        type="button"
        className="button icon-only"
        aria-label={label}
        aria-haspopup="menu"
        aria-expanded={isOpen}
        aria-controls={id}
        onClick={() => (isOpen ? close() : open(0))}
        onKeyDown={(event) => {
          if (event.key === "ArrowDown" || event.key === "ArrowUp") {
            event.preventDefault();
            open(event.key === "ArrowDown" ? 0 : -1);
          }
        }}
      >
        <Icon name="more" />
      </button>
      <div
        ref={menu}
        id={id}
        popover="auto"
        role="menu"
        aria-label={label}
        className="menu"
        onToggle={({ newState }) => setOpen(newState === "open")}
        onKeyDown={onKeyDown}
      >
        {actions.map(({ name, icon, danger, act }, at) => (
          <Fragment key={name}>
            {at > 0 && at === firstDanger && <div role="separator" className="menu-line" />}
            <button
              type="button"
              role="menuitem"
              tabIndex={-1}
              className={`menu-item ${danger ? "bad" : ""}`}
              onClick={() => {
                close();
                act();
              }}
            >
              <Icon name={icon} />
              {name}
            </button>
          </Fragment>
        ))}
      </div>
    </div>
  );
}

/** Where a key leads in a menu; undefined when nowhere. */
export function nextItem(key: string, at: number, names: readonly string[]): number | undefined {
  const { length } = names;
  switch (key) {
    case "ArrowDown":
      return (at + 1) % length;
    case "ArrowUp":
      return (at - 1 + length) % length;
    case "Home":
      return 0;
    case "End":
      return length - 1;
    default: {
      // The next name that begins with the letter, going round.
      const order = names.map((_, step) => (at + 1 + step) % length);
      const isLetter = key.length === 1 && key !== " ";
      return isLetter
        ? order.find((place) => names[place]?.toLowerCase().startsWith(key.toLowerCase()))
        : undefined;
    }
  }
}
