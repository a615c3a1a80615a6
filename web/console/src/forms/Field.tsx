// Inputs with their label, their hint, and what is wrong with them.

import { useId, type ComponentProps, type ReactNode } from "react";
import { useInputErrors } from "./Form.js";

interface Labelled {
  label: string;
  /** The input's path in the request, by which the server speaks of it. */
  name: string;
  hint?: ReactNode;
  optional?: boolean;
  /** The label is only read aloud, since eyes see it elsewhere: in the head of a table. */
  hideLabel?: boolean;
  className?: string | undefined;
}

type Wiring = {
  id: string;
  name: string;
  "aria-invalid": boolean | undefined;
  "aria-describedby": string | undefined;
};

/** The frame of every input. */
export function Field({ children, ...labelled }: Labelled & { children: (wiring: Wiring) => ReactNode }) {
  const id = useId();
  const errors = useInputErrors(labelled.name);
  const described = [errors.length > 0 && `${id}-error`, labelled.hint !== undefined && `${id}-hint`].filter(Boolean);
  return (
    <div className={`field ${labelled.className ?? ""}`}>
      <label htmlFor={id} className={labelled.hideLabel ? "only-read-aloud" : undefined}>
        {labelled.label}
        {labelled.optional && <span className="optional"> (optional)</span>}
      </label>
      {children({
        id,
        name: labelled.name,
        "aria-invalid": errors.length > 0 || undefined,
        "aria-describedby": described.join(" ") || undefined,
      })}
      {errors.length > 0 && (
        <p className="field-error" id={`${id}-error`}>
          {errors.join(" ")}
        </p>
      )}
      {labelled.hint !== undefined && (
        <p className="field-hint" id={`${id}-hint`}>
          {labelled.hint}
        </p>
      )}
    </div>
  );
}

type Typed<Element extends "input" | "textarea" | "select"> = Labelled &
  Omit<ComponentProps<Element>, "name" | "value" | "onChange" | "className"> & {
    value: string;
    onValue: (value: string) => void;
  };

export function TextField(props: Typed<"input">) {
  const { label, name, hint, optional, hideLabel, className, value, onValue, ...rest } = props;
  return (
    <Field {...labelled(props)}>
      {(wiring) => (
        <input
          type="text"
          autoComplete="off"
          {...rest}
          {...wiring}
          className={`input ${rest.inputMode === "decimal" ? "figure" : ""}`}
          value={value}
          onChange={(event) => onValue(event.target.value)}
        />
      )}
    </Field>
  );
}

export function TextArea(props: Typed<"textarea">) {
  const { label, name, hint, optional, hideLabel, className, value, onValue, ...rest } = props;
  return (
    <Field {...labelled(props)}>
      {(wiring) => (
        <textarea
          {...rest}
          {...wiring}
          className="input"
          value={value}
          onChange={(event) => onValue(event.target.value)}
        />
      )}
    </Field>
  );
}

export function SelectField(props: Typed<"select">) {
  const { label, name, hint, optional, hideLabel, className, value, onValue, children, ...rest } = props;
  return (
    <Field {...labelled(props)}>
      {(wiring) => (
        <select
          {...rest}
          {...wiring}
          className="input"
          value={value}
          onChange={(event) => onValue(event.target.value)}
        >
          {children}
        </select>
      )}
    </Field>
  );
}

export function CheckField(props: { label: string; name: string; checked: boolean; onChecked: (on: boolean) => void }) {
  const { label, name, checked, onChecked } = props;
  return (
    <label className="check">
      <input type="checkbox" name={name} checked={checked} onChange={(event) => onChecked(event.target.checked)} />
      <span>{label}</span>
    </label>
  );
}

function labelled({ label, name, hint, optional, hideLabel, className }: Labelled): Labelled {
  return {
    label,
    name,
    className,
    ...(hint !== undefined && { hint }),
    ...(optional !== undefined && { optional }),
    ...(hideLabel !== undefined && { hideLabel }),
  };
}
