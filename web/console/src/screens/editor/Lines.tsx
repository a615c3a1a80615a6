import { useCallback, useRef } from "react";
import type { invoice as pb } from "@invoice-app/client";
import { Button } from "../../components/Button.js";
import { blankLine, type DraftForm, type LineForm } from "./draft.js";
import { LineRow } from "./LineRow.js";

interface LinesProps {
  form: DraftForm;
  preview: pb.Invoice | undefined;
  onChange: (lines: LineForm[]) => void;
}

export function Lines({ form, preview, onChange }: LinesProps) {
  const list = useRef<HTMLUListElement>(null);
  // The rows' callbacks stay the same, so that typing in one of 500 lines draws only that one.
  const now = useRef({ lines: form.lines, onChange });
  now.current = { lines: form.lines, onChange };
  const change = useCallback((line: LineForm) => {
    const { lines, onChange } = now.current;
    onChange(lines.map((other) => (other.key === line.key ? line : other)));
  }, []);
  const remove = useCallback((at: number) => {
    const { lines, onChange } = now.current;
    onChange(lines.filter((_, position) => position !== at));
    focusLine(list.current, Math.max(0, at - 1));
  }, []);
  const move = useCallback((at: number, by: number) => {
    const { lines, onChange } = now.current;
    const moved = lines.toSpliced(at, 1);
    onChange(moved.toSpliced(at + by, 0, lines[at] as LineForm));
  }, []);
  const add = () => {
    onChange([...form.lines, blankLine(form.lines.at(-1))]);
    focusLine(list.current, form.lines.length);
  };
  return (
    <section className="card stack" aria-labelledby="lines-title">
      <div className="row spread">
        <h2 id="lines-title">Lines</h2>
      </div>
      <ul className="lines" ref={list}>
        {form.lines.map((line, at) => (
          <LineRow
            key={line.key}
            at={at}
            line={line}
            currencyCode={form.currencyCode}
            netMinor={preview?.lines[at]?.netMinor}
            onChange={change}
            onRemove={remove}
            onMove={move}
            isLast={at === form.lines.length - 1}
          />
        ))}
      </ul>
      <div>
        <Button icon="plus" onClick={add}>
          Add line
        </Button>
      </div>
    </section>
  );
}

/** After React has drawn it. */
function focusLine(list: HTMLUListElement | null, at: number): void {
  requestAnimationFrame(() => list?.children[at]?.querySelector("input")?.focus());
}
