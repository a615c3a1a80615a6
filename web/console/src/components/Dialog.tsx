import { useEffect, useId, useRef, type ReactNode } from "react";

interface DialogProps {
  open: boolean;
  onClose: () => void;
  title: string;
  /** One sentence on what will happen. */
  text?: ReactNode;
  broad?: boolean;
  children: ReactNode;
}

/**
 * A question over the screen. It is the browser's own modal dialog: the rest of the page is inert, the focus stays inside,
 * Escape closes it, and the focus goes back to where it was.
 */
export function Dialog({ open, ...rest }: DialogProps) {
  return open ? <Modal {...rest} /> : null;
}

function Modal({ onClose, title, text, broad, children }: Omit<DialogProps, "open">) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const { current } = dialog;
    const before = document.activeElement;
    current?.showModal();
    return () => {
      current?.close();
      if (before instanceof HTMLElement) {
        before.focus();
      }
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      className={`dialog ${broad ? "broad" : ""}`}
      aria-labelledby={`${id}-title`}
      aria-describedby={text === undefined ? undefined : `${id}-text`}
      onCancel={(event) => {
        // React takes it away, not the browser.
        event.preventDefault();
        onClose();
      }}
      onMouseDown={(event) => {
        // Beside the dialog, on its backdrop.
        if (event.target === event.currentTarget) {
          onClose();
        }
      }}
    >
      <div className="stack dialog-inside">
        <h2 id={`${id}-title`}>{title}</h2>
        {text !== undefined && (
          <p id={`${id}-text`} className="soft">
            {text}
          </p>
        )}
        {children}
      </div>
    </dialog>
  );
}
