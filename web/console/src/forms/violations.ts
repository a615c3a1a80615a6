// Which input shows which of the server's findings.

import type { FieldViolation } from "@invoice-app/client";

export interface PlacedViolations {
  /** Texts by the name of the input that shows them. */
  readonly atInput: ReadonlyMap<string, readonly string[]>;
  /** What belongs to no input of the form. */
  readonly elsewhere: readonly FieldViolation[];
}

export const NO_VIOLATIONS: PlacedViolations = { atInput: new Map(), elsewhere: [] };

/**
 * Finds the input for each violation. Inputs are named by their path in the request, `invoice.lines[1].quantity`. What has
 * no input of its own goes to the first one below it: what is wrong with `invoice.lines[1]` is shown at its description.
 */
export function placeViolations(
  violations: readonly FieldViolation[],
  inputs: readonly string[],
  describe: (violation: FieldViolation) => string,
): PlacedViolations {
  const atInput = new Map<string, string[]>();
  const elsewhere: FieldViolation[] = [];
  for (const violation of violations) {
    const input = inputFor(violation.field, inputs);
    if (input === undefined) {
      elsewhere.push(violation);
    } else {
      const texts = atInput.get(input) ?? [];
      const text = describe(violation);
      atInput.set(input, texts.includes(text) ? texts : [...texts, text]);
    }
  }
  return { atInput, elsewhere };
}

function inputFor(field: string, inputs: readonly string[]): string | undefined {
  return inputs.includes(field) ? field : inputs.find((input) => isBelow(input, field));
}

/** `a.b` and `a[0]` are below `a`; `ab` is not. */
function isBelow(path: string, parent: string): boolean {
  return path.startsWith(`${parent}.`) || path.startsWith(`${parent}[`);
}

/** Moves paths of one message to those of the inputs that show it: `issue_date` is `invoice.issue_date` in the editor. */
export function renamed(
  violations: readonly FieldViolation[],
  names: Readonly<Record<string, string>>,
): readonly FieldViolation[] {
  return violations.map((violation) => ({ ...violation, field: names[violation.field] ?? violation.field }));
}
