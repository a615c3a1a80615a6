// A form that shows what the server said of it.

import { createContext, useContext, type FormEvent, type ReactNode } from "react";
import type { FormErrors } from "./useFormErrors.js";

const Errors = createContext<FormErrors | undefined>(undefined);

/** What is wrong with the input of this name. */
export function useInputErrors(name: string): readonly string[] {
  const errors = useContext(Errors);
  const texts = [errors?.placed, errors?.live].flatMap((found) => found?.atInput.get(name) ?? []);
  return [...new Set(texts)];
}

interface FormProps {
  errors: FormErrors;
  onSubmit: () => void;
  className?: string;
  label?: string;
  children: ReactNode;
}

export function Form({ errors, onSubmit, className = "stack", label, children }: FormProps) {
  const submit = (event: FormEvent) => {
    event.preventDefault();
    event.stopPropagation();
    onSubmit();
  };
  return (
    <Errors value={errors}>
      <form
        ref={errors.form}
        className={className}
        aria-label={label}
        noValidate
        onSubmit={submit}
        onInput={({ target }) => errors.touched((target as HTMLInputElement).name ?? "")}
      >
        {errors.summary !== "" && (
          <div className="notice bad" role="alert" tabIndex={-1}>
            <p>{errors.summary}</p>
          </div>
        )}
        {children}
      </form>
    </Errors>
  );
}
