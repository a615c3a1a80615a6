import { useQuery } from "@connectrpc/connect-query";
import { InvoiceService } from "@invoice-app/client/services";
import { keepPreviousData } from "@tanstack/react-query";
import { Link, useSearchParams } from "react-router";
import "./invoices.css";
import { Button } from "../../components/Button.js";
import { Empty } from "../../components/Empty.js";
import { Failure } from "../../components/Failure.js";
import { Icon } from "../../components/Icon.js";
import { PageHead } from "../../components/PageHead.js";
import { Pages } from "../../components/Pages.js";
import { InvoiceTable, InvoiceTableSkeleton } from "./InvoiceTable.js";
import { ListControls } from "./ListControls.js";
import { Summary } from "./Summary.js";
import { listRequest, readAddress, writeAddress, type ListAddress } from "./listAddress.js";

export function Component() {
  const [search, setSearch] = useSearchParams();
  const address = readAddress(search);
  const change = (part: Partial<ListAddress>) =>
    setSearch(writeAddress({ ...address, pageToken: "", ...part }), { replace: true, preventScrollReset: true });
  const list = useQuery(InvoiceService.method.listInvoices, listRequest(address), { placeholderData: keepPreviousData });
  const invoices = list.data?.invoices ?? [];
  const isNarrowed = address.view !== "all" || address.query !== "" || address.customerId !== "";
  return (
    <>
      <PageHead title="Invoices">
        <NewInvoice />
      </PageHead>
      <Summary show={(view) => change({ view, query: "", customerId: "" })} />
      <section className="card flush list" aria-label="Invoices">
        <ListControls address={address} change={change} />
        {list.isError ? (
          <div className="list-notice">
            <Failure error={list.error} again={() => void list.refetch()} />
          </div>
        ) : list.isPending ? (
          <InvoiceTableSkeleton />
        ) : invoices.length > 0 ? (
          <InvoiceTable invoices={invoices} dimmed={list.isPlaceholderData} />
        ) : isNarrowed || address.pageToken !== "" ? (
          <NothingFound clear={() => change({ view: "all", query: "", customerId: "" })} />
        ) : (
          <Empty icon="invoice" title="Your first invoice">
            <p>Write it as a draft, see what it comes to while you type, and issue it when it is ready.</p>
            <NewInvoice />
          </Empty>
        )}
      </section>
      <Pages
        pageToken={address.pageToken}
        nextPageToken={list.isPlaceholderData ? "" : (list.data?.nextPageToken ?? "")}
        to={(pageToken) => `?${writeAddress({ ...address, pageToken })}`}
      />
    </>
  );
}

function NewInvoice() {
  return (
    <Link className="button primary" to="/invoices/new/edit">
      <Icon name="plus" />
      New invoice
    </Link>
  );
}

function NothingFound({ clear }: { clear: () => void }) {
  return (
    <Empty icon="search" title="Nothing found">
      <p>No invoice matches what you are looking for.</p>
      <Button onClick={clear}>Show all invoices</Button>
    </Empty>
  );
}
