import { useEffect, useRef, useState } from "react";
import { Icon } from "../../components/Icon.js";
import { ORDERS, VIEWS, type ListAddress, type Order, type View } from "./listAddress.js";

/** After so many milliseconds without a key the search begins. */
const SEARCH_PAUSE_MS = 200;

export function ListControls(props: { address: ListAddress; change: (part: Partial<ListAddress>) => void }) {
  const { address, change } = props;
  return (
    <div className="list-controls">
      <div className="views" role="group" aria-label="Show">
        {Object.entries(VIEWS).map(([view, { name }]) => (
          <button
            key={view}
            type="button"
            aria-pressed={view === address.view}
            onClick={() => change({ view: view as View })}
          >
            {name}
          </button>
        ))}
      </div>
      <Search query={address.query} change={(query) => change({ query })} />
      <select
        className="input order"
        aria-label="Order"
        value={address.order}
        onChange={(event) => change({ order: event.target.value as Order })}
      >
        {Object.entries(ORDERS).map(([order, { name }]) => (
          <option key={order} value={order}>
            {name}
          </option>
        ))}
      </select>
    </div>
  );
}

function Search({ query, change }: { query: string; change: (query: string) => void }) {
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
        aria-label="Search invoices"
        placeholder="Number, customer, text…"
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
