//! Every shipped profile takes a small file of its system in: to the cent, and once.

use ledgerline::import::{ImportJob, mapping::Mapping};

use super::{Folder, counts, day, figures_agree, open, take_in};
use crate::harness::TestApp;

/// A file as a system writes it, and what it comes to.
struct Sample {
    profile: &'static str,
    file: &'static str,
    text: String,
    currency: &'static str,
    /// Minor units of the open items, and how many there are.
    open: (i64, i64),
    accounts: i64,
    disputes: i64,
}

fn sample(profile: &'static str, file: &'static str, text: &str, currency: &'static str, open: (i64, i64)) -> Sample {
    Sample { profile, file, text: text.to_owned(), currency, open, accounts: 1, disputes: 0 }
}

fn spreadsheets() -> Vec<Sample> {
    let settled = "customerID,invoiceNumber,InvoiceDate,DueDate,InvoiceAmount,Disputed,SettledDate\n\
                   C1,1,1/2/2026,2/1/2026,10.00,No,1/20/2026\nC1,2,1/5/2026,2/4/2026,20.50,Yes,\n";
    let generated = "account,name,kind,currency,country,region,contact,role,phones,phone,invoice,issued_on,due_on,amount,\
                     disputed,dispute_reason,paid_on,paid,promise_taken_on,promise_due_on,promise_amount,promise_status\n\
                     9,Debtor 0009 Ltd,commercial,USD,US,NY,Payables,payables,,,G1,2026-01-02,2026-02-01,100.00,\
                     yes,pricing,2026-02-10,40.00,2026-03-01,2026-03-20,60.00,open\n";
    vec![
        sample(
            "open-items",
            "items.csv",
            "Customer No,Customer,Invoice No,Invoice Date,Due Date,Amount\n7,Debtor 0007 Ltd,A1,2026-01-02,2026-02-01,12.34\n",
            "USD",
            (1_234, 1),
        ),
        sample(
            "customers",
            "customers.csv",
            "Customer No,Customer,Current,1-30,31-60,61-90,Over 90\n7,Debtor 0007 Ltd,10.00,20.00,0,5.50,0\n",
            "USD",
            (3_550, 3),
        ),
        Sample { disputes: 1, ..sample("invoices-us-dates", "settled.csv", settled, "USD", (2_050, 1)) },
        Sample { disputes: 1, ..sample("portfolio", "portfolio.csv", generated, "USD", (6_000, 1)) },
    ]
}

fn quickbooks() -> Vec<Sample> {
    let aging = "Example Company,,,,,,\nA/R Ageing Detail,,,,,,\n,,,,,,\n\
                 Date,Transaction Type,Num,Customer,Due Date,Amount,Open Balance\n1 - 30 days past due,,,,,,\n\
                 02/01/2026,Invoice,1001,Debtor 0001 Ltd,03/03/2026,\"1,100.00\",\"1,060.00\"\n\
                 Total for 1 - 30 days past due,,,,,\"1,100.00\",\"1,060.00\"\nTOTAL,,,,,\"1,100.00\",\"1,060.00\"\n";
    let iif = "!TRNS\tTRNSTYPE\tDATE\tACCNT\tNAME\tAMOUNT\tDOCNUM\tDUEDATE\n!SPL\tTRNSTYPE\tDATE\tACCNT\tAMOUNT\n!ENDTRNS\n\
               TRNS\tINVOICE\t02/01/26\tAccounts Receivable\tDebtor 0001 Ltd\t100.00\t1001\t03/03/26\n\
               SPL\tINVOICE\t02/01/26\tSales\t-100.00\nENDTRNS\n";
    let json = r#"{"QueryResponse": {
        "Customer": [{"Id": "20", "SyncToken": "0", "DisplayName": "Debtor 0020 Ltd"}],
        "Invoice": [{"Id": "70", "SyncToken": "1", "DocNumber": "1070", "TxnDate": "2026-01-02", "DueDate": "2026-02-01",
                     "CustomerRef": {"value": "20", "name": "Debtor 0020 Ltd"}, "TotalAmt": 65.10, "Balance": 10.10,
                     "CurrencyRef": {"value": "USD"}}],
        "Payment": [{"Id": "163", "SyncToken": "0", "TxnDate": "2026-01-16", "TotalAmt": 55.0, "UnappliedAmt": 0,
                     "CustomerRef": {"value": "20"},
                     "Line": [{"Amount": 55.0, "LinkedTxn": [{"TxnId": "70", "TxnType": "Invoice"}]}]}]}}"#;
    vec![
        sample("qbo-aging", "aging.csv", aging, "USD", (106_000, 1)),
        sample("qbo-json", "objects.json", json, "USD", (1_010, 1)),
        sample("qbd-iif", "list.iif", iif, "USD", (10_000, 1)),
    ]
}

