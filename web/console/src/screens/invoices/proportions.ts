/**
 * How `amounts` share a length: whole numbers that add up to `length`, by largest remainder. Amounts above 0 get at least 1,
 * so that none is invisible; none of it is a figure that anybody reads.
 */
export function proportions(amounts: readonly bigint[], length: number): number[] {
  const total = amounts.reduce((sum, amount) => sum + amount, 0n);
  if (total <= 0n) {
    return amounts.map(() => 0);
  }
  const scaled = amounts.map((amount) => amount * BigInt(length));
  const shares = scaled.map((amount) => (amount > 0n ? Math.max(1, Number(amount / total)) : 0));
  let rest = length - shares.reduce((sum, share) => sum + share, 0);
  const order = scaled
    .map((amount, at) => ({ at, remainder: amount % total }))
    .filter(({ at }) => (amounts[at] ?? 0n) > 0n)
    .sort((a, b) => (a.remainder < b.remainder ? 1 : a.remainder > b.remainder ? -1 : a.at - b.at));
  for (const { at } of order) {
    if (rest > 0) {
      shares[at] = (shares[at] ?? 0) + 1;
      rest -= 1;
    }
  }
  if (rest < 0) {
    // What was made visible goes off the largest.
    const largest = shares.indexOf(Math.max(...shares));
    shares[largest] = (shares[largest] ?? 0) + rest;
  }
  return shares;
}
