import { useQuery } from "@connectrpc/connect-query";
import { CallError, type FieldViolation, type invoice as pb } from "@invoice-app/client";
import { InvoiceService } from "@invoice-app/client/services";
import { keepPreviousData } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import type { DraftForm } from "./draft.js";
import { readDraft } from "./readDraft.js";

/** After so many milliseconds without a key the server is asked. */
const PAUSE_MS = 250;

export interface Preview {
  /** The figures, without what cannot be read; those of the last draft that could be computed. */
  readonly invoice: pb.Invoice | undefined;
  /** Newer ones are on their way, or cannot be had. */
  readonly isOld: boolean;
  /** What keeps the server from computing what is typed now. */
  readonly violations: readonly FieldViolation[];
}

/** What the draft comes to, by the server, while it is being typed. */
export function usePreview(form: DraftForm): Preview {
  const settled = usePaused(form);
  const { invoice, violations: unreadable } = useMemo(() => readDraft(settled), [settled]);
  const preview = useQuery(
    InvoiceService.method.previewInvoice,
    { invoice },
    {
      placeholderData: keepPreviousData,
      gcTime: 10_000,
      staleTime: Infinity,
    },
  );
  const refused = useMemo(() => (preview.error ? CallError.from(preview.error).fieldViolations : []), [preview.error]);
  return {
    invoice: preview.data,
    isOld: settled !== form || preview.isPlaceholderData || preview.isError || unreadable.length > 0,
    violations: unreadable.length > 0 ? unreadable : refused,
  };
}

function usePaused<T>(value: T): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = window.setTimeout(() => setSettled(value), PAUSE_MS);
    return () => window.clearTimeout(timer);
  }, [value]);
  return settled;
}
