// Short words about what has just been done.

import { Toast } from "@base-ui/react/toast";
import { useMemo, type ReactNode } from "react";

export function Toasts({ children }: { children: ReactNode }) {
  return (
    <Toast.Provider timeout={5_000} limit={3}>
      {children}
      <Toast.Portal>
        <Toast.Viewport className="toasts">
          <Shown />
        </Toast.Viewport>
      </Toast.Portal>
    </Toast.Provider>
  );
}

function Shown() {
  const { toasts } = Toast.useToastManager();
  return toasts.map((toast) => (
    <Toast.Root key={toast.id} toast={toast} className="toast">
      <Toast.Title render={<p />} />
      <Toast.Close>Dismiss</Toast.Close>
    </Toast.Root>
  ));
}

/** Says something at the edge of the screen, aloud too. */
export function useToast(): (text: string) => void {
  const { add } = Toast.useToastManager();
  return useMemo(() => (text: string) => void add({ title: text }), [add]);
}
