// The list's filter, order and page in the address, so that they can be linked to and gone back to.

import { invoice as pb } from "@invoice-app/client";
import { ListInvoicesRequest_OrderBy as OrderBy } from "@invoice-app/client/services";

export const PAGE_SIZE = 50;

/** What the tabs over the list show, by the word in the address. */
export const VIEWS = {
  all: { name: "All", filter: {} },
  draft: { name: "Drafts", filter: { states: [pb.Invoice_State.DRAFT] } },
  open: { name: "Open", filter: { states: [pb.Invoice_State.OPEN] } },
  overdue: { name: "Overdue", filter: { overdueOnly: true } },
  paid: { name: "Paid", filter: { states: [pb.Invoice_State.PAID] } },
  closed: { name: "Written off", filter: { states: [pb.Invoice_State.VOID, pb.Invoice_State.UNCOLLECTIBLE] } },
  credit: { name: "Credit notes", filter: { type: pb.Invoice_Type.CREDIT_NOTE } },
} as const;

export const ORDERS = {
  newest: { name: "Newest first", orderBy: OrderBy.CREATE_TIME_DESC },
  issued: { name: "Latest issued", orderBy: OrderBy.ISSUE_DATE_DESC },
  due: { name: "First due", orderBy: OrderBy.DUE_DATE_ASC },
  number: { name: "By number", orderBy: OrderBy.NUMBER_ASC },
  largest: { name: "Largest first", orderBy: OrderBy.GROSS_DESC },
} as const;

export type View = keyof typeof VIEWS;
export type Order = keyof typeof ORDERS;

export interface ListAddress {
  readonly view: View;
  readonly order: Order;
  readonly query: string;
  readonly customerId: string;
  /** Blank on the first page. */
  readonly pageToken: string;
}

export function readAddress(search: URLSearchParams): ListAddress {
  const [view, order] = [search.get("show") ?? "all", search.get("order") ?? "newest"];
  return {
    view: view in VIEWS ? (view as View) : "all",
    order: order in ORDERS ? (order as Order) : "newest",
    query: search.get("q") ?? "",
    customerId: search.get("customer") ?? "",
    pageToken: search.get("page") ?? "",
  };
}

/** What is at its default is left out. */
export function writeAddress({ view, order, query, customerId, pageToken }: ListAddress): URLSearchParams {
  const search = new URLSearchParams();
  const put = (key: string, value: string, usual = "") => value !== usual && search.set(key, value);
  put("show", view, "all");
  put("order", order, "newest");
  put("q", query);
  put("customer", customerId);
  put("page", pageToken);
  return search;
}

export function listRequest({ view, order, query, customerId, pageToken }: ListAddress) {
  return {
    pageSize: PAGE_SIZE,
    pageToken,
    orderBy: ORDERS[order].orderBy,
    filter: { ...VIEWS[view].filter, states: [...("states" in VIEWS[view].filter ? VIEWS[view].filter.states : [])], query, customerId },
  };
}
