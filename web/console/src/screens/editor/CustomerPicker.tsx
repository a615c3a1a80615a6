// A combobox with a list, by the pattern of the ARIA Authoring Practices: the focus stays in the input, arrows move through
// what was found, Enter takes it, Escape closes the list.

import { useQuery } from "@connectrpc/connect-query";
import { CustomerService, type Customer } from "@invoice-app/client/services";
import { keepPreviousData } from "@tanstack/react-query";
import { useEffect, useId, useState, type KeyboardEvent } from "react";
import { Link } from "react-router";
import { nextItem } from "../../components/ActionMenu.js";
import { Field } from "../../forms/Field.js";

const FOUND_AT_MOST = 8;
/** After so many milliseconds without a key the server is asked. */
const PAUSE_MS = 150;

/** Finds a customer by the beginnings of words of the name or e-mail. */
export function CustomerPicker({ onChoose }: { onChoose: (customer: Customer) => void }) {
  const listId = useId();
  const [typed, setTyped] = useState("");
  const [isOpen, setOpen] = useState(false);
  // By id, since the list changes while one types.
  const [markedId, setMarkedId] = useState("");
  const found = useFound(typed.trim());
  const at = found?.findIndex(({ id }) => id === markedId) ?? -1;
  const marked = isOpen ? found?.[at] : undefined;

  const choose = (customer: Customer) => {
    onChoose(customer);
    setTyped("");
    setOpen(false);
    setMarkedId("");
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape" && isOpen) {
      event.preventDefault();
      setOpen(false);
    } else if (event.key === "Enter" && isOpen) {
      // Not for the form: whoever chooses does not save.
      event.preventDefault();
      if (marked !== undefined) {
        choose(marked);
      }
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      setOpen(true);
      const all = found ?? [];
      // From nowhere, up leads to the last one.
      const from = event.key === "ArrowUp" ? Math.max(at, 0) : at;
      const next = nextItem(event.key, from, all.map(({ id }) => id)) ?? 0;
      setMarkedId(all[next]?.id ?? "");
    }
  };
  return (
    <div className="picker">
      <Field
        label="Choose a customer"
        name="invoice.customer_id"
        hint={
          <>
            Or write below for whom it is. <Link to="/customers/new">Keep a new customer</Link>
          </>
        }
      >
        {(wiring) => (
          <div className="picker-place">
            <input
              {...wiring}
              type="text"
              role="combobox"
              className="input"
              placeholder="Type a name…"
              autoComplete="off"
              maxLength={200}
              aria-autocomplete="list"
              aria-expanded={isOpen && (found?.length ?? 0) > 0}
              aria-controls={listId}
              aria-activedescendant={marked && `${listId}-${marked.id}`}
              value={typed}
              onChange={({ target }) => {
                setTyped(target.value);
                setOpen(true);
                setMarkedId("");
              }}
              onClick={() => setOpen(true)}
              onBlur={() => setOpen(false)}
              onKeyDown={onKeyDown}
            />
            <ul id={listId} role="listbox" aria-label="Customers" className="picker-list" hidden={!isOpen || !found?.length}>
              {found?.map((customer) => (
                <li
                  key={customer.id}
                  id={`${listId}-${customer.id}`}
                  role="option"
                  aria-selected={customer === marked}
                  // The input keeps the focus.
                  onMouseDown={(event) => event.preventDefault()}
                  onClick={() => choose(customer)}
                >
                  {customer.party?.name || "No name"}
                  <span className="under">{customer.party?.email || customer.party?.address?.city}</span>
                </li>
              ))}
            </ul>
            <p role="status" className={isOpen && found?.length === 0 ? "picker-list picker-none" : "only-read-aloud"}>
              {isOpen && found?.length === 0 && (typed.trim() === "" ? "No customers yet." : "No customer of this name.")}
            </p>
          </div>
        )}
      </Field>
    </div>
  );
}

/** undefined until the server has answered for the first time. */
function useFound(typed: string): readonly Customer[] | undefined {
  const [query, setQuery] = useState(typed);
  useEffect(() => {
    const timer = window.setTimeout(() => setQuery(typed), PAUSE_MS);
    return () => window.clearTimeout(timer);
  }, [typed]);
  const request = { pageSize: FOUND_AT_MOST, query };
  const { data } = useQuery(CustomerService.method.listCustomers, request, { placeholderData: keepPreviousData });
  return data?.customers;
}
