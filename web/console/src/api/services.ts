// The services that the client has no property of its own for.

import { createClient } from "@connectrpc/connect";
import { CustomerService, ProfileService } from "@invoice-app/client/services";
import { product } from "../app/product.js";

export const customers = createClient(CustomerService, product.transport);
export const profiles = createClient(ProfileService, product.transport);
