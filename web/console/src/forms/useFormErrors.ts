import { CallError, type FieldViolation } from "@invoice-app/client";
import { useCallback, useEffect, useMemo, useRef, useState, type RefObject } from "react";
import { failureText, violationText } from "../text/reasons.js";
import { NO_VIOLATIONS, placeViolations, renamed, type PlacedViolations } from "./violations.js";

export interface FormErrors {
  readonly form: RefObject<HTMLFormElement | null>;
  readonly placed: PlacedViolations;
  /** What is wrong with what is typed now, as far as it is known without sending the form. */
  readonly live: PlacedViolations;
  /** What is wrong with the whole form; blank when nothing is. */
  readonly summary: string;
  /** Shows a failed call: its violations at their inputs, the first of which gets the focus, or what went wrong. */
  show(failure: unknown, names?: Readonly<Record<string, string>>): void;
  /** As {@link show}, for what was found before anything was sent. */
  showViolations(violations: readonly FieldViolation[]): void;
  /** Shows what is wrong now at its inputs, and takes the focus nowhere. Replaces what was shown so before. */
  showLive(violations: readonly FieldViolation[]): void;
  /** The person has changed this input, so that what was said of it may not hold any more. */
  touched(input: string): void;
  clear(): void;
}

/** What the server said of a form, at its inputs. */
export function useFormErrors(): FormErrors {
  const form = useRef<HTMLFormElement>(null);
  const [placed, setPlaced] = useState<PlacedViolations>(NO_VIOLATIONS);
  const [live, setLive] = useState<PlacedViolations>(NO_VIOLATIONS);
  const [summary, setSummary] = useState("");
  const [focusTurn, setFocusTurn] = useState(0);

  useEffect(() => {
    if (focusTurn > 0) {
      const wrong = form.current?.querySelectorAll<HTMLElement>('[aria-invalid="true"], [role="alert"]') ?? [];
      for (const input of wrong) {
        // Nobody sees it in a folded part.
        input.closest("details")?.setAttribute("open", "");
      }
      const [first] = wrong;
      first?.focus();
      first?.scrollIntoView({ block: "center" });
    }
  }, [focusTurn]);

  const showViolations = useCallback((violations: readonly FieldViolation[]) => {
    const next = placeViolations(violations, namesOf(form.current), violationText);
    setPlaced(next);
    setSummary(next.elsewhere.map(violationText).join(" "));
    setFocusTurn((turn) => turn + 1);
  }, []);

  const showLive = useCallback((violations: readonly FieldViolation[]) => {
    setLive(violations.length === 0 ? NO_VIOLATIONS : placeViolations(violations, namesOf(form.current), violationText));
  }, []);

  const show = useCallback(
    (failure: unknown, names: Readonly<Record<string, string>> = {}) => {
      const error = CallError.from(failure);
      if (error.fieldViolations.length > 0) {
        showViolations(renamed(error.fieldViolations, names));
      } else {
        setPlaced(NO_VIOLATIONS);
        setSummary(failureText(error));
        setFocusTurn((turn) => turn + 1);
      }
    },
    [showViolations],
  );

  const touched = useCallback((input: string) => {
    setPlaced((current) => {
      if (!current.atInput.has(input)) {
        return current;
      }
      const atInput = new Map(current.atInput);
      atInput.delete(input);
      return { ...current, atInput };
    });
  }, []);

  const clear = useCallback(() => {
    setPlaced(NO_VIOLATIONS);
    setSummary("");
  }, []);

  return useMemo(
    () => ({ form, placed, live, summary, show, showViolations, showLive, touched, clear }),
    [placed, live, summary, show, showViolations, showLive, touched, clear],
  );
}

/** The inputs' names, in the order in which people meet them. */
function namesOf(form: HTMLFormElement | null): string[] {
  const elements = [...(form?.elements ?? [])] as Partial<HTMLInputElement>[];
  return elements.map(({ name }) => name ?? "").filter((name) => name !== "");
}
