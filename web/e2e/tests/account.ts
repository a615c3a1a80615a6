import { randomUUID } from "node:crypto";

/** A registration that no other test has made. */
export function newAccount() {
  return {
    email: `${randomUUID()}@customer.example`,
    password: "four odd llamas hum quietly",
    displayName: "Ada",
    organizationName: "Ada's workshop",
  };
}
