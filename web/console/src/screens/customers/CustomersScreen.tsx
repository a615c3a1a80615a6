import { useQuery } from "@connectrpc/connect-query";
import { CustomerService, type Customer } from "@invoice-app/client/services";
import { keepPreviousData } from "@tanstack/react-query";
import { Link, useSearchParams } from "react-router";
import { Button } from "../../components/Button.js";
import { Empty } from "../../components/Empty.js";
import { Failure } from "../../components/Failure.js";
import { Icon } from "../../components/Icon.js";
import { PageHead } from "../../components/PageHead.js";
import { Pages } from "../../components/Pages.js";
import { PageSkeleton } from "../../components/PageSkeleton.js";
import { Search } from "../../components/Search.js";
import { countryName } from "../../text/codes.js";
import "../invoices/invoices.css";

const PAGE_SIZE = 50;

/** The words and the page are in the address: `?q=ann&page=…`. */
export function Component() {
  const [search, setSearch] = useSearchParams();
  const [query, pageToken] = [search.get("q") ?? "", search.get("page") ?? ""];
  const find = (words: string) => setSearch(address(words, ""), { replace: true, preventScrollReset: true });
  const list = useQuery(
    CustomerService.method.listCustomers,
    { pageSize: PAGE_SIZE, query, pageToken },
    { placeholderData: keepPreviousData },
  );
  if (list.isPending) {
    return <PageSkeleton />;
  }
  const found = list.data?.customers ?? [];
  return (
    <>
      <PageHead title="Customers">
        <NewCustomer />
      </PageHead>
      <section className="card flush list" aria-label="Customers">
        <div className="list-controls">
          <Search label="Search customers" placeholder="Name or e-mail…" query={query} change={find} />
        </div>
        {list.isError ? (
          <div className="list-notice">
            <Failure error={list.error} again={() => void list.refetch()} />
          </div>
        ) : found.length > 0 ? (
          <CustomerTable customers={found} dimmed={list.isPlaceholderData} />
        ) : query !== "" || pageToken !== "" ? (
          <Empty icon="search" title="Nobody found">
            <p>No customer’s name or e-mail begins like this.</p>
            <Button onClick={() => find("")}>Show all customers</Button>
          </Empty>
        ) : (
          <Empty icon="people" title="Nobody here yet">
            <p>Whom you keep here you can choose on every invoice, with address and terms.</p>
            <NewCustomer />
          </Empty>
        )}
      </section>
      <Pages
        pageToken={pageToken}
        nextPageToken={list.isPlaceholderData ? "" : (list.data?.nextPageToken ?? "")}
        to={(token) => `?${address(query, token)}`}
      />
    </>
  );
}

/** What is blank is left out. */
function address(query: string, pageToken: string): URLSearchParams {
  return new URLSearchParams([["q", query], ["page", pageToken]].filter(([, value]) => value !== ""));
}

function NewCustomer() {
  return (
    <Link className="button primary" to="/customers/new">
      <Icon name="plus" />
      New customer
    </Link>
  );
}

function CustomerTable({ customers, dimmed }: { customers: readonly Customer[]; dimmed: boolean }) {
  return (
    <table className="invoices" aria-busy={dimmed}>
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col" className="on-desk">
            E-mail
          </th>
          <th scope="col">Place</th>
        </tr>
      </thead>
      <tbody>
        {customers.map(({ id, party }) => (
          <tr key={id}>
            <td>
              <Link to={`/customers/${id}`} className="row-link">
                {party?.name || <span className="soft">No name</span>}
              </Link>
            </td>
            <td className="on-desk">{party?.email || <span className="soft">–</span>}</td>
            <td>{place(party?.address?.city, party?.address?.countryCode) || <span className="soft">–</span>}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function place(city = "", countryCode = ""): string {
  return [city, countryCode === "" ? "" : countryName(countryCode)].filter(Boolean).join(", ");
}
