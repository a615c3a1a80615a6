import { useState } from "react";
import { SelectField, TextField } from "./Field.js";
import type { PartyForm } from "./party.js";
import { countries } from "../text/codes.js";

interface PartyFieldsProps {
  /** Where the party is in the request: `invoice.buyer`. */
  path: string;
  party: PartyForm;
  onChange: (party: PartyForm) => void;
}

/** Who, where, and under which tax number. */
export function PartyFields({ path, party, onChange }: PartyFieldsProps) {
  const set = (key: keyof PartyForm) => ({
    value: party[key],
    onValue: (value: string) => onChange({ ...party, [key]: value }),
  });
  const [startsOpen] = useState(() => [party.line2, party.region, party.phone, party.legalId].some((text) => text !== ""));
  return (
    <div className="stack">
      <div className="form-grid">
        <TextField label="Name" name={`${path}.name`} {...set("name")} className="whole" />
        <TextField label="Street and number" name={`${path}.address.line1`} optional {...set("line1")} className="whole" />
        <TextField label="Postal code" name={`${path}.address.postal_code`} optional {...set("postalCode")} />
        <TextField label="City" name={`${path}.address.city`} optional {...set("city")} />
        <SelectField label="Country" name={`${path}.address.country_code`} {...set("countryCode")}>
          <option value="">Choose…</option>
          {countries.map(({ code, name }) => (
            <option key={code} value={code}>
              {name}
            </option>
          ))}
        </SelectField>
        <TextField label="VAT or tax number" name={`${path}.tax_id`} optional {...set("taxId")} />
        <TextField label="E-mail" name={`${path}.email`} type="email" optional {...set("email")} />
      </div>
      <details className="more" open={startsOpen}>
        <summary>More</summary>
        <div className="form-grid">
          <TextField label="Address, second line" name={`${path}.address.line2`} optional {...set("line2")} />
          <TextField label="Region" name={`${path}.address.region`} optional {...set("region")} />
          <TextField label="Phone" name={`${path}.phone`} type="tel" optional {...set("phone")} />
          <TextField label="Company register number" name={`${path}.legal_id`} optional {...set("legalId")} />
        </div>
      </details>
    </div>
  );
}
