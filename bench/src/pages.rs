//! Does a page cost more among many invoices than among few?

use std::error::Error;
use std::time::Instant;

use harness::{Person, RunningProduct};
use proto::invoice::v1::ListInvoicesRequest;
use proto::invoice::v1::list_invoices_request::OrderBy;
use tonic::Status;

use crate::figures::{Figures, ratio};
use crate::fill::fill;

/// Pages of each kind that are measured.
const ROUNDS: usize = 400;

/// A collection and a token of a page in its middle.
struct Collection {
    person: Person,
    middle: ListInvoicesRequest,
    first_pages: Figures,
    middle_pages: Figures,
}

impl Collection {
    async fn new(product: &RunningProduct, count: usize) -> Result<Self, Status> {
        let mut person = product.person().await;
        fill(&person, count).await?;
        let mut middle = ListInvoicesRequest {
            page_size: 200,
            ..first_page()
        };
        for _ in 0..(count / 2 / 200).max(1) {
            let page = person.invoices.list_invoices(middle.clone()).await?.into_inner();
            middle.page_token = page.next_page_token;
        }
        middle.page_size = 50;
        Ok(Self {
            person,
            middle,
            first_pages: Figures::default(),
            middle_pages: Figures::default(),
        })
    }

    async fn measure(&mut self) -> Result<(), Status> {
        for (request, figures) in [
            (first_page(), &mut self.first_pages),
            (self.middle.clone(), &mut self.middle_pages),
        ] {
            let began = Instant::now();
            self.person.invoices.list_invoices(request).await?;
            figures.add(began.elapsed());
        }
        Ok(())
    }
}

fn first_page() -> ListInvoicesRequest {
    ListInvoicesRequest {
        page_size: 50,
        order_by: OrderBy::CreateTimeDesc.into(),
        ..Default::default()
    }
}

/// Fills two products and measures pages of both in turn.
pub(crate) async fn measure(small: usize, large: usize) -> Result<(), Box<dyn Error>> {
    let products = (RunningProduct::start().await, RunningProduct::start().await);
    let mut few = Collection::new(&products.0, small).await?;
    let mut many = Collection::new(&products.1, large).await?;
    for _ in 0..ROUNDS {
        few.measure().await?;
        many.measure().await?;
    }
    println!("page of 50, median of {ROUNDS}:");
    for (kind, few, many) in [
        ("first", &mut few.first_pages, &mut many.first_pages),
        ("middle", &mut few.middle_pages, &mut many.middle_pages),
    ] {
        let (few, many) = (few.percentile(50), many.percentile(50));
        println!(
            "  {kind:6}  {small} invoices {few:?}  {large} invoices {many:?}  ratio {}",
            ratio(many, few)
        );
    }
    products.0.stop().await;
    products.1.stop().await;
    Ok(())
}
