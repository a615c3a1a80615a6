//! What every store does, as sentences. [`store_contract!`] stamps each of them into a test of its own for a store; no
//! case looks at which store it runs on.

mod creations;
mod credits;
mod customers;
mod lists;
mod numbers;
mod profiles;
pub(crate) mod sample;
mod summaries;
mod watches;
mod writes;

pub(super) use creations::*;
pub(super) use credits::*;
pub(super) use customers::*;
pub(super) use lists::*;
pub(super) use numbers::*;
pub(super) use profiles::*;
pub(super) use summaries::*;
pub(super) use watches::*;
pub(super) use writes::*;

use mongo_engine::bson::Document;

use crate::domain::invoice::Invoice;
use crate::store::InvoiceStore;

/// The stored document of an invoice, behind the store's back.
pub(super) trait Documents {
    async fn document(&self, invoice: &Invoice) -> Document;
    async fn put_document(&self, invoice: &Invoice, document: Document);
    /// The gross that summaries add up, which may be one that no invoice can have.
    async fn put_gross(&self, invoice: &Invoice, gross_minor: i64);
}

/// Makes a module of tests, one for each case, on the store that `$open` makes. `$open` is an async block that gives the
/// store and whatever has to live as long.
macro_rules! store_contract {
    ($name:ident, $open:expr) => {
        mod $name {
            use super::*;

            store_contract! { @cases $open;
                an_inserted_invoice_reads_back_equal_in_every_field
                a_read_of_an_unknown_invoice_finds_nothing
                another_organization_can_neither_read_nor_list_nor_change_nor_delete_an_invoice
                a_creation_repeated_under_its_request_id_gives_the_first_invoice_as_it_is_now
                a_request_id_used_with_other_content_is_reported_and_stores_nothing
                one_request_id_means_two_things_in_two_organizations
                a_creation_repeated_after_the_deletion_says_so_and_stores_nothing
                of_fifty_parallel_creations_under_one_request_id_one_stores
                a_replacement_at_the_expected_version_is_read_back
                a_replacement_keeps_what_a_newer_release_has_stored
                a_settled_read_is_the_same_as_a_read
                a_replacement_of_a_stale_version_changes_nothing
                a_replacement_of_an_unknown_invoice_finds_nothing
                of_twenty_parallel_replacements_of_one_version_one_wins
                a_deleted_draft_is_gone_from_reads_and_lists
                a_draft_at_another_version_is_not_deleted
                an_issued_invoice_is_not_deleted
                an_issued_invoice_reads_back_with_its_number_and_its_history
                payments_read_back_equal
                an_invoice_that_was_edited_by_hand_is_found
                who_only_shows_an_invoice_does_not_read_its_history
                lists_leave_histories_out
                the_last_number_is_the_highest_count_of_the_latest_period
                one_place_in_a_series_is_given_to_one_invoice_of_an_organization
                of_twenty_parallel_issues_with_one_number_one_wins
                a_credit_replaces_the_invoice_and_adds_the_note
                a_credit_of_a_stale_version_writes_neither_document
                a_credit_whose_number_is_taken_writes_neither_document
                a_credit_of_an_unknown_invoice_writes_no_note
                of_ten_parallel_credits_of_one_version_one_wins
                invoices_inserted_in_order_read_back_and_their_requests_are_known
                an_insertion_in_order_that_meets_a_taken_number_leaves_nothing_after_it
                an_insertion_in_order_that_meets_a_used_request_leaves_nothing_after_it
                of_ids_those_that_exist_in_the_organization_are_told
                pages_of_every_order_show_every_invoice_once_and_in_order
                every_filter_agrees_with_the_definition
                a_search_agrees_with_the_definition
                invoices_written_between_two_pages_neither_repeat_nor_hide_another
                a_page_of_large_invoices_is_shorter_and_says_that_there_is_more
                a_summary_agrees_with_the_definition_for_every_filter
                a_summary_counts_the_days_since_an_invoice_was_due
                a_summary_counts_neither_deleted_drafts_nor_other_organizations
                a_sum_is_exact_beyond_what_an_integer_of_a_database_holds
                a_watch_tells_of_every_write_and_deletion_of_its_organization_alone
                a_watch_tells_nothing_of_what_changed_nothing
                a_watch_goes_on_at_the_place_of_another_and_misses_nothing
                what_is_no_place_of_the_store_is_lost
                a_closed_store_ends_its_watches
                a_watch_tells_of_both_documents_of_a_credit_and_of_none_that_is_refused
                a_watch_among_concurrent_writers_ends_with_the_state_of_the_store
                a_watch_that_is_cut_off_again_and_again_ends_with_the_state_of_the_store
                a_store_that_works_answers_a_ping
                a_profile_that_was_never_written_is_none
                a_profile_reads_back_equal_in_every_field
                a_profile_of_one_organization_is_none_of_another
                a_profile_at_another_version_is_not_replaced
                of_twenty_parallel_first_writes_of_a_profile_one_wins
                no_number_is_printed_twice
                a_customer_reads_back_equal_and_is_replaced_at_its_version
                another_organization_finds_and_changes_no_customer
                of_fifty_parallel_creations_of_a_customer_under_one_request_id_one_stores
                a_deleted_customer_is_gone_and_its_request_id_stays_used
                customers_are_listed_by_name_or_age_and_found_by_the_beginnings_of_words
            }
        }
    };
    (@cases $open:expr; $($case:ident)*) => {
        $(
            #[tokio::test]
            async fn $case() {
                let (store, _alive) = $open.await;
                crate::store::contract::$case(&store).await;
            }
        )*
    };
}
pub(super) use store_contract;

pub(in crate::store) async fn a_store_that_works_answers_a_ping(store: &impl InvoiceStore) {
    store.ping().await.unwrap();
}