fn enterprise() -> Vec<Sample> {
    let sap = |amount: &str, first: &str, due: &str| {
        format!(
            "Customer            0000100012\nName                Debtor 0012 Ltd\n--------------------------------\n\
             |St|DocumentNo|Ty|Doc. Date |Net due dt|Amount in DC|Curr.|\n--------------------------------\n\
             |@5B@|1800000001|RV|{first}|{due}|{amount} |EUR  |\n|* |          |  |          |          |{amount} |EUR  |\n"
        )
    };
    let oracle = "CUSTOMER_NUMBER,CUSTOMER_NAME,TRX_NUMBER,TERMS_SEQUENCE_NUMBER,TRX_DATE,DUE_DATE,AMOUNT_DUE_REMAINING,AMOUNT_IN_DISPUTE,INVOICE_CURRENCY_CODE\n\
                  1001,Debtor 1001 Ltd,5001,1,2026-01-02,2026-02-01,80.00,0.00,USD\n\
                  1001,Debtor 1001 Ltd,5002,1,2026-01-05,2026-02-04,20.00,12.50,USD\n";
    vec![
        sample("sap-fbl5n", "list.txt", &sap("1.234,56", "01.02.2026", "03.03.2026"), "EUR", (123_456, 1)),
        sample("sap-fbl5n-us", "list.txt", &sap("1,234.56", "02/01/2026", "03/03/2026"), "EUR", (123_456, 1)),
        Sample { disputes: 1, ..sample("oracle-ar", "open.csv", oracle, "USD", (10_000, 2)) },
    ]
}

#[tokio::test]
async fn every_shipped_profile_takes_its_file_in_once_and_to_the_cent() {
    let app = TestApp::start().await;
    let folder = Folder::new();
    for Sample { profile, file, text, currency, open: expected, accounts, disputes } in
        [spreadsheets(), quickbooks(), enterprise()].into_iter().flatten()
    {
        let path = folder.put(file, &text);
        let job = || {
            let mapping = Mapping::load(profile).unwrap_or_else(|error| panic!("{profile}: {error}"));
            let mut job = ImportJob::new(&path, mapping, day("2026-03-10"));
            job.portfolio = Some(profile.to_owned());
            job
        };
        let report = take_in(&app.app, &job()).await;
        assert_eq!(report.counts.rejected, 0, "{profile}");
        assert_eq!(open(&report, currency), expected, "{profile}");
        let again = take_in(&app.app, &job()).await;
        assert_eq!((counts(&again).0, counts(&again).1), (0, 0), "{profile}: the same file again changes nothing");
        let found: (i64, i64) = sqlx::query_as(
            "SELECT (SELECT count(*) FROM account WHERE portfolio = $1),
                    (SELECT count(*) FROM dispute d JOIN account a ON a.id = d.account_id WHERE a.portfolio = $1)",
        )
        .bind(profile)
        .fetch_one(&app.app.db)
        .await
        .expect("counts");
        assert_eq!(found, (accounts, disputes), "{profile}");
    }
    let disputed: i64 = sqlx::query_scalar(
        "SELECT sum(i.amount_minor)::bigint FROM dispute_item i JOIN dispute d ON d.id = i.dispute_id
         JOIN account a ON a.id = d.account_id WHERE a.portfolio = 'oracle-ar'",
    )
    .fetch_one(&app.app.db)
    .await
    .expect("an amount");
    assert_eq!(disputed, 1_250, "a part of one item of Oracle's");
    figures_agree(&app.app).await;
    app.finish().await;
}

#[tokio::test]
async fn numbers_that_sap_uses_again_are_told_apart_by_year_and_company() {
    let (app, folder) = (TestApp::start().await, Folder::new());
    let list = |name: &str, header: &str, rows: &[&str]| {
        let head = format!("Customer\t{header}DocumentNo\tDoc. Date\tNet due dt\tAmount in DC\tCurr.");
        folder.put(name, format!("{head}\n{}\n", rows.join("\n")).replace('\t', "|"))
    };
    let job =
        |path: &std::path::Path| ImportJob::new(path, Mapping::load("sap-fbl5n").expect("shipped"), day("2026-03-10"));
    let bare = list("bare.txt", "", &["45\t1800000001\t01.02.2025\t03.03.2025\t10,00\tEUR"]);
    assert_eq!(counts(&take_in(&app.app, &job(&bare)).await), (1, 0, 0, 0));
    let rows = [
        "45\t1000\t2025\t1800000001\t01.02.2025\t03.03.2025\t10,00\tEUR",
        "45\t1000\t2026\t1800000001\t01.02.2026\t03.03.2026\t20,00\tEUR",
        "45\t2000\t2026\t1800000001\t01.02.2026\t03.03.2026\t40,00\tEUR",
    ];
    let columns = "Company Code\tFiscal Year\t";
    let report = take_in(&app.app, &job(&list("list.txt", columns, &rows))).await;
    assert_eq!(counts(&report), (2, 1, 0, 0), "the one of before has its year now");
    assert_eq!(open(&report, "EUR"), (7_000, 3));
    let again = take_in(&app.app, &job(&list("list.txt", "CoCd\tYear\t", &rows))).await;
    assert_eq!((counts(&again), open(&again, "EUR")), ((0, 0, 3, 0), (7_000, 3)));
    assert_eq!(counts(&take_in(&app.app, &job(&bare)).await), (0, 0, 1, 0), "known by its date");

    let mut complete = job(&list("list.txt", columns, &rows[1..]));
    complete.complete = Some(50);
    let closed = take_in(&app.app, &complete).await;
    assert_eq!((closed.closed, open(&closed, "EUR")), (Some(1), (6_000, 2)), "the one of the year that is not listed");
    let wrong = list("list.txt", columns, &["45\t1000\t26\t1800000009\t01.02.2026\t03.03.2026\t1,00\tEUR"]);
    assert_eq!(counts(&take_in(&app.app, &job(&wrong)).await), (0, 0, 0, 1), "no year");
    figures_agree(&app.app).await;
    app.finish().await;
}
