import { failureText } from "../text/reasons.js";
import { Button } from "./Button.js";

/** Something could not be read. */
export function Failure({ error, again }: { error: unknown; again?: () => void }) {
  return (
    <div className="notice bad" role="alert">
      <p>{failureText(error)}</p>
      {again !== undefined && (
        <Button small onClick={again}>
          Try again
        </Button>
      )}
    </div>
  );
}
