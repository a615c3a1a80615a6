import { Search } from "../../components/Search.js";
import { ORDERS, VIEWS, type ListAddress, type Order, type View } from "./listAddress.js";

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
      <Search
        label="Search invoices"
        placeholder="Number, customer, text…"
        query={address.query}
        change={(query) => change({ query })}
      />
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
