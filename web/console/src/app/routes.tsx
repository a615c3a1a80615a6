// Which screen belongs to which address. Each screen is loaded when it is first opened.

import { createBrowserRouter, Navigate, type RouteObject } from "react-router";
import { Failed } from "./Failed.js";
import { Gate } from "./Gate.js";
import { NotFound } from "./NotFound.js";
import { Shell } from "./Shell.js";

const screens: RouteObject[] = [
  { index: true, element: <Navigate to="/invoices" replace /> },
  // Addresses of people who are signed in already.
  { path: "sign-in", element: <Navigate to="/invoices" replace /> },
  { path: "register", element: <Navigate to="/invoices" replace /> },
  { path: "invoices", lazy: () => import("../screens/invoices/InvoicesScreen.js") },
  { path: "invoices/:invoiceId", lazy: () => import("../screens/invoice/InvoiceScreen.js") },
  { path: "invoices/:invoiceId/edit", lazy: () => import("../screens/editor/EditorScreen.js") },
  { path: "customers", lazy: () => import("../screens/customers/CustomersScreen.js") },
  { path: "customers/:customerId", lazy: () => import("../screens/customers/CustomerScreen.js") },
  { path: "company", lazy: () => import("../screens/company/CompanyScreen.js") },
  { path: "account", lazy: () => import("../screens/account/AccountScreen.js") },
  { path: "*", element: <NotFound /> },
];

export const router = createBrowserRouter([
  {
    element: <Gate />,
    errorElement: <Failed />,
    HydrateFallback: () => null,
    children: [{ element: <Shell />, children: [{ errorElement: <Failed />, children: screens }] }],
  },
]);
