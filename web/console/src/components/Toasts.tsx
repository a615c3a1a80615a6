// Short words about what has just been done.

import { createContext, useCallback, useContext, useRef, useState, type ReactNode } from "react";

const SHOWN_MS = 6_000;
const AT_MOST = 3;

const Say = createContext<(text: string) => void>(() => undefined);

/** Says something at the edge of the screen, aloud too. */
export function useToast(): (text: string) => void {
  return useContext(Say);
}

export function Toasts({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<readonly { id: number; text: string }[]>([]);
  const last = useRef(0);
  const dismiss = useCallback((id: number) => setToasts((shown) => shown.filter((toast) => toast.id !== id)), []);
  const say = useCallback(
    (text: string) => {
      const id = (last.current += 1);
      setToasts((shown) => [...shown, { id, text }].slice(-AT_MOST));
      window.setTimeout(() => dismiss(id), SHOWN_MS);
    },
    [dismiss],
  );
  return (
    <Say value={say}>
      {children}
      <div className="toasts" role="status">
        {toasts.map(({ id, text }) => (
          <div key={id} className="toast">
            <p>{text}</p>
            <button type="button" onClick={() => dismiss(id)}>
              Dismiss
            </button>
          </div>
        ))}
      </div>
    </Say>
  );
}
