use super::*;

/// The cells of an item, and what is wrong with it.
type Item = (Vec<String>, Option<String>);

/// What a layout makes of a text: the header, and the items.
fn read(kind: LayoutKind, text: &str, delimiter: char) -> (Vec<String>, Vec<Item>) {
    let mut layout = Layout::new(kind);
    let mut rows = text.lines().zip(1_u64..).map(|(line, number)| RawRow {
        line: number,
        cells: line.split(delimiter).map(str::to_owned).collect(),
        fault: None,
    });
    let header = rows.by_ref().find_map(|row| layout.begin(&row)).expect("a header");
    (header, rows.filter_map(|row| layout.take(row)).map(|row| (row.cells, row.fault)).collect())
}

#[test]
fn an_ageing_detail_is_stripped_of_titles_sections_and_sums() {
    let text = "Example Company;;;;;;\nA/R Ageing Detail;;;;;;\n;;;;;;\n\
                Date;Transaction Type;Num;Customer;Due Date;Amount;Open Balance\n\
                1 - 30 days past due;;;;;;\n\
                02/01/2026;Invoice;1001;Debtor 0001 Ltd;03/03/2026;100.00;60.00\n\
                02/15/2026;Payment;;Debtor 0001 Ltd;02/15/2026;-10.00;-10.00\n\
                Total for 1 - 30 days past due;;;;;90.00;50.00\nTOTAL;;;;;90.00;50.00\n\
                Tuesday, March 10, 2026 05:00 PM;;;;;;\n";
    let (header, items) = read(LayoutKind::AgingDetail, text, ';');
    assert_eq!(header[6], "Open Balance");
    let numbers: Vec<&str> = items.iter().map(|(cells, _)| cells[2].as_str()).collect();
    assert_eq!(numbers, ["1001", "Payment 02/15/2026"]);
}

#[test]
fn a_transaction_of_iif_is_one_item_and_balances() {
    let text = "!CUST\tNAME\n!TRNS\tTRNSTYPE\tDATE\tACCNT\tNAME\tAMOUNT\tDOCNUM\tDUEDATE\n!SPL\tTRNSTYPE\tDATE\tACCNT\tAMOUNT\n!ENDTRNS\n\
                CUST\tDebtor 0001 Ltd\n\
                TRNS\tINVOICE\t02/01/26\tAccounts Receivable\tDebtor 0001 Ltd\t100.00\t1001\t03/03/26\n\
                SPL\tINVOICE\t02/01/26\tSales\t-90.00\nSPL\tINVOICE\t02/01/26\tTax\t-10.00\nENDTRNS\n\
                TRNS\tPAYMENT\t02/15/26\tUndeposited Funds\tDebtor 0001 Ltd\t40.00\t\t\n\
                SPL\tPAYMENT\t02/15/26\tAccounts Receivable\t-40.00\nENDTRNS\n\
                TRNS\tINVOICE\t02/01/26\tAccounts Receivable\tDebtor 0001 Ltd\t100.00\t1002\t\nSPL\tINVOICE\t\tSales\t-99.00\nENDTRNS\n\
                TRNS\tCHECK\t02/01/26\tBank\tSomebody\t-5.00\t\t\nSPL\tCHECK\t\tRent\t5.00\nENDTRNS\n\
                TRNS\tCASH REFUND\t02/01/26\tBank\tDebtor 0001 Ltd\t-5.00\t\t\nSPL\tCASH REFUND\t\tSales\t5.00\nENDTRNS\n";
    let (_, items) = read(LayoutKind::Iif, text, '\t');
    assert_eq!(items.len(), 3, "a cheque and a refund of a cash sale change nothing that is owed");
    let figures: Vec<_> =
        items.iter().map(|(cells, fault)| (cells[2].as_str(), cells[5].as_str(), fault.is_some())).collect();
    assert_eq!(figures, [("1001", "100.00", false), ("PAYMENT 02/15/26", "-40.00", false), ("1002", "100.00", true)]);
    assert_eq!(items[1].0[4], "02/15/26", "what has no due date is due at once");
}

#[test]
fn a_list_of_sap_loses_rules_sums_and_zeros() {
    let text = "Customer            0000100012\nCompany Code        1000\nName                Debtor 0012 Ltd\n\
                --------------------------------\n\
                |St|DocumentNo|Ty|Doc. Date |Net due dt|Amount in DC|Curr.|\n\
                --------------------------------\n\
                |@5B@|1800000001|RV|01.02.2026|03.03.2026|1.234,56 |EUR  |\n\
                |@5B@|1400000009|DZ|15.02.2026|15.02.2026|34,56-    |EUR  |\n\
                |* |          |  |          |          |1.200,00 |EUR  |\n\
                |** Account 100012                     |1.200,00 |EUR  |\n\
                Customer            0000100013\n\
                |St|DocumentNo|Ty|Doc. Date |Net due dt|Amount in DC|Curr.|\n\
                |@5B@|1800000002|RV|01.02.2026|03.03.2026|50,00 |EUR  |\n";
    let (header, items) = read(LayoutKind::SapList, text, '|');
    assert_eq!(header[7..], ["Customer", "Name"]);
    let figures: Vec<_> = items.iter().map(|(cells, _)| [1, 5, 7, 8].map(|at: usize| cells[at].as_str())).collect();
    assert_eq!(
        figures,
        [
            ["1800000001", "1.234,56", "100012", "Debtor 0012 Ltd"],
            ["1400000009", "34,56-", "100012", "Debtor 0012 Ltd"],
            ["1800000002", "50,00", "100013", ""],
        ]
    );
}

#[test]
fn a_list_with_a_column_for_the_customer_needs_no_groups() {
    let text = "Customer\tDocumentNo\tDoc. Date\tAmount in DC\n0000000045\t18\t01.02.2026\t5,00\nK-007\t19\t01.02.2026\t6,00\n";
    let (_, items) = read(LayoutKind::SapList, text, '\t');
    let customers: Vec<&str> = items.iter().map(|(cells, _)| cells[0].as_str()).collect();
    assert_eq!(customers, ["45", "K-007"]);
}
