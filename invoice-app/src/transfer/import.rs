use std::error::Error;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use auth_service::Member;
use grpc_server::Shutdown;
use invoice_service::transfer::{self, ExpressOptions, Format, ImportOptions, Importer, Options};
use proto::invoice::v1 as pb;

use super::organization::OrganizationFlags;
use super::{REFUSED, exit_code, report};
use crate::Command;
use crate::progress::Progress;

/// What is imported, and how.
#[derive(Debug, Clone, clap::Args)]
pub struct ImportCommand {
    /// The file.
    file: PathBuf,

    /// What the file looks like. Unset: its name tells: `.jsonl` and `.ndjson`, `.csv`, and `.json` for browser invoice apps.
    #[arg(long, value_enum)]
    format: Option<Format>,

    /// Whose invoices.
    #[command(flatten)]
    organization: OrganizationFlags,

    /// Check everything and store nothing. Works beside a service that runs.
    #[arg(long)]
    dry_run: bool,

    /// Treat figures of the file that do not come out as problems. They are told in any case.
    #[arg(long)]
    refuse_differences: bool,

    /// What the JSON of browser invoice apps does not say.
    #[command(flatten)]
    express: ExpressFlags,
}

/// What the JSON of browser invoice apps does not say. The other formats say it themselves.
#[derive(Debug, Clone, clap::Args)]
#[group(skip)]
struct ExpressFlags {
    /// Browser invoice apps: the currency of every invoice, such as EUR.
    #[arg(long, value_name = "CODE")]
    currency: Option<String>,

    /// Browser invoice apps: the seller's name. Unset: that of the organization.
    #[arg(long, value_name = "TEXT")]
    seller_name: Option<String>,

    /// Browser invoice apps: the country of addresses that have none, such as DE.
    #[arg(long, value_name = "CODE")]
    country: Option<String>,

    /// Browser invoice apps: the tax category of every line.
    #[arg(long, value_enum, default_value = "outside-scope")]
    tax_category: TaxCategory,

    /// Browser invoice apps: the percentage of every line, such as 19.
    #[arg(long, value_name = "PERCENT")]
    tax_rate: Option<String>,

    /// Browser invoice apps: why no tax is charged, in the categories that need a reason.
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "imported without a statement of tax"
    )]
    exemption_reason: String,

    /// Browser invoice apps: prices include the tax.
    #[arg(long)]
    prices_include_tax: bool,
}

/// A tax category of EN 16931.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum TaxCategory {
    /// S: with a rate above 0.
    Standard,
    /// Z: zero-rated.
    Zero,
    /// E: exempt from tax.
    Exempt,
    /// AE: the buyer owes the tax.
    ReverseCharge,
    /// K: to another country of the European Economic Area.
    IntraCommunity,
    /// G: outside the EU.
    Export,
    /// O: outside the scope of tax.
    OutsideScope,
}

impl TaxCategory {
    const fn message(self) -> pb::TaxCategory {
        match self {
            Self::Standard => pb::TaxCategory::Standard,
            Self::Zero => pb::TaxCategory::Zero,
            Self::Exempt => pb::TaxCategory::Exempt,
            Self::ReverseCharge => pb::TaxCategory::ReverseCharge,
            Self::IntraCommunity => pb::TaxCategory::IntraCommunity,
            Self::Export => pb::TaxCategory::Export,
            Self::OutsideScope => pb::TaxCategory::OutsideScope,
        }
    }

    const fn needs_a_reason(self) -> bool {
        !matches!(self, Self::Standard | Self::Zero)
    }
}

/// What the flags leave open.
#[derive(Debug, thiserror::Error)]
enum FlagError {
    #[error("the name of {} does not tell what it is; say it with --format", .0.display())]
    Format(PathBuf),
    #[error("--currency: must be given, since this format has no currency")]
    Currency,
}

impl ImportCommand {
    /// Imports into the product that `command` describes, and prints what came of it.
    pub async fn run(&self, command: &Command) -> ExitCode {
        exit_code(self.carry_out(command).await)
    }

    async fn carry_out(&self, command: &Command) -> Result<ExitCode, Box<dyn Error>> {
        telemetry::init("invoice-app", &command.process.log, &command.process.traces)?;
        let format = self.format.or_else(|| Format::of_path(&self.file));
        let format = format.ok_or_else(|| FlagError::Format(self.file.clone()))?;
        if format == Format::Express && self.express.currency.is_none() {
            return Err(FlagError::Currency.into());
        }
        let member = self.organization.find(command).await?;
        let options = self.options(format, &member);
        let importer = Importer::new(&member.organization_id, &member.user_id)?;
        let progress = Progress::new(Shutdown::on_signals()?);
        let (config, data_dir) = (&command.invoice, &command.data_dir);
        let imported = transfer::import(config, data_dir, &self.file, &importer, &options, &progress);
        let imported = imported.await;
        progress.end();
        let imported = imported?;
        let report = report::report(&imported, &self.file);
        // Whoever closed standard output still gets the exit code.
        let _printed = std::io::stdout().write_all(report.as_bytes());
        Ok(if imported.is_accepted() {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(REFUSED)
        })
    }

    fn options(&self, format: Format, member: &Member) -> ImportOptions {
        let flags = &self.express;
        let given = |flag: &Option<String>| flag.clone().unwrap_or_default();
        let seller = flags.seller_name.as_ref().unwrap_or(&member.organization_name);
        ImportOptions {
            reading: Options {
                format,
                express: ExpressOptions {
                    currency_code: given(&flags.currency),
                    seller_name: seller.clone(),
                    country_code: given(&flags.country),
                    tax_category: flags.tax_category.message(),
                    tax_rate: given(&flags.tax_rate),
                    exemption_reason: if flags.tax_category.needs_a_reason() {
                        flags.exemption_reason.clone()
                    } else {
                        String::new()
                    },
                    prices_include_tax: flags.prices_include_tax,
                },
            },
            is_dry_run: self.dry_run,
            refuses_differences: self.refuse_differences,
        }
    }
}
