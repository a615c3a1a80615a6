import { useEffect, useRef, useState } from "react";
import { Icon } from "./Icon.js";

/** After so many milliseconds without a key the search begins. */
const SEARCH_PAUSE_MS = 200;

interface SearchProps {
  label: string;
  placeholder: string;
  query: string;
  change: (query: string) => void;
}

export function Search({ label, placeholder, query, change }: SearchProps) {
  const [typed, setTyped] = useState(query);
  const timer = useRef<number>(undefined);
  // The address changes from outside too: by the way back, and by “Show all”.
  useEffect(() => setTyped(query), [query]);
  useEffect(() => () => window.clearTimeout(timer.current), []);
  return (
    <div className="search">
      <Icon name="search" />
      <input
        type="search"
        className="input"
        aria-label={label}
        placeholder={placeholder}
        maxLength={200}
        value={typed}
        onChange={(event) => {
          const { value } = event.target;
          setTyped(value);
          window.clearTimeout(timer.current);
          timer.current = window.setTimeout(() => change(value.trim()), SEARCH_PAUSE_MS);
        }}
      />
    </div>
  );
}
