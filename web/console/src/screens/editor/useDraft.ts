import { CallError, type invoice as pb } from "@invoice-app/client";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { rememberInvoice } from "../../api/cache.js";
import { product } from "../../app/product.js";
import { blankDraft, draftToForm, sameDraft, withBuyer, type Defaults, type DraftForm } from "./draft.js";
import { lineIds } from "./lineIds.js";
import { readDraft } from "./readDraft.js";
import { beginSave, settleSave, type PendingSave } from "./saver.js";
import { Stash } from "./stash.js";

export interface Draft {
  readonly form: DraftForm;
  change(part: Partial<DraftForm>): void;
  readonly isDirty: boolean;
  /** What was typed was found again after a reload or a new sign-in. */
  readonly isRecovered: boolean;
  readonly saving: "no" | "busy" | "waiting";
  /** The draft as the server last gave it; undefined before the first save. */
  readonly stored: pb.Invoice | undefined;
  /** Somebody else has changed it since; saving would be refused. */
  readonly theirs: pb.Invoice | undefined;
  /**
   * Saves what is typed now. `over`: over what somebody else has saved.
   *
   * @throws CallError what the server refuses.
   */
  save(options?: { over: boolean }): Promise<pb.Invoice>;
  /** Back to what the server has. */
  discard(): void;
  /** Forgets what was kept, since the draft is done with. */
  forget(): void;
}

export interface DraftSource {
  readonly userId: string;
  /** The draft as the server has it now; undefined for a new one. */
  readonly latest: pb.Invoice | undefined;
  /** What a new one begins with. */
  readonly defaults: Defaults | undefined;
  readonly onCreated: (id: string) => void;
}

export function useDraft({ userId, latest, defaults, onCreated }: DraftSource): Draft {
  const [stored, setStored] = useState(latest);
  const stash = useMemo(() => new Stash(userId, stored?.id ?? "new"), [userId, stored?.id]);
  const [found] = useState(() => stash.read());
  const [clean, setClean] = useState(() => (latest === undefined ? blankDraft(defaults) : draftToForm(latest)));
  const [form, setForm] = useState(found?.form ?? clean);
  const [isRecovered, setRecovered] = useState(found !== undefined && !sameDraft(found.form, clean));
  const [etag, setEtag] = useState(found?.etag ?? latest?.etag ?? "");
  const [pending, setPending] = useState<PendingSave | null>(found?.pending ?? null);
  const [saving, setSaving] = useState<Draft["saving"]>("no");
  const abort = useRef<AbortController>(undefined);
  useEffect(() => () => abort.current?.abort(), []);

  const isDirty = !sameDraft(form, clean);
  useEffect(() => {
    if (isDirty || pending !== null) {
      stash.write({ form, etag, pending });
    } else {
      stash.clear();
    }
  }, [stash, form, etag, pending, isDirty]);

  const settle = useCallback(
    async (save: PendingSave, sent: DraftForm | undefined): Promise<pb.Invoice> => {
      const controller = new AbortController();
      abort.current = controller;
      setPending(save);
      setSaving("busy");
      try {
        const saved = await settleSave(product.invoices, save, {
          signal: controller.signal,
          onWaiting: () => setSaving("waiting"),
        });
        const withIds = lineIds(saved, sent);
        setStored(saved);
        setEtag(saved.etag);
        setClean(sent === undefined ? draftToForm(saved) : withBuyer(withIds(sent), saved));
        setForm((current) => withBuyer(withIds(current), saved));
        setPending(null);
        rememberInvoice(saved);
        if (save.kind === "create") {
          stash.clear();
          onCreated(saved.id);
        }
        return saved;
      } catch (failure) {
        if (!controller.signal.aborted) {
          // Answered, by a refusal: it has had no effect.
          setPending(null);
        }
        throw failure;
      } finally {
        setSaving("no");
      }
    },
    [onCreated, stash],
  );

  // A save of before the reload goes first.
  const resumed = useRef(false);
  useEffect(() => {
    if (found?.pending && !resumed.current) {
      resumed.current = true;
      settle(found.pending, undefined).catch(() => undefined);
    }
  }, [found, settle]);

  const isTheirs = latest !== undefined && stored !== undefined && latest.etag !== etag && isNewer(latest, stored);
  const load = useCallback((invoice: pb.Invoice) => {
    const loaded = draftToForm(invoice);
    setStored(invoice);
    setEtag(invoice.etag);
    setClean(loaded);
    setForm(loaded);
  }, []);
  useEffect(() => {
    if (isTheirs && !isDirty && saving === "no") {
      load(latest);
    }
  }, [isTheirs, isDirty, saving, latest, load]);

  return {
    form,
    isDirty,
    isRecovered,
    saving,
    stored,
    theirs: isTheirs && isDirty && saving === "no" ? latest : undefined,
    change: useCallback((part) => setForm((current) => ({ ...current, ...part })), []),
    save: async ({ over } = { over: false }) => {
      const target = stored && { id: stored.id, etag: over ? (latest?.etag ?? "") : etag };
      return settle(beginSave(readDraft(form).invoice, target), form);
    },
    discard: () => {
      setRecovered(false);
      if (latest === undefined) {
        setForm(clean);
      } else {
        load(latest);
      }
    },
    forget: () => stash.clear(),
  };
}

function isNewer(one: pb.Invoice, other: pb.Invoice): boolean {
  const [a, b] = [one.updateTime, other.updateTime];
  return a !== undefined && b !== undefined && (a.seconds > b.seconds || (a.seconds === b.seconds && a.nanos >= b.nanos));
}

/** Whether a save was refused because somebody else was faster. */
export function isConflict(failure: unknown): boolean {
  return CallError.from(failure).reason === "ETAG_MISMATCH";
}
