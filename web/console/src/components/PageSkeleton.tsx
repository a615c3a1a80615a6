/** A screen before its answer has come. */
export function PageSkeleton() {
  return (
    <div className="stack" role="status">
      <span className="only-read-aloud">Loading…</span>
      <span className="skeleton skeleton-title" />
      <div className="card skeleton-card">
        <span className="skeleton" />
        <span className="skeleton" />
        <span className="skeleton" />
      </div>
    </div>
  );
}
